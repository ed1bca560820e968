/*
 * Instances and their doors.
 */
#include "world_private.h"

#include "base/outside.h"
#include "engine/gate/gate.h"
#include "engine/gate/port.h"
#include "engine/instance/instance.h"
#include "engine/instance/supervisor.h"
#include "plan.h"

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
    if (world_has(world.instances, id))
        return error_new(ERR_CONFLICT, "instance \"%s\" runs", id);
    return world_change(world.directories, id, NULL);
}

/* The machine's settings are nobody's concern here. */
bool runtime_takes_network(const Runtime *runtime)
{
    return false;
}

static void world_list_ids(GHashTable *table, GPtrArray **ret_ids)
{
    g_mutex_lock(&world.lock);
    GList *ids = g_hash_table_get_keys(table);
    *ret_ids = g_ptr_array_new_with_free_func(g_free);
    for (GList *node = ids; node; node = node->next)
        g_ptr_array_add(*ret_ids, g_strdup(node->data));
    g_list_free(ids);
    g_mutex_unlock(&world.lock);
}

Error *runtime_list(Runtime *runtime, GPtrArray **ret_ids)
{
    outside_call(__func__);
    world_list_ids(world.instances, ret_ids);
    return NULL;
}

Error *runtime_list_dirs(Runtime *runtime, GPtrArray **ret_ids)
{
    outside_call(__func__);
    world_list_ids(world.directories, ret_ids);
    return NULL;
}

char *runtime_log_tail(Runtime *runtime, const char *id, size_t max_bytes)
{
    return g_strdup("");
}

static bool world_is_broken(const char *volume)
{
    g_mutex_lock(&world.lock);
    bool is_broken = g_hash_table_contains(world.broken, volume);
    g_mutex_unlock(&world.lock);
    return is_broken;
}

/* The socket alone is a file: the doctor looks for it. */
static void world_make_socket(const EngineInstance *instance)
{
    g_autofree char *path =
        g_strdup_printf("%s/.s.PGSQL.%" G_GINT64_FORMAT, world.dir, instance->port);

    world_set(world.directories, instance->id, "");
    if (!g_file_test(path, G_FILE_TEST_EXISTS))
        g_assert_true(g_file_set_contents(path, "", 0, NULL));
}

char *runtime_socket_dir(const Runtime *runtime, const char *id)
{
    return g_strdup(world.dir);
}

char *runtime_socket_path(const Runtime *runtime, const char *id, int64_t port)
{
    return g_strdup_printf("%s/.s.PGSQL.%" G_GINT64_FORMAT, world.dir, port);
}

Error *instance_start(Engine *engine, const EngineInstance *instance)
{
    if (!world_has(world.volumes, instance->data_dir))
        return error_new(ERR_EXTERNAL, "there is no data in \"%s\"", instance->data_dir);
    if (world_has(world.instances, instance->id))
        return error_new(ERR_CONFLICT, "instance \"%s\" runs", instance->id);
    if (world_is_broken(instance->data_dir))
        return error_new(ERR_EXTERNAL, "\"%s\" is broken", instance->data_dir);
    Error *e = world_change(world.instances, instance->id, instance->data_dir);
    if (world_has(world.instances, instance->id))
        world_make_socket(instance);
    return e;
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

const char *instance_manager_db(const EngineInstance *instance, const char *dbname)
{
    return dbname;
}

void supervisor_start_failed(Supervisor *supervisor, const char *uid)
{
    g_mutex_lock(&world.lock);
    world.n_failed_starts++;
    g_mutex_unlock(&world.lock);
}

/* --- ports --- */

bool gate_is_used(const Engine *engine)
{
    return true;
}

static Error *gate_set(const char *what, const Clone *clone, const char *door)
{
    g_autofree char *port = g_strdup_printf("%" G_GINT64_FORMAT, clone->port);

    world_set(world.ports, port, clone->uid);
    return world_change_as(what, world.doors, clone->uid, door);
}

Error *gate_let_in(Engine *engine, const Clone *clone)
{
    if (world.ports_are_taken)
        return error_new(ERR_CONFLICT, "port %" G_GINT64_FORMAT " is in use", clone->port);
    return gate_set(__func__, clone, "open");
}

Error *gate_hold(Engine *engine, const Clone *clone)
{
    return gate_set(__func__, clone, "held");
}

Error *gate_shut(Engine *engine, const Clone *clone)
{
    return gate_set(__func__, clone, NULL);
}

char *gate_trouble(const Engine *engine, const char *uid)
{
    return NULL;
}

static void gate_free_status(void *data)
{
    GatewayStatus *status = data;

    g_free(status->id);
    g_free(status);
}

Error *gate_look(Engine *engine, GPtrArray **ret_doors)
{
    GHashTableIter iter;
    void *id;

    outside_call(__func__);
    *ret_doors = g_ptr_array_new_with_free_func(gate_free_status);
    g_mutex_lock(&world.lock);
    g_hash_table_iter_init(&iter, world.doors);
    while (g_hash_table_iter_next(&iter, &id, NULL)) {
        GatewayStatus *status = g_new0(GatewayStatus, 1);
        status->id = g_strdup(id);
        g_ptr_array_add(*ret_doors, status);
    }
    g_mutex_unlock(&world.lock);
    return NULL;
}

bool __wrap_port_is_free(int64_t port);

/* Who asks wants to know whether the door of a clone is there. */
bool __wrap_port_is_free(int64_t port)
{
    g_autofree char *key = g_strdup_printf("%" G_GINT64_FORMAT, port);
    g_autofree char *uid = world_get(world.ports, key);

    return !uid || !world_has(world.doors, uid);
}
