/*
 * One clone, and its life.
 */
#include "world_fixture.h"

#include "base/clock.h"
#include "base/fs.h"
#include "engine/clone.h"
#include "engine/clone_start.h"
#include "engine/gate.h"
#include "engine/port.h"
#include "engine/snapshot.h"
#include "engine/volume.h"
#include "postgres/activity.h"
#include "storage/measure.h"

#define SETTLE_MS 60000

void must(Error *e)
{
    if (e)
        g_error("%s (%s)", e->message, e->detail ? e->detail : "-");
}

Error *storage_diff_bytes(Pool *pool, const char *volume, uint64_t *ret_bytes, bool *ret_is_exact)
{
    return error_new(ERR_EXTERNAL, "nothing is measured");
}

/* No gateway is asked here. */
Error *gate_look(Engine *engine, GPtrArray **ret_doors)
{
    return error_new(ERR_EXTERNAL, "there is no gateway");
}

Error *activity_read(Conn *conn, Activity *ret_activity)
{
    return error_new(ERR_EXTERNAL, "nobody answers");
}

int64_t activity_own_share(const Conn *conn)
{
    return 0;
}

static Error *is_settled(void *data, bool *ret_done)
{
    WorldFixture *f = data;

    *ret_done = !operations_is_busy(f->engine.operations, NULL, NULL);
    return NULL;
}

void settle(WorldFixture *f)
{
    must(wait_until(clock_monotonic_ms() + SETTLE_MS, is_settled, f));
}

void make_clone(WorldFixture *f)
{
    const CloneRequest request = {
        .id = "c",
        .snapshot_id = "",
        .branch = "",
        .username = "u",
        .password = "p",
        .db_name = "",
    };
    g_autoptr(Clone) clone = NULL;

    must(engine_create_clone(&f->engine, &request, &clone));
    settle(f);
}

void destroy_clone(WorldFixture *f)
{
    must(engine_destroy_clone(&f->engine, "c"));
    settle(f);
}

Clone *the_clone(WorldFixture *f)
{
    Clone *clone = NULL;

    must(store_get_clone(f->engine.store, "c", &clone));
    return clone;
}

static void add_golden(WorldFixture *f, const char *uid)
{
    g_autoptr(Snapshot) snapshot = snapshot_new();

    snapshot->uid = g_strdup(uid);
    snapshot->id = g_strdup(uid);
    snapshot->pool = g_strdup("p");
    snapshot->branch = g_strdup("main");
    snapshot->pg_major = 17;
    snapshot->is_ready = true;
    snapshot->data_state_at_ms = snapshot->created_at_ms = 1000;
    must(store_insert_snapshot(f->engine.store, snapshot));
    world_add_snapshot(uid);
}

static void start_runner(WorldFixture *f)
{
    static const OperationKind *const kinds[] = {
        &clone_create_kind,   &clone_reset_kind,     &clone_destroy_kind,  &clone_start_kind,
        &snapshot_clone_kind, &snapshot_delete_kind, &volume_discard_kind,
    };

    must(operations_new(&f->engine, 4, 1000, &f->engine.operations));
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        operations_register(f->engine.operations, kinds[i]);
}

void world_set_up(WorldFixture *f, const void *unused)
{
    f->dir = g_dir_make_tmp("ramet-world-XXXXXX", NULL);
    f->engine.config = &f->config;
    f->config.global.database_dbname = (char *)(uintptr_t) "postgres";
    f->config.global.database_username = (char *)(uintptr_t) "postgres";
    f->engine.ports = port_pool_new(56100, 56199);
    world_open();
    must(store_open(f->dir, STORE_READ_WRITE, &f->engine.store));
    add_golden(f, "s1");
    add_golden(f, "s2");
    start_runner(f);
    make_clone(f);
}

void world_tear_down(WorldFixture *f, const void *unused)
{
    operations_free(f->engine.operations);
    store_close(f->engine.store);
    port_pool_free(f->engine.ports);
    world_close();
    must(fs_remove_tree(f->dir));
    g_free(f->dir);
}
