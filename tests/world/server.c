/*
 * What a server does at its start, by hand: each part that the world takes the place of is left out.
 */
#include "server.h"

#include "base/clock.h"
#include "base/fs.h"
#include "engine/clone/clone.h"
#include "engine/clone/start.h"
#include "engine/doctor.h"
#include "engine/gate/port.h"
#include "engine/kinds.h"
#include "engine/pool/making.h"
#include "engine/snapshot/snapshot.h"
#include "plan.h"

#define SETTLE_MS 60000

void must(Error *e)
{
    if (e)
        g_error("%s (%s)", e->message, e->detail ? e->detail : "-");
}

/* --- its life --- */

static void server_start(Server *server)
{
    must(operations_new(server->engine.store, 4, 1000, &server->engine.operations));
    engine_register_kinds(&server->engine);
    must(retrieval_open(&server->engine, &server->retrieval));
}

static void server_stop(Server *server)
{
    retrieval_close(g_steal_pointer(&server->retrieval));
    operations_free(g_steal_pointer(&server->engine.operations));
}

/* In the order of engine_recover(). A start that the store refuses is asked for again by the supervisor. */
static void server_recover(Server *server)
{
    engine_sweep_marks(&server->engine);
    must(operations_recover(server->engine.operations));
    error_free(engine_start_stopped_clones(&server->engine, NULL));
}

void server_restart(Server *server)
{
    server_stop(server);
    plan_revive();
    server_start(server);
    server_recover(server);
}

/* It stays when a refresh has brought newer data. */
static void server_add_golden(Server *server, const char *uid, int64_t data_state_at_ms)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();

    snapshot->uid = g_strdup(uid);
    snapshot->id = g_strdup(uid);
    snapshot->pool = g_strdup("p");
    snapshot->branch = g_strdup("main");
    snapshot->pg_major = 17;
    snapshot->is_ready = true;
    snapshot->is_protected = true;
    snapshot->data_state_at_ms = snapshot->created_at_ms = data_state_at_ms;
    must(store_insert_snapshot(server->engine.store, snapshot));
    world_add_snapshot(uid);
}

static char *server_word(const char *word)
{
    return (char *)(uintptr_t)word;
}

static void server_configure(Server *server)
{
    Config *config = &server->config;

    g_atomic_ref_count_init(&config->references);
    config->global.database_dbname = server_word("postgres");
    config->global.database_username = server_word("postgres");
    config->postgres.os_user = server_word(g_get_user_name());
    config->pool_manager.mount_dir = server->dir;
    config->retrieval.jobs = json_pack("[sss]", "logicalDump", "logicalRestore", "logicalSnapshot");
    config->retrieval.dump.dump_location = server->dumps;
    config->retrieval.dump.connection_string = server_word("host=source");
}

void server_open(Server *server)
{
    server->dir = g_dir_make_tmp("ramet-server-XXXXXX", NULL);
    server->dumps = g_build_filename(server->dir, "dumps", NULL);
    server_configure(server);
    server->engine.config = &server->config;
    server->engine.ports = port_pool_new(56000, 56199);
    world_open();
    must(store_open(server->dir, STORE_READ_WRITE, &server->engine.store));
    server_add_golden(server, "s1", 2000);
    server_add_golden(server, "s2", 1000);
    server_start(server);
}

void server_close(Server *server)
{
    server_stop(server);
    json_decref(server->config.retrieval.jobs);
    store_close(server->engine.store);
    port_pool_free(server->engine.ports);
    world_close();
    must(fs_remove_tree(server->dir));
    g_free(server->dumps);
    g_free(server->dir);
}

Error *server_is_settled(void *data, bool *ret_done)
{
    Server *server = data;
    g_autoptr(GPtrArray) rows = NULL;

    if (plan_is_dead())
        server_restart(server);
    operations_hurry(server->engine.operations);
    TRY(store_list_operations(server->engine.store, &rows));
    *ret_done = rows->len == 0 && !operations_is_busy(server->engine.operations, NULL, NULL) &&
                !plan_is_dead();
    return NULL;
}

void server_settle(Server *server)
{
    must(wait_until(clock_monotonic_ms() + SETTLE_MS, server_is_settled, server));
}

Error *server_create_clone(Server *server, const char *snapshot_id)
{
    const CloneRequest request = {
        .id = "c",
        .snapshot_id = snapshot_id,
        .branch = "",
        .username = "u",
        .password = "p",
        .db_name = "",
    };
    g_autoptr(Clone) clone = NULL;

    return engine_create_clone(&server->engine, &request, &clone);
}

/* --- what must be true --- */

/* That a clone has failed is a finding by itself, and no problem here. */
static bool finding_is_of_failed(const Finding *finding, const GPtrArray *clones)
{
    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        if (g_str_equal(finding->kind, "clone") && g_str_equal(finding->name, clone->id))
            return clone->state == CLONE_FATAL && g_str_equal(finding->message, clone->message);
    }
    return false;
}

static void server_ask_doctor(Server *server, const GPtrArray *clones, GString *problems)
{
    g_autoptr(GPtrArray) findings = NULL;

    must(engine_examine(&server->engine, &findings));
    for (unsigned i = 0; i < findings->len; i++) {
        const Finding *finding = findings->pdata[i];
        if (!finding_is_of_failed(finding, clones))
            g_string_append_printf(problems, "%s \"%s\": %s; ", finding->kind, finding->name,
                                   finding->message);
    }
}

static void server_check_clone(Server *server, const Clone *clone, GString *problems)
{
    g_autofree char *data_dir = world_instance_data(clone->uid);
    g_autofree char *door = world_door(clone->uid);
    g_autoptr(Snapshot) snapshot = NULL;

    error_free(store_get_snapshot_by_uid(server->engine.store, clone->snapshot_uid, &snapshot));
    if (!snapshot)
        g_string_append(problems, "the snapshot of a clone is gone; ");
    if (clone->state != CLONE_OK)
        return;
    if (g_strcmp0(data_dir, clone->volume) != 0)
        g_string_append_printf(problems, "an OK clone runs on %s; ", data_dir);
    if (g_strcmp0(door, "open") != 0)
        g_string_append_printf(problems, "the door of an OK clone is %s; ", door);
}

static void server_look_for_dumps(const Server *server, GString *problems)
{
    g_auto(GStrv) names = NULL;

    if (!fs_exists(server->dumps))
        return;
    must(fs_list_dir(server->dumps, &names));
    for (char **name = names; *name; name++)
        g_string_append_printf(problems, "the dump of \"%s\" is left; ", *name);
}

char *server_problems(Server *server)
{
    g_autoptr(GPtrArray) clones = NULL;
    g_autoptr(GString) problems = g_string_new(NULL);

    must(store_list_clones(server->engine.store, &clones));
    for (unsigned i = 0; i < clones->len; i++)
        server_check_clone(server, clones->pdata[i], problems);
    server_ask_doctor(server, clones, problems);
    server_look_for_dumps(server, problems);
    return problems->len ? g_strdup(problems->str) : NULL;
}
