/*
 * Views: rows of the store as the objects that clients know (field names, types, order of the
 * contract).
 */
#pragma once

#include <jansson.h>

#include "api/routes.h"
#include "store/clone.h"
#include "store/snapshot.h"

/* All return new references. */
json_t *view_time(int64_t at_ms);    /* RFC 3339, "" for 0 */
json_t *view_text(const char *text); /* of outside: jansson takes nothing but UTF-8 */
json_t *view_engine(const Api *api, const Config *config, bool is_full);
MUST_CHECK Error *view_clone(Api *api, const Config *config, const Clone *clone, json_t **ret_view);
MUST_CHECK Error *view_clones(Api *api, const Config *config,
                              json_t **ret_views); /* newest first */
MUST_CHECK Error *view_snapshot(Api *api, const Snapshot *snapshot, json_t **ret_view);
MUST_CHECK Error *view_pools(Api *api, const Config *config, json_t **ret_views);
MUST_CHECK Error *view_retrieval(Api *api, json_t **ret_view); /* activity null */

/* Puts the configured lease and maximum of protections into a view, as far as they are set. */
void view_set_leases(json_t *view, const CloningConfig *cloning);
