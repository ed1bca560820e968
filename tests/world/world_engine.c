/*
 * Parts of the engine that only lead outside, or answer a request.
 */
#include "world_private.h"

#include "engine/clone_limits.h"
#include "engine/clone_request.h"
#include "engine/programs.h"
#include "engine/space.h"
#include "engine/store_watch.h"
#include "plan.h"

Error *programs_find(const Engine *engine, int64_t major, Installation **ret)
{
    *ret = NULL;
    return NULL;
}

Error *clone_limits_set_disk(const Engine *engine, const char *own, Pool *pool, const char *volume,
                             bool is_new)
{
    return world_touch();
}

Error *clone_request_check(Engine *engine, const CloneRequest *request, Snapshot **ret_snapshot)
{
    return store_get_snapshot_by_uid(engine->store, "s1", ret_snapshot);
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
