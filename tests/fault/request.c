/*
 * Each asks as the API does.
 */
#include "request.h"

#include "engine/clone/clone.h"
#include "engine/clone/start.h"
#include "engine/snapshot/snapshot.h"
#include "store/golden.h"
#include "store/snapshot.h"

Clone *find_clone(Server *server)
{
    Clone *clone = NULL;

    error_free(store_get_clone(server->engine.store, "c", &clone));
    return clone;
}

/* The oldest that is a clone's, or no clone's and not protected. Caller frees. */
static Snapshot *find_snapshot(Server *server, bool is_of_clone)
{
    g_autoptr(GPtrArray) snapshots = NULL;

    must(store_list_snapshots(server->engine.store, &snapshots));
    for (unsigned i = snapshots->len; i > 0; i--) {
        const Snapshot *snapshot = snapshots->pdata[i - 1];
        if (is_of_clone ? *snapshot->clone_id : !*snapshot->clone_id && !snapshot->is_protected)
            return g_ptr_array_steal_index(snapshots, i - 1);
    }
    return NULL;
}

char *find_own_snapshot(Server *server)
{
    g_autoptr(Snapshot) snapshot = find_snapshot(server, true);

    return snapshot ? g_strdup(snapshot->id) : NULL;
}

static Error *request_nothing(void)
{
    return error_new(ERR_NOT_FOUND, "there is nothing to ask for");
}

/* --- the clone --- */

Error *request_create(Server *server)
{
    return server_create_clone(server, "");
}

Error *request_create_of_old(Server *server)
{
    g_autoptr(Snapshot) snapshot = find_snapshot(server, false);

    return snapshot ? server_create_clone(server, snapshot->id) : request_nothing();
}

Error *request_reset(Server *server)
{
    return engine_reset_clone(&server->engine, "c", "s2", false);
}

Error *request_reset_to_own(Server *server)
{
    g_autofree char *id = find_own_snapshot(server);

    return id ? engine_reset_clone(&server->engine, "c", id, false) : request_nothing();
}

Error *request_destroy(Server *server)
{
    return engine_destroy_clone(&server->engine, "c");
}

static Error *request_protection(Server *server, bool is_protected)
{
    g_autoptr(Clone) clone = NULL;

    return engine_protect_clone(&server->engine, "c", is_protected, false, 0, &clone);
}

Error *request_protect(Server *server)
{
    return request_protection(server, true);
}

Error *request_unprotect(Server *server)
{
    return request_protection(server, false);
}

Error *request_start(Server *server)
{
    world_stop_instances();
    return engine_start_stopped_clones(&server->engine, NULL);
}

/* --- its snapshots --- */

Error *request_snapshot(Server *server)
{
    g_autoptr(Snapshot) snapshot = NULL;

    return engine_snapshot_clone(&server->engine, "c", "", NULL, NULL, &snapshot);
}

static Error *request_delete(Server *server, bool is_forced)
{
    g_autofree char *id = find_own_snapshot(server);

    return id ? engine_delete_snapshot(&server->engine, id, is_forced, NULL, NULL)
              : request_nothing();
}

Error *request_delete_snapshot(Server *server)
{
    return request_delete(server, false);
}

Error *request_delete_snapshot_forced(Server *server)
{
    return request_delete(server, true);
}

/* --- golden data --- */

Error *request_refresh(Server *server)
{
    return retrieval_refresh(server->retrieval);
}

bool has_golden(Server *server)
{
    g_autoptr(Golden) golden = NULL;

    error_free(store_get_golden(server->engine.store, "p", &golden));
    return golden != NULL;
}

Error *request_first_refresh(Server *server)
{
    return has_golden(server) ? NULL : request_refresh(server);
}

Error *forget_golden_snapshot(Server *server)
{
    g_autoptr(Snapshot) snapshot = find_snapshot(server, false);

    world_remove_snapshot(snapshot->uid);
    return store_delete_snapshot(server->engine.store, snapshot->uid);
}

Error *request_golden_snapshot(Server *server)
{
    g_autoptr(Snapshot) snapshot = NULL;

    return retrieval_snapshot(server->retrieval, "p", NULL, NULL, &snapshot);
}
