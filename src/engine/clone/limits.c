/*
 * Limits by clone. A clone's own are kept as they were given; what holds is worked out anew at each
 * start, so that a change of the configuration holds for all.
 */
#include "engine/clone/limits.h"

#include <unistd.h>

#include "base/json.h"
#include "base/text.h"
#include "config/container_limits.h"
#include "engine/clone/start.h"
#include "engine/kinds.h"
#include "engine/pool/pools.h"
#include "storage/measure.h"

/* The own text of a clone as an object; NULL when there is nothing in it. Caller owns it. */
static json_t *limits_load(const char *own)
{
    return own && *own ? json_loads(own, 0, NULL) : NULL;
}

/* cuts: own ones that are more than a clone may have now are taken as that, not refused. */
static Error *limits_of(const Engine *engine, const json_t *own, bool cuts,
                        LimitsConfig *ret_limits)
{
    LimitsConfig all, narrower;
    g_autoptr(Config) config = engine_config(engine);
    bool is_docker = g_str_equal(config->runtime.driver, "docker");

    TRY(limits_parse(config->provision.container_config, is_docker, &all));
    TRY(limits_parse(own, false, &narrower));
    if (cuts)
        limits_cut(&all, &narrower);
    return limits_narrow(&all, &narrower, ret_limits);
}

/* The same of a clone's text, which may be older than the configuration. */
static Error *limits_of_text(const Engine *engine, const char *own, LimitsConfig *ret_limits)
{
    g_autoptr(json_t) object = limits_load(own);
    return limits_of(engine, object, true, ret_limits);
}

Error *clone_limits_effective(const Engine *engine, const char *own, InstanceLimits *ret_limits)
{
    LimitsConfig limits;

    TRY(limits_of_text(engine, own, &limits));
    *ret_limits = (InstanceLimits){
        .cpu_millis = limits.cpu_millis,
        .memory_bytes = limits.memory_bytes,
        .shm_bytes = limits.shm_bytes,
        .processes = limits.processes,
        .open_files = limits.open_files,
    };
    return NULL;
}

/* --- its disk --- */

Error *clone_limits_check_disk(const Engine *engine, const json_t *own, const Pool *pool)
{
    LimitsConfig limits;

    TRY(limits_of(engine, own, false, &limits));
    if (limits.disk_bytes == 0 || storage_pool_traits(pool).limits_volumes)
        return NULL;
    return error_hint(error_new(ERR_INVALID,
                                "\"disk\" cannot be limited: pool \"%s\" is of driver \"%s\"",
                                storage_pool_name(pool), storage_pool_driver(pool)),
                      "zfs and btrfs can. Leave it out of the clone's limits, or of "
                      "provision.containerConfig.");
}

Error *clone_limits_set_disk(const Engine *engine, const char *own, Pool *pool, const char *volume,
                             bool is_new)
{
    LimitsConfig limits;

    TRY(limits_of_text(engine, own, &limits));
    if (is_new && limits.disk_bytes == 0)
        return NULL;
    return storage_limit_volume(pool, volume, (uint64_t)limits.disk_bytes);
}

/* --- the machine --- */

static int64_t limits_machine_memory(void)
{
    return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static Error *limits_check_machine(const LimitsConfig *limits)
{
    int64_t cpus = (int64_t)g_get_num_processors();
    g_autofree char *memory = text_format_size((uint64_t)limits_machine_memory());

    if (limits->memory_bytes > limits_machine_memory())
        return error_hint(error_new(ERR_INVALID, "\"memory\" is more than this machine has"),
                          "It has %s.", memory);
    if (limits->cpu_millis > cpus * 1000)
        return error_hint(error_new(ERR_INVALID, "\"cpus\" are more than this machine has"),
                          "It has %" G_GINT64_FORMAT ".", cpus);
    return NULL;
}

/* Promised to all clones but one. What cannot be worked out is not counted. */
static Error *limits_promised(Engine *engine, const char *except_uid, int64_t *ret_bytes)
{
    g_autoptr(GPtrArray) clones = NULL;
    int64_t sum = 0;

    TRY(store_list_clones(engine->store, &clones));
    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        InstanceLimits limits = {0};

        if (clone->state == CLONE_DELETING || g_strcmp0(clone->uid, except_uid) == 0)
            continue;
        error_free(clone_limits_effective(engine, clone->limits, &limits));
        sum += limits.memory_bytes;
    }
    *ret_bytes = sum;
    return NULL;
}

static Error *limits_admit(Engine *engine, const LimitsConfig *limits, const char *uid)
{
    g_autoptr(Config) config = engine_config(engine);
    int64_t percent = config->runtime.memory_percent;
    int64_t room = limits_machine_memory() / 100 * percent;
    int64_t promised = 0;

    if (percent == 0 || limits->memory_bytes == 0)
        return NULL;
    TRY(limits_promised(engine, uid, &promised));
    if (promised + limits->memory_bytes <= room)
        return NULL;

    g_autofree char *wanted = text_format_size((uint64_t)limits->memory_bytes);
    g_autofree char *given = text_format_size((uint64_t)promised);
    g_autofree char *all = text_format_size((uint64_t)room);

    return error_hint(error_new(ERR_BUSY,
                                "no memory for it: %s are wanted, and %s of %s are "
                                "promised to clones",
                                wanted, given, all),
                      "Destroy clones that nobody needs, give this one less "
                      "(\"limits\": {\"memory\": …}), or raise runtime.memoryPercent.");
}

Error *clone_limits_check(Engine *engine, const json_t *own, const char *uid)
{
    LimitsConfig limits;

    TRY(error_wrap(limits_of(engine, own, false, &limits), "limits"));
    if (own)
        TRY(error_wrap(limits_check_machine(&limits), "limits"));
    return limits_admit(engine, &limits, uid);
}

/* --- changing them --- */

/* What is being made or started has read its limits already, or is about to. */
static Error *limits_check_state(Engine *engine, const Clone *clone)
{
    bool is_settled = clone->state == CLONE_OK || clone->state == CLONE_FATAL;

    if (is_settled && !operations_is_busy(engine->operations, clone_start_kind.name, clone->uid))
        return NULL;
    return error_hint(
        error_new(ERR_CONFLICT, "clone \"%s\" is %s: its limits cannot be changed meanwhile",
                  clone->id, is_settled ? "being started" : clone_state_name(clone->state)),
        "Wait until it is OK.");
}

/* *ret_before: the text of its limits until then, or NULL; caller frees. */
static Error *limits_record(Engine *engine, const char *id, const json_t *own, Clone **ret_clone,
                            char **ret_before)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    TRY(store_get_clone(engine->store, id, &clone));
    TRY(limits_check_state(engine, clone));
    TRY(clone_limits_check(engine, own, clone->uid));
    *ret_before = clone->limits;
    clone->limits = json_dumps(own, JSON_COMPACT);
    TRY(store_set_clone_limits(engine->store, clone->uid, clone->limits));
    TRY(store_commit(&tx));
    *ret_clone = g_steal_pointer(&clone);
    return NULL;
}

/* A clone whose pool is away gets it at its next start. */
static Error *limits_set_disk(Engine *engine, const Clone *clone)
{
    g_autoptr(Pool) pool = NULL;
    g_autoptr(Error) e = engine_find_pool(engine, clone->pool, &pool);

    return e ? NULL : clone_limits_set_disk(engine, clone->limits, pool, clone->volume, false);
}

/* One that does not run has them from its next start on; one that was never made has no volume. */
static Error *limits_set(Engine *engine, const Clone *clone)
{
    InstanceLimits limits;

    TRY(clone_limits_effective(engine, clone->limits, &limits));
    if (clone->started_at_ms > 0)
        TRY(limits_set_disk(engine, clone));
    return runtime_limit(engine->runtime, clone->uid, &limits);
}

/* What could not be set, or not all of it, is not promised, and what was set of it goes. */
static Error *limits_take_back(Engine *engine, const char *uid, const char *before)
{
    g_autoptr(StoreTransaction) tx = NULL;
    g_autoptr(Clone) clone = NULL;

    TRY(store_begin(engine->store, STORE_DURABLE, &tx));
    TRY(store_get_clone_by_uid(engine->store, uid, &clone));
    g_free(clone->limits);
    clone->limits = g_strdup(before);
    TRY(store_set_clone_limits(engine->store, uid, before));
    TRY(store_commit(&tx));
    return limits_set(engine, clone);
}

static Error *limits_change(Engine *engine, const char *id, const json_t *own, Clone **ret_clone)
{
    g_autoptr(Clone) clone = NULL;
    g_autofree char *before = NULL;
    Error *e;

    TRY(limits_record(engine, id, own, &clone, &before));
    e = limits_set(engine, clone);
    if (e) {
        error_ignore(limits_take_back(engine, clone->uid, before),
                     "the clone has its new limits from its next start on");
        return e;
    }
    *ret_clone = g_steal_pointer(&clone);
    return NULL;
}

static bool limits_take_turn(Engine *engine, const char *id)
{
    g_mutex_lock(&engine->limits_lock);
    bool is_mine = g_hash_table_add(engine->limits_changing, g_strdup(id));
    g_mutex_unlock(&engine->limits_lock);
    return is_mine;
}

static void limits_end_turn(Engine *engine, const char *id)
{
    g_mutex_lock(&engine->limits_lock);
    g_hash_table_remove(engine->limits_changing, id);
    g_mutex_unlock(&engine->limits_lock);
}

/*
 * One at a time: what is recorded is what was set last, and what a failure goes back to was set.
 * Requests have no time to wait for each other.
 */
Error *engine_limit_clone(Engine *engine, const char *id, const json_t *own, Clone **ret_clone)
{
    if (!limits_take_turn(engine, id))
        return error_hint(
            error_new(ERR_CONFLICT,
                      "the limits of clone \"%s\" are being changed by another request", id),
            "Send it again.");

    Error *e = limits_change(engine, id, own, ret_clone);
    limits_end_turn(engine, id);
    return e;
}
