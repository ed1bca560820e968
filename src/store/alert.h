/*
 * Alerts of the retrieval, kept over restarts: one row a type.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

typedef struct Alert {
    char *type;  /* "refresh_failed", "refresh_skipped" */
    char *level; /* "error", "warning" */
    char *message;
    char *detail;
    char *hint;
    int64_t last_seen_ms;
    int64_t count;
} Alert;

void alert_free(Alert *alert);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Alert, alert_free)

/* Adds one, or counts it again with the new text. NULL detail and hint are "". */
MUST_CHECK Error *store_raise_alert(Store *store, const Alert *alert);
MUST_CHECK Error *store_clear_alerts(Store *store);

/* GPtrArray of Alert *; caller unrefs. */
MUST_CHECK Error *store_list_alerts(Store *store, GPtrArray **ret_alerts);
