/*
 * Asking the gateway, with a second try after it has been started anew. One call at a time: they
 * take microseconds, and what a new gateway is told must not cross what is happening to a clone.
 */
#include "engine/gate/gate.h"

#include "base/log.h"
#include "base/proc.h"
#include "base/ticker.h"
#include "engine/gate/user.h"
#include "gateway/launch.h"

#define GATE_TIMEOUT_MS 30000 /* it answers within a millisecond; a machine may be very busy */
#define GATE_LOOK_MS    2000
#define GATE_HOLD_MS    120000 /* a reset that takes longer refuses whoever comes */

struct Gate {
    Engine *engine;
    GRecMutex lock;
    GatewayClient *client;
    char *program;
    char *user;
    char *log_path;
    char **addresses;
    Ticker *ticker;
    GMutex troubles_lock; /* not the other: who asks must not wait for the gateway */
    GHashTable *troubles; /* uid of a clone → why its port cannot be had, owned */
};

/* --- the program --- */

/* provision.cloneAccessAddresses: IPv6 in brackets; none = all. */
static char **gate_addresses(const Config *config)
{
    const char *text = config->provision.clone_access_addresses;
    g_auto(GStrv) words = g_strsplit_set(text ? text : "", ",[] ", -1);
    g_autoptr(GStrvBuilder) addresses = g_strv_builder_new();
    bool is_empty = true;

    for (char **word = words; *word; word++) {
        if (!**word)
            continue;
        g_strv_builder_add(addresses, *word);
        is_empty = false;
    }
    if (is_empty)
        g_strv_builder_add(addresses, "*");
    return g_strv_builder_end(addresses);
}

static Error *gate_launch(Gate *gate, bool *ret_is_new)
{
    g_autoptr(Config) config = engine_config(gate->engine);
    const GatewayLaunch launch = {
        .state_dir = config->server.state_dir,
        .program = gate->program,
        .user = gate->user,
        .log_path = gate->log_path,
        .timeout_ms = GATE_TIMEOUT_MS,
    };
    GatewayClient *client = NULL;

    TRY(gateway_launch(&launch, &client, ret_is_new));
    gateway_client_free(gate->client);
    gate->client = client;
    return NULL;
}

static void gate_warn_of_version(Gate *gate)
{
    g_auto(GatewayHello) hello = {0};

    error_ignore(gateway_client_hello(gate->client, &hello), "the gateway is asked again later");
    if (hello.version && !g_str_equal(hello.version, RAMET_VERSION))
        log_info("a gateway of another version carries the connections, and goes on with it",
                 "version", hello.version, "ours", RAMET_VERSION);
}

/* --- ports that others have --- */

static void gate_note_trouble(Gate *gate, const char *uid, const Error *e)
{
    g_mutex_lock(&gate->troubles_lock);
    if (e)
        g_hash_table_insert(gate->troubles, g_strdup(uid), g_strdup(e->message));
    else
        g_hash_table_remove(gate->troubles, uid);
    g_mutex_unlock(&gate->troubles_lock);
}

char *gate_trouble(const Engine *engine, const char *uid)
{
    Gate *gate = engine->gate;

    if (!gate)
        return NULL;
    g_mutex_lock(&gate->troubles_lock);
    char *why = g_strdup(g_hash_table_lookup(gate->troubles, uid));
    g_mutex_unlock(&gate->troubles_lock);
    return why;
}

/* Uids, in an array of their own. */
static GPtrArray *gate_list_troubles(Gate *gate)
{
    GPtrArray *uids = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    void *uid;

    g_mutex_lock(&gate->troubles_lock);
    g_hash_table_iter_init(&iter, gate->troubles);
    while (g_hash_table_iter_next(&iter, &uid, NULL))
        g_ptr_array_add(uids, g_strdup(uid));
    g_mutex_unlock(&gate->troubles_lock);
    return uids;
}

/* --- what it is told --- */

static Error *gate_ask_for_door(Gate *gate, const Clone *clone)
{
    Engine *engine = gate->engine;
    g_autoptr(Config) config = engine_config(engine);
    g_autofree char *path = runtime_socket_path(engine->runtime, clone->uid, clone->port);
    const GatewayClone door = {
        .id = clone->uid,
        .socket_path = path,
        .port = clone->port,
        .addresses = (const char *const *)gate->addresses,
        .max_connections = config->runtime.connections_per_clone,
    };

    return gateway_client_add(gate->client, &door);
}

static Error *gate_add(Gate *gate, const Clone *clone)
{
    Error *e = gate_ask_for_door(gate, clone);

    gate_note_trouble(gate, clone->uid, e && e->code == ERR_CONFLICT ? e : NULL);
    return e;
}

static bool gate_should_have(const Engine *engine, const Clone *clone)
{
    return clone_wanted(clone) >= CLONE_WANTED_SWAP &&
           runtime_is_running(engine->runtime, clone->uid);
}

/* With the lock held. Whom we do not know is left alone: the doctor names him. */
static Error *gate_tell_all(Gate *gate)
{
    g_autoptr(GPtrArray) clones = NULL;

    TRY(store_list_clones(gate->engine->store, &clones));
    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];

        if (gate_should_have(gate->engine, clone))
            error_ignore(gate_add(gate, clone), "a clone cannot be reached over its port");
    }
    return NULL;
}

/* With the lock held. *ret_is_new: it had died. */
static Error *gate_revive(Gate *gate, bool *ret_is_new)
{
    TRY(gate_launch(gate, ret_is_new));
    if (!*ret_is_new)
        return NULL;
    log_warn("the gateway had ended, and is started again: connections to clones were cut");
    return gate_tell_all(gate);
}

/* --- calls --- */

typedef Error *(*GateCall)(Gate *gate, const Clone *clone);

/* ERR_NOT_FOUND may mean the clone or the gateway. */
static Error *gate_call_locked(Gate *gate, GateCall call, const Clone *clone)
{
    bool is_new = false;
    Error *e = call(gate, clone);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;

    g_autoptr(Error) first = e;

    TRY(gate_revive(gate, &is_new));
    return is_new ? call(gate, clone) : g_steal_pointer(&first);
}

static Error *gate_call(Engine *engine, GateCall call, const Clone *clone)
{
    Gate *gate = engine->gate;

    if (!gate)
        return NULL;
    g_autoptr(GRecMutexLocker) locker G_GNUC_UNUSED = g_rec_mutex_locker_new(&gate->lock);

    return error_wrap(gate_call_locked(gate, call, clone), "port %" G_GINT64_FORMAT, clone->port);
}

static Error *gate_call_let_in(Gate *gate, const Clone *clone)
{
    TRY(gate_add(gate, clone));
    return gateway_client_release(gate->client, clone->uid);
}

Error *gate_let_in(Engine *engine, const Clone *clone)
{
    return gate_call(engine, gate_call_let_in, clone);
}

static Error *gate_call_hold(Gate *gate, const Clone *clone)
{
    return gateway_client_hold(gate->client, clone->uid, GATE_HOLD_MS);
}

/* One that was not listened for has nobody to hold. */
Error *gate_hold(Engine *engine, const Clone *clone)
{
    Error *e = gate_call(engine, gate_call_hold, clone);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    return NULL;
}

static Error *gate_call_shut(Gate *gate, const Clone *clone)
{
    gate_note_trouble(gate, clone->uid, NULL);
    return gateway_client_remove(gate->client, clone->uid);
}

Error *gate_shut(Engine *engine, const Clone *clone)
{
    return gate_call(engine, gate_call_shut, clone);
}

Error *gate_look(Engine *engine, GPtrArray **ret_list)
{
    Gate *gate = engine->gate;

    g_autoptr(GRecMutexLocker) locker G_GNUC_UNUSED = g_rec_mutex_locker_new(&gate->lock);

    return gateway_client_list(gate->client, ret_list);
}

bool gate_is_used(const Engine *engine)
{
    return engine->gate != NULL;
}

/* --- open, watch, close --- */

Error *gate_open(Engine *engine)
{
    g_autoptr(Config) config = engine_config(engine);
    Gate *gate;
    bool is_new = false;

    if (engine->is_to_look || !runtime_takes_network(engine->runtime) ||
        !g_str_equal(config->runtime.network, "none"))
        return NULL;
    gate = g_new0(Gate, 1);
    g_rec_mutex_init(&gate->lock);
    g_mutex_init(&gate->troubles_lock);
    gate->troubles = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    gate->engine = engine;
    gate->program = proc_find_own("ramet-gateway"); /* of our version */
    gate->log_path = g_build_filename(config->server.state_dir, "logs", "gateway.log", NULL);
    gate->addresses = gate_addresses(config);
    gate->user = gate_user(config);
    engine->gate = gate; /* engine_close() frees it, whatever happens now */
    TRY(gate_launch(gate, &is_new));
    if (!is_new)
        gate_warn_of_version(gate);
    return NULL;
}

/* Another program may have let go of its port. With the lock held. */
static void gate_try_again(Gate *gate, const char *uid)
{
    g_autoptr(Clone) clone = NULL;
    g_autoptr(Error) e = store_get_clone_by_uid(gate->engine->store, uid, &clone);

    if (e || !gate_should_have(gate->engine, clone)) {
        gate_note_trouble(gate, uid, NULL);
        return;
    }
    error_free(gate_add(gate, clone));
    g_autofree char *why = gate_trouble(gate->engine, uid);
    if (why)
        return;
    log_info("the port of a clone is free again, and served", "clone", clone->id);
    engine_notify(gate->engine);
}

static void gate_try_all_again(Gate *gate)
{
    g_autoptr(GPtrArray) uids = gate_list_troubles(gate);

    for (unsigned i = 0; i < uids->len; i++)
        gate_try_again(gate, uids->pdata[i]);
}

static void gate_watch(void *data)
{
    Gate *gate = data;
    g_autoptr(GRecMutexLocker) locker G_GNUC_UNUSED = g_rec_mutex_locker_new(&gate->lock);
    g_autoptr(Error) e = gateway_client_hello(gate->client, NULL);
    bool is_new = false;

    if (e && e->code == ERR_NOT_FOUND)
        error_ignore(gate_revive(gate, &is_new), "the gateway is looked after again soon");
    gate_try_all_again(gate);
}

Error *gate_restore(Engine *engine)
{
    Gate *gate = engine->gate;

    if (!gate)
        return NULL;
    g_rec_mutex_lock(&gate->lock);
    Error *e = gate_tell_all(gate);
    g_rec_mutex_unlock(&gate->lock);
    return e ? e : ticker_start("gate", GATE_LOOK_MS, gate_watch, gate, &gate->ticker);
}

void gate_close(Gate *gate)
{
    if (!gate)
        return;
    ticker_stop(gate->ticker);
    gateway_client_free(gate->client);
    g_rec_mutex_clear(&gate->lock);
    g_mutex_clear(&gate->troubles_lock);
    g_hash_table_unref(gate->troubles);
    g_free(gate->program);
    g_free(gate->user);
    g_free(gate->log_path);
    g_strfreev(gate->addresses);
    g_free(gate);
}
