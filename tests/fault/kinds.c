/*
 * The table, and what is true of each kind when it is over.
 */
#include "kinds.h"

#include "store/clone.h"
#include "store/golden.h"
#include "store/snapshot.h"

/* A refresh has many steps, and those of a reset are swept once. */
const Kind kinds[] = {
    {"create", request_create, .pairs = ALL_PAIRS},
    {"reset", request_reset, {request_create}, .pairs = ALL_PAIRS, .can_stick = true},
    {"reset-to-own", request_reset_to_own, {request_create, request_snapshot}, .pairs = 0},
    {"destroy", request_destroy, {request_create}, .pairs = ALL_PAIRS, .ends_clone = true},
    {"start", request_start, {request_create}, .pairs = ALL_PAIRS},
    {"snapshot", request_snapshot, {request_create}, .pairs = ALL_PAIRS, .can_stick = true},
    {"snapshot-of-running",
     request_snapshot,
     {request_create},
     .pairs = ALL_PAIRS,
     .is_atomic = true},
    {"delete-snapshot",
     request_delete_snapshot,
     {request_create, request_snapshot},
     .pairs = ALL_PAIRS},
    {"refresh", request_refresh, {request_first_refresh}, .pairs = 1, .is_golden = true},
    {"snapshot-golden",
     request_golden_snapshot,
     {request_first_refresh, forget_golden_snapshot},
     .pairs = ALL_PAIRS,
     .is_golden = true},
};
const size_t n_kinds = G_N_ELEMENTS(kinds);
G_STATIC_ASSERT(G_N_ELEMENTS(kinds) == KINDS_IN_MESON);

/* --- what must be true --- */

static void check_clone(Server *server, const Kind *kind, const char *label, bool is_done)
{
    g_autoptr(Clone) clone = find_clone(server);

    if (kind->ends_clone && clone)
        g_error("%s: the clone is still there", label);
    if (!kind->ends_clone && !clone)
        g_error("%s: an acknowledged clone is gone", label);
    if (clone && is_done && clone->state != CLONE_OK)
        g_error("%s: the clone is %s: %s", label, clone_state_name(clone->state), clone->message);
}

/* The last good data is in service, whatever became of the new. */
static void check_golden(Server *server, const char *label)
{
    g_auto(RetrievalStatus) status = {0};
    g_autoptr(Golden) golden = NULL;

    must(store_get_golden(server->engine.store, "p", &golden));
    if (!world_has_volume(golden->volume))
        g_error("%s: the golden data is gone", label);
    retrieval_status(server->retrieval, &status);
    if (!g_str_equal(status.status, "finished") && !g_str_equal(status.status, "failed"))
        g_error("%s: retrieval is %s", label, status.status);
}

void kind_check(Server *server, const Kind *kind, const char *label, bool was_accepted,
                bool is_done)
{
    g_autofree char *problems = server_problems(server);

    if (problems)
        g_error("%s: %s", label, problems);
    if (kind->is_golden)
        check_golden(server, label);
    else if (was_accepted)
        check_clone(server, kind, label, is_done);
}

/* --- and away with it --- */

static bool has_own_snapshot(Server *server)
{
    g_autofree char *id = find_own_snapshot(server);

    return id != NULL;
}

static void clear_snapshots(Server *server)
{
    while (has_own_snapshot(server)) {
        must(request_delete_snapshot_forced(server));
        server_settle(server);
    }
}

void server_clear(Server *server)
{
    g_autoptr(GPtrArray) snapshots = NULL;

    error_free(request_unprotect(server)); /* there may be none */
    error_free(request_destroy(server));
    server_settle(server);
    clear_snapshots(server);
    if (has_golden(server)) { /* older ones go with it */
        must(request_refresh(server));
        server_settle(server);
    }
    g_assert_null(find_clone(server));
    must(store_list_snapshots(server->engine.store, &snapshots));
    g_assert_cmpuint(snapshots->len, ==, has_golden(server) ? 3 : 2);
    g_autofree char *problems = server_problems(server);
    g_assert_cmpstr(problems, ==, NULL);
}
