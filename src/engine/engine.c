/*
 * The engine's life: what is opened in which order, and what recovery does.
 */
#include "engine/engine.h"

#include "base/clock.h"
#include "base/fs.h"
#include "base/id.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "config/docker_options.h"
#include "engine/clone/clone.h"
#include "engine/clone/start.h"
#include "engine/doctor.h"
#include "engine/gate/gate.h"
#include "engine/gate/port.h"
#include "engine/instance/idle.h"
#include "engine/instance/log_keeper.h"
#include "engine/instance/programs.h"
#include "engine/instance/supervisor.h"
#include "engine/kinds.h"
#include "engine/pool/gauge.h"
#include "engine/pool/import.h"
#include "engine/pool/making.h"
#include "engine/pool/pools.h"
#include "engine/pool/space.h"
#include "engine/pool/volume.h"
#include "engine/snapshot/snapshot.h"
#include "engine/snapshot/sweeper.h"
#include "engine/store_watch.h"
#include "operation/operation.h"
#include "store/clone.h"

#define ENGINE_WORKERS_MIN 16 /* they mostly wait, for the disk and for postgres */
#define ENGINE_SLOW_MS     3000

/* --- opening --- */

Error *engine_load_identity(Store *store, bool may_make, char **ret_identity)
{
    TRY(store_get_fact(store, "instance_id", ret_identity));
    if (*ret_identity || !may_make)
        return NULL;
    *ret_identity = id_new();
    return store_set_fact(store, "instance_id", *ret_identity);
}

static Error *engine_take_ports(Engine *engine)
{
    g_autoptr(GPtrArray) clones = NULL;

    TRY(store_list_clones(engine->store, &clones));
    for (unsigned i = 0; i < clones->len; i++)
        port_take(engine->ports, ((const Clone *)clones->pdata[i])->port);
    return NULL;
}

static void engine_log_progress(const char *words, void *data)
{
    log_info("runtime", "doing", words);
}

/* container: docker_options_parse(). */
static Error *runtime_open_by(const Config *config, const json_t *container, bool is_to_look,
                              Runtime **ret_runtime)
{
    bool is_docker = g_str_equal(config->runtime.driver, "docker");
    uint64_t log_bytes = 0;

    TRY(text_parse_size(config->runtime.log_size, &log_bytes));

    return runtime_open(
        &(RuntimeSpec){
            .driver = config->runtime.driver,
            .state_dir = config->server.state_dir,
            .os_user = config->postgres.os_user,
            .is_trusted = config->runtime.is_trusted,
            .program = config->runtime.oci_program,
            .image = is_docker ? config->provision.docker_image : config->runtime.root,
            .host = config->runtime.docker_host,
            .container = container,
            .is_to_look = is_to_look,
            .log_bytes = (int64_t)log_bytes,
            .progress = engine_log_progress,
        },
        ret_runtime);
}

Error *engine_open_runtime(const Config *config, bool is_to_look, Runtime **ret_runtime)
{
    g_autoptr(json_t) container = NULL;
    Error *e;

    TRY(docker_options_parse(config->provision.container_config, &container));
    e = runtime_open_by(config, container, is_to_look, ret_runtime);
    TRY(e);

    g_autofree char *what = runtime_describe(*ret_runtime);

    log_info("runtime", "driver", config->runtime.driver, "found", what);
    return NULL;
}

static Error *engine_open_parts(Engine *engine, StoreMode mode)
{
    g_autoptr(Config) config = engine_config(engine);

    TRY(store_open(config->server.state_dir, mode, &engine->store));
    TRY(engine_load_identity(engine->store, mode == STORE_READ_WRITE, &engine->instance_id));
    TRY(engine_open_runtime(config, engine->is_to_look, &engine->runtime));
    TRY(programs_open(engine));
    TRY(gate_open(engine));
    TRY(pools_open(engine->pools));
    engine->ports = port_pool_new(config->provision.port_from, config->provision.port_to);
    TRY(engine_take_ports(engine));
    engine->supervisor = supervisor_new(engine);
    TRY(operations_new(engine->store, MAX(ENGINE_WORKERS_MIN, 2 * (int)g_get_num_processors()),
                       ENGINE_SLOW_MS, &engine->operations));
    engine_register_kinds(engine);
    return NULL;
}

static Error *engine_open_as(const Config *config, StoreMode mode, Engine **ret_engine)
{
    g_autoptr(Engine) engine = g_new0(Engine, 1);

    g_mutex_init(&engine->config_lock);
    engine->config = config_ref(config);
    engine->is_to_look = mode == STORE_READ_ONLY;
    engine->started_at_ms = clock_now_ms();
    g_mutex_init(&engine->listener_lock);
    g_mutex_init(&engine->limits_lock);
    engine->limits_changing = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    engine->pools = pools_new(engine);
    engine->space = space_watch_new(engine);
    TRY(engine_open_parts(engine, mode));
    *ret_engine = g_steal_pointer(&engine);
    return NULL;
}

Error *engine_open(const Config *config, Engine **ret_engine)
{
    /* Others pass through it to run/; what is in it has modes of its own. */
    TRY(fs_make_dir(config->server.state_dir, 0711, NULL));
    return engine_open_as(config, STORE_READ_WRITE, ret_engine);
}

Error *engine_open_to_look(const Config *config, Engine **ret_engine)
{
    return engine_open_as(config, STORE_READ_ONLY, ret_engine);
}

void engine_close(Engine *engine)
{
    if (!engine)
        return;
    idle_checker_stop(engine->idle);
    supervisor_stop(engine->supervisor);
    snapshot_sweeper_stop(engine->sweeper);
    log_keeper_stop(engine->logs);
    pools_stop(engine->pools);
    operations_free(engine->operations);
    gauge_stop(engine->gauge);
    space_watch_free(engine->space);
    store_watch_stop(engine->store_watch); /* what the last operation has committed is told, too */
    supervisor_free(engine->supervisor);
    port_pool_free(engine->ports);
    pools_free(engine->pools);
    gate_close(engine->gate);
    runtime_close(engine->runtime);
    store_close(engine->store);
    programs_close(engine);
    config_unref(engine->config);
    g_mutex_clear(&engine->config_lock);
    g_free(engine->instance_id);
    g_hash_table_unref(engine->limits_changing);
    g_mutex_clear(&engine->limits_lock);
    g_mutex_clear(&engine->listener_lock);
    g_free(engine);
}

/* --- recovery --- */

/* What the store does not know is said once, at the start, and left alone. */
static void engine_report_unknown(Engine *engine)
{
    g_autoptr(GPtrArray) findings = NULL;
    Error *e = engine_examine(engine, &findings);

    error_ignore(e, "the doctor could not look at everything at the start");
    for (unsigned i = 0; findings && i < findings->len; i++) {
        const Finding *finding = findings->pdata[i];
        if (!finding->is_error)
            log_warn("found at the start, left alone", "kind", finding->kind, "name", finding->name,
                     "what", finding->message);
    }
}

static void engine_warn_of_machine(const Engine *engine)
{
    g_autoptr(GPtrArray) findings = engine_examine_machine(engine);

    for (unsigned i = 0; i < findings->len; i++) {
        const Finding *finding = findings->pdata[i];
        log_warn("a setting of the machine lets one clone stop others", "setting", finding->name,
                 "what", finding->message, "hint", finding->hint);
    }
}

/* What a store says that is not to be believed is not acted on. */
static Error *engine_recover_by_store(Engine *engine)
{
    engine_sweep_marks(engine);
    engine_import_snapshots(engine);
    engine_report_unknown(engine);
    TRY(operations_recover(engine->operations));
    TRY(engine_start_stopped_clones(engine, NULL));
    TRY(idle_checker_start(engine, &engine->idle));
    TRY(snapshot_sweeper_start(engine, &engine->sweeper));
    return supervisor_watch(engine->supervisor);
}

Error *engine_recover(Engine *engine)
{
    engine_warn_of_machine(engine);
    TRY(log_keeper_start(engine, &engine->logs)); /* first: nobody kept them meanwhile */
    TRY(store_watch_start(engine, &engine->store_watch));
    TRY(gate_restore(engine));
    if (!engine_is_held(engine))
        TRY(engine_recover_by_store(engine));
    TRY(gauge_start(engine, &engine->gauge));
    return pools_watch(engine->pools);
}

/* --- news --- */

void engine_set_listener(Engine *engine, void (*changed)(void *data), void *data)
{
    g_mutex_lock(&engine->listener_lock);
    engine->changed = changed;
    engine->changed_data = data;
    g_mutex_unlock(&engine->listener_lock);
}

void engine_notify(Engine *engine)
{
    g_mutex_lock(&engine->listener_lock);
    if (engine->changed)
        engine->changed(engine->changed_data);
    g_mutex_unlock(&engine->listener_lock);
}
