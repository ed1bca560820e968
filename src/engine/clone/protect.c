/*
 * Protection of clones, and what is known of one without asking PostgreSQL.
 */
#include "engine/clone/clone.h"

#include "engine/clone/request.h"

Error *engine_protect_clone(Engine *engine, const char *id, bool is_protected, bool has_duration,
                            int64_t duration_minutes, Clone **ret_clone)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    TRY(store_get_clone(engine->store, id, &clone));
    clone->is_protected = is_protected;
    clone->protected_till_ms =
        clone_protection_end(engine, is_protected, has_duration, duration_minutes);
    TRY(store_set_clone_protection(engine->store, clone->uid, is_protected,
                                   clone->protected_till_ms));
    TRY(store_commit(&tx));
    *ret_clone = g_steal_pointer(&clone);
    return NULL;
}

bool engine_clone_serves(Engine *engine, const Clone *clone)
{
    return clone_wanted(clone) == CLONE_WANTED_RUN &&
           runtime_is_running(engine->runtime, clone->uid);
}
