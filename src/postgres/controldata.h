/*
 * What pg_controldata says of a data directory.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "postgres/installation.h"

typedef struct ControlData {
    int64_t version;   /* of pg_control itself: 1300 since PostgreSQL 13 */
    char *state;       /* "shut down", "in production", … */
    bool is_shut_down; /* cleanly: no recovery at the next start */
    char *checkpoint_lsn;
    int64_t checkpoint_at_ms;
    int64_t timeline;
    char *system_identifier;
} ControlData;

void control_data_free(ControlData *data);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ControlData, control_data_free)

/* Caller frees. ERR_EXTERNAL the program failed, or its output is not understood. */
MUST_CHECK Error *control_data_read(const Installation *installation, const char *data_dir,
                                    ControlData **ret_data);

/* The pure part: the program's output under LC_ALL=C and TZ=UTC. */
MUST_CHECK Error *control_data_parse(const char *output, ControlData **ret_data);
