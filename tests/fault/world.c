/*
 * Sets of names, and what the engine calls to change them.
 */
#include "world.h"

#include "base/effect.h"
#include "base/outside.h"
#include "engine/clone_limits.h"
#include "engine/clone_request.h"
#include "engine/gate.h"
#include "engine/instance.h"
#include "engine/making.h"
#include "engine/pools.h"
#include "engine/programs.h"
#include "engine/supervisor.h"
#include "plan.h"
#include "postgres/conf.h"
#include "postgres/roles.h"
#include "storage/foreign.h"
#include "storage/measure.h"
#include "storage/pool_care.h"

struct Pool {
    int unused;
};

static struct {
    GMutex lock; /* for all below */
    GHashTable *volumes, *snapshots;
    GHashTable *instances; /* id → data directory */
    GHashTable *doors;     /* id → "open" or "held" */
    GHashTable *marks;     /* volume or snapshot → uid of the operation that makes it */
    GHashTable *broken;    /* volumes */
    bool is_atomic;
    int n_stops, n_failed_starts;
} world;

void (*world_meanwhile)(void);
bool world_checkpointer_is_stopped;
int64_t world_checkpoint_ms;

static Pool the_pool;

static void world_set(GHashTable *table, const char *key, const char *value)
{
    g_mutex_lock(&world.lock);
    if (value)
        g_hash_table_insert(table, g_strdup(key), g_strdup(value));
    else
        g_hash_table_remove(table, key);
    g_mutex_unlock(&world.lock);
}

static char *world_get(GHashTable *table, const char *key)
{
    g_mutex_lock(&world.lock);
    char *value = g_strdup(g_hash_table_lookup(table, key));
    g_mutex_unlock(&world.lock);
    return value;
}

static bool world_has(GHashTable *table, const char *key)
{
    g_autofree char *value = world_get(table, key);

    return value != NULL;
}

#define world_change(table, key, value) world_change_as(__func__, table, key, value)
#define world_touch()                   world_touch_as(__func__)

static Error *world_change_as(const char *what, GHashTable *table, const char *key,
                              const char *value)
{
    outside_call(what);
    TRY(plan_before(what));
    world_set(table, key, value);
    return plan_after();
}

static Error *world_touch_as(const char *what)
{
    outside_call(what);
    TRY(plan_before(what));
    return plan_after();
}

/* --- for the test --- */

static GHashTable *world_table(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
}

void world_open(void)
{
    world.volumes = world_table();
    world.snapshots = world_table();
    world.instances = world_table();
    world.doors = world_table();
    world.marks = world_table();
    world.broken = world_table();
    world.is_atomic = world_checkpointer_is_stopped = false;
    world.n_failed_starts = 0;
    world_meanwhile = NULL;
    effect_hook = plan_before_write;
}

void world_close(void)
{
    effect_hook = NULL;
    g_hash_table_unref(world.volumes);
    g_hash_table_unref(world.snapshots);
    g_hash_table_unref(world.instances);
    g_hash_table_unref(world.doors);
    g_hash_table_unref(world.marks);
    g_hash_table_unref(world.broken);
}

int world_stops(void)
{
    g_mutex_lock(&world.lock);
    int count = world.n_stops;
    g_mutex_unlock(&world.lock);
    return count;
}

void world_count_stops(void)
{
    g_mutex_lock(&world.lock);
    world.n_stops = 0;
    g_mutex_unlock(&world.lock);
}

void world_add_snapshot(const char *uid)
{
    world_set(world.snapshots, uid, "golden");
}

void world_stop_instances(void)
{
    g_mutex_lock(&world.lock);
    g_hash_table_remove_all(world.instances);
    g_mutex_unlock(&world.lock);
}

void world_break(void)
{
    GHashTableIter iter;
    void *volume;

    g_mutex_lock(&world.lock);
    g_hash_table_iter_init(&iter, world.volumes);
    while (g_hash_table_iter_next(&iter, &volume, NULL))
        g_hash_table_insert(world.broken, g_strdup(volume), NULL);
    g_mutex_unlock(&world.lock);
}

void world_take_snapshots_at_once(void)
{
    world.is_atomic = true;
}

int world_failed_starts(void)
{
    g_mutex_lock(&world.lock);
    int count = world.n_failed_starts;
    g_mutex_unlock(&world.lock);
    return count;
}

/* --- storage --- */

void storage_close_pool(Pool *pool)
{
}

const char *storage_pool_name(const Pool *pool)
{
    return "p";
}

StorageTraits storage_pool_traits(const Pool *pool)
{
    return (StorageTraits){.atomic_snapshot = world.is_atomic}; /* without, it is the longer way */
}

char *storage_volume_data(const Pool *pool, const char *volume)
{
    return g_strdup(volume);
}

Error *storage_clone(Pool *pool, const char *snapshot, const char *volume, const Manifest *manifest)
{
    if (!world_has(world.snapshots, snapshot))
        return error_new(ERR_NOT_FOUND, "snapshot \"%s\" does not exist", snapshot);
    if (world_has(world.volumes, volume))
        return error_new(ERR_CONFLICT, "volume \"%s\" exists", volume);
    return world_change(world.volumes, volume, snapshot);
}

static bool world_runs_on(const char *volume)
{
    GHashTableIter iter;
    void *data_dir;
    bool runs = false;

    g_mutex_lock(&world.lock);
    g_hash_table_iter_init(&iter, world.instances);
    while (!runs && g_hash_table_iter_next(&iter, NULL, &data_dir))
        runs = g_str_equal(data_dir, volume);
    g_mutex_unlock(&world.lock);
    return runs;
}

Error *storage_destroy_volume(Pool *pool, const char *volume)
{
    if (world_runs_on(volume))
        g_error("volume \"%s\" is destroyed while an instance runs on it", volume);
    return world_change(world.volumes, volume, NULL);
}

Error *storage_snapshot(Pool *pool, const char *volume, const char *snapshot,
                        const Manifest *manifest)
{
    if (!world.is_atomic && world_runs_on(volume))
        g_error("a snapshot of volume \"%s\" is taken while an instance writes to it", volume);
    if (world_has(world.snapshots, snapshot))
        return error_new(ERR_CONFLICT, "snapshot \"%s\" exists", snapshot);
    return world_change(world.snapshots, snapshot, volume);
}

Error *storage_destroy_snapshot(Pool *pool, const char *snapshot)
{
    return world_change(world.snapshots, snapshot, NULL);
}

/* --- who makes what --- */

Error *storage_mark(Pool *pool, StorageKind kind, const char *name, const char *maker)
{
    return world_change(world.marks, name, maker);
}

bool storage_is_finished(Pool *pool, StorageKind kind, const char *name)
{
    outside_call(__func__);
    return world_has(kind == STORAGE_VOLUME ? world.volumes : world.snapshots, name) &&
           !world_has(world.marks, name);
}

Error *operation_unmake(const Operation *operation, Pool *pool, StorageKind kind, const char *name)
{
    g_autofree char *maker = world_get(world.marks, name);

    if (g_strcmp0(maker, operation->row->uid) != 0 &&
        world_has(kind == STORAGE_VOLUME ? world.volumes : world.snapshots, name))
        return NULL;
    return kind == STORAGE_VOLUME ? storage_destroy_volume(pool, name)
                                  : storage_destroy_snapshot(pool, name);
}

void operation_made(Pool *pool, StorageKind kind, const char *name)
{
    if (!plan_is_dead())
        world_set(world.marks, name, NULL);
}

Error *storage_sync(Pool *pool, const char *volume)
{
    return world_touch();
}

Error *storage_mend_volume(Pool *pool, const char *volume)
{
    return world_touch();
}

Error *storage_snapshot_bytes(Pool *pool, const char *snapshot, uint64_t *ret_bytes)
{
    outside_call(__func__);
    *ret_bytes = 0;
    return NULL;
}

bool storage_is_foreign(const char *snapshot)
{
    return false;
}

Error *engine_find_pool(Engine *engine, const char *name, Pool **ret_pool)
{
    *ret_pool = &the_pool;
    return NULL;
}

Error *engine_await_pool(Engine *engine, const char *name, Pool **ret_pool)
{
    return engine_find_pool(engine, name, ret_pool);
}

Error *engine_need_pool(Engine *engine, const char *name)
{
    void (*meanwhile)(void) = g_steal_pointer(&world_meanwhile);

    if (meanwhile)
        meanwhile();
    return NULL;
}

bool engine_has_pool(Engine *engine, const char *name)
{
    return true;
}

Error *engine_latest_snapshot(Engine *engine, const char *branch, Snapshot **ret_snapshot)
{
    return store_latest_snapshot(engine->store, branch, ret_snapshot);
}

/* --- instances --- */

bool runtime_is_running(Runtime *runtime, const char *id)
{
    return world_has(world.instances, id);
}

Error *runtime_stop(Runtime *runtime, const char *id, RuntimeStop how, int64_t timeout_ms)
{
    bool was_running = world_has(world.instances, id);
    Error *e = world_change(world.instances, id, NULL);

    g_mutex_lock(&world.lock);
    world.n_stops += was_running && !g_hash_table_contains(world.instances, id);
    g_mutex_unlock(&world.lock);
    return e;
}

Error *runtime_forget(Runtime *runtime, const char *id, bool with_log)
{
    return world_touch();
}

static bool world_is_broken(const char *volume)
{
    g_mutex_lock(&world.lock);
    bool is_broken = g_hash_table_contains(world.broken, volume);
    g_mutex_unlock(&world.lock);
    return is_broken;
}

Error *instance_start(Engine *engine, const EngineInstance *instance)
{
    if (!world_has(world.volumes, instance->data_dir))
        return error_new(ERR_EXTERNAL, "there is no data in \"%s\"", instance->data_dir);
    if (world_has(world.instances, instance->id))
        return error_new(ERR_CONFLICT, "instance \"%s\" runs", instance->id);
    if (world_is_broken(instance->data_dir))
        return error_new(ERR_EXTERNAL, "\"%s\" is broken", instance->data_dir);
    return world_change(world.instances, instance->id, instance->data_dir);
}

static Error *instance_ask(const EngineInstance *instance)
{
    TRY(world_touch());
    if (g_cancellable_is_cancelled(instance->cancel))
        return error_new(ERR_CONFLICT, "cancelled");
    return world_has(world.instances, instance->id)
               ? NULL
               : error_new(ERR_EXTERNAL, "instance \"%s\" has ended", instance->id);
}

Error *instance_wait_ready(Engine *engine, const EngineInstance *instance, const char *dbname,
                           int64_t timeout_ms, Conn **ret_conn)
{
    return instance_ask(instance); /* without a connection: users are prepared over a new one */
}

Error *instance_connect(Engine *engine, const EngineInstance *instance, const char *dbname,
                        Conn **ret_conn)
{
    world_checkpoint_ms = instance->answer_ms;
    return instance_ask(instance);
}

ConnSpec instance_server(const InstanceLine *line, const char *dbname)
{
    return (ConnSpec){0};
}

char *instance_socket_dir(Engine *engine, const EngineInstance *instance)
{
    return g_strdup("");
}

const char *instance_manager_db(const Engine *engine, const EngineInstance *instance,
                                const char *dbname)
{
    return dbname;
}

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

void supervisor_start_failed(Supervisor *supervisor, const char *uid)
{
    g_mutex_lock(&world.lock);
    world.n_failed_starts++;
    g_mutex_unlock(&world.lock);
}

/* --- postgres --- */

Error *conf_take_over(const char *data_dir, const char *os_user, const ConfAccess *access)
{
    return world_touch();
}

bool conf_is_taken_over(const char *data_dir)
{
    outside_call(__func__);
    return true;
}

Error *conf_write_access(const char *data_dir, const char *os_user, const ConfAccess *access)
{
    return world_touch();
}

Error *conf_end_recovery(const char *data_dir)
{
    outside_call(__func__);
    return NULL;
}

Error *conf_write(const char *data_dir, const char *os_user, const ConfSpec *spec)
{
    return world_touch();
}

void conn_close(Conn *conn)
{
}

Error *conn_password_secret(int64_t major, const char *user, const char *password,
                            char **ret_secret)
{
    *ret_secret = g_strdup("secret");
    return NULL;
}

Error *conn_query(Conn *conn, Rows **ret_rows, const char *sql, ...)
{
    return world_touch();
}

Error *conn_script(Conn *conn, const char *sql)
{
    if (world_checkpointer_is_stopped && g_str_equal(sql, "CHECKPOINT"))
        return error_new(ERR_TIMEOUT, "PostgreSQL did not answer in time");
    return world_touch();
}

int rows_count(const Rows *rows)
{
    return 1;
}

const char *rows_text(const Rows *rows, int row, int column)
{
    return "";
}

void rows_free(Rows *rows)
{
}

Error *roles_prepare(const ConnSpec *server, const RolesSpec *spec, char **ret_note)
{
    return world_touch();
}

Error *roles_prepare_over(Conn *conn, const ConnSpec *server, const RolesSpec *spec,
                          char **ret_note)
{
    return world_touch();
}

/* --- ports --- */

bool gate_is_used(const Engine *engine)
{
    return true;
}

Error *gate_let_in(Engine *engine, const Clone *clone)
{
    return world_change(world.doors, clone->uid, "open");
}

Error *gate_hold(Engine *engine, const Clone *clone)
{
    return world_change(world.doors, clone->uid, "held");
}

Error *gate_shut(Engine *engine, const Clone *clone)
{
    return world_change(world.doors, clone->uid, NULL);
}

/* --- what must be true --- */

static void compare_clone(const Clone *clone, GHashTable *volumes, GString *problems)
{
    g_autofree char *data_dir = world_get(world.instances, clone->uid);
    g_autofree char *door = world_get(world.doors, clone->uid);

    g_hash_table_add(volumes, clone->volume);
    if (clone->state == CLONE_FATAL)
        return; /* it may have anything of its own, or nothing */
    if (clone->state != CLONE_OK)
        g_string_append_printf(problems, "clone is %s; ", clone_state_name(clone->state));
    if (!world_has(world.volumes, clone->volume))
        g_string_append(problems, "an OK clone has no volume; ");
    if (g_strcmp0(data_dir, clone->volume) != 0)
        g_string_append_printf(problems, "an OK clone runs on %s; ", data_dir);
    if (g_strcmp0(door, "open") != 0)
        g_string_append_printf(problems, "the door of an OK clone is %s; ", door);
}

static void compare_names(GHashTable *there, GHashTable *known, const char *kind, GString *problems)
{
    GHashTableIter iter;
    void *name;

    g_mutex_lock(&world.lock);
    g_hash_table_iter_init(&iter, there);
    while (g_hash_table_iter_next(&iter, &name, NULL))
        if (!g_hash_table_contains(known, name))
            g_string_append_printf(problems, "%s \"%s\" is left; ", kind, (char *)name);
    g_mutex_unlock(&world.lock);
}

static void compare_snapshot(const Snapshot *snapshot, GHashTable *known, GString *problems)
{
    g_hash_table_add(known, snapshot->uid);
    if (!snapshot->is_ready)
        g_string_append_printf(problems, "snapshot \"%s\" is not ready; ", snapshot->id);
    if (!world_has(world.snapshots, snapshot->uid))
        g_string_append_printf(problems, "snapshot \"%s\" has no data; ", snapshot->id);
}

char *world_compare(Store *store)
{
    g_autoptr(GPtrArray) clones = NULL, snapshots = NULL;
    g_autoptr(GHashTable) uids = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) volumes = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GHashTable) images = g_hash_table_new(g_str_hash, g_str_equal);
    g_autoptr(GString) problems = g_string_new(NULL);

    g_assert_null(store_list_clones(store, &clones));
    g_assert_null(store_list_snapshots(store, &snapshots));
    for (unsigned i = 0; i < clones->len; i++) {
        g_hash_table_add(uids, ((Clone *)clones->pdata[i])->uid);
        compare_clone(clones->pdata[i], volumes, problems);
    }
    for (unsigned i = 0; i < snapshots->len; i++)
        compare_snapshot(snapshots->pdata[i], images, problems);
    compare_names(world.volumes, volumes, "volume", problems);
    compare_names(world.snapshots, images, "snapshot", problems);
    compare_names(world.instances, uids, "instance", problems);
    compare_names(world.doors, uids, "door", problems);
    return problems->len ? g_strdup(problems->str) : NULL;
}
