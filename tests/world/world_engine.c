/*
 * Parts of the engine that only lead outside, or answer a request.
 */
#include "world_private.h"

#include "engine/clone/limits.h"
#include "engine/clone/request.h"
#include "engine/instance/programs.h"
#include "engine/pool/pools.h"
#include "engine/store_watch.h"
#include "plan.h"

Error *programs_find(const Engine *engine, int64_t major, Installation **ret)
{
    *ret = installation_new(major, "");
    return NULL;
}

Error *programs_find_for_source(const Engine *engine, int64_t source_major, Installation **ret)
{
    return programs_find(engine, source_major, ret);
}

Error *programs_find_client(const Engine *engine, const Installation *installation,
                            const char *program, char **ret_path)
{
    *ret_path = g_strdup(program);
    return NULL;
}

Error *programs_check_settings(const Engine *engine, const Installation *installation,
                               const json_t *settings)
{
    return NULL;
}

char **programs_bin_dirs(const Config *config)
{
    return NULL;
}

Error *clone_limits_set_disk(const Engine *engine, const char *own, Pool *pool, const char *volume,
                             bool is_new)
{
    return world_touch();
}

Error *clone_request_check(Engine *engine, const CloneRequest *request, Snapshot **ret_snapshot)
{
    return *request->snapshot_id
               ? store_get_snapshot(engine->store, request->snapshot_id, ret_snapshot)
               : engine_latest_snapshot(engine, NULL, ret_snapshot);
}

int64_t clone_protection_end(Engine *engine, bool is_protected, bool has_duration,
                             int64_t duration_minutes)
{
    return 0;
}

void engine_notify(Engine *engine)
{
}

bool engine_is_held(Engine *engine)
{
    return false;
}

Error *engine_store_trouble(Engine *engine)
{
    return NULL;
}
