/*
 * provision.containerConfig: what one instance may use, in the words of `docker run`.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct LimitsConfig {
    int64_t cpu_millis; /* thousandths of a CPU; 0 = not limited, as in all of them */
    int64_t memory_bytes;
    int64_t shm_bytes;
    int64_t processes;
    int64_t open_files;
    int64_t disk_bytes; /* that it alone holds in its pool; for clones only */
} LimitsConfig;

/*
 * limits_narrow - what holds for one: its own limit where it has one, else that of all.
 *
 * Errors: ERR_INVALID an own limit is wider than that of all.
 */
MUST_CHECK Error *limits_narrow(const LimitsConfig *all, const LimitsConfig *own,
                                LimitsConfig *ret_limits);

/* Takes of own what is more than a clone may have: for limits that were given when it might have more. */
void limits_cut(const LimitsConfig *all, LimitsConfig *own);

/*
 * limits_parse - read a mapping such as {"cpus": "1.5", "memory": "4gb", "shm-size": "1gb"}.
 *
 *   options     name → scalar; NULL = empty
 *   is_docker   names of docker_options.h are passed over
 *
 * Errors: ERR_INVALID an unknown name (hint: the known ones), or a value that makes no sense.
 */
MUST_CHECK Error *limits_parse(const json_t *options, bool is_docker, LimitsConfig *ret_limits);
