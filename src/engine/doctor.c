/*
 * The doctor. Two sets are built for each kind of thing, what the store expects and what exists; a
 * finding is a member of one that is missing in the other.
 */
#include "engine/doctor.h"

#include <jansson.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "engine/clone/clone.h"
#include "engine/gate/gate.h"
#include "engine/gate/port.h"
#include "engine/pool/pools.h"
#include "engine/store_watch.h"
#include "operation/operation.h"
#include "runtime/kernel_limits.h"
#include "storage/storage_care.h"
#include "store/clone.h"
#include "store/golden.h"
#include "store/operation.h"
#include "store/pool.h"
#include "store/snapshot.h"

#define OLD_OPERATION_MS (10 * 60000)

typedef struct Examination {
    Engine *engine;
    GPtrArray *findings;
    GPtrArray *clones;
    GPtrArray *snapshots;
    GHashTable *owned;        /* on record: "<pool>/<name>" of volumes, and uids of clones */
    GHashTable *owned_images; /* the same of snapshots */
    GHashTable *busy;    /* uids and volumes that operations work on: neither missed nor unknown */
    GHashTable *missing; /* pools on record that are not available: what is in them waits */
    GHashTable *volumes; /* "<pool>/<name>" that exist */
    GHashTable *images;  /* the same for snapshots */
} Examination;

static void finding_free(Finding *finding)
{
    g_free(finding->name);
    g_free(finding->message);
    g_free(finding->hint);
    g_free(finding);
}

static void examination_add(Examination *x, bool is_error, const char *kind, const char *name,
                            const char *message, const char *hint)
{
    Finding *finding = g_new(Finding, 1);

    *finding = (Finding){is_error, kind, g_strdup(name), g_strdup(message), g_strdup(hint)};
    g_ptr_array_add(x->findings, finding);
}

static GHashTable *examination_set(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
}

static char *examination_key(const char *pool, const char *name)
{
    return g_strdup_printf("%s/%s", pool, name);
}

/* --- what operations work on --- */

static void examination_add_busy(Examination *x, const OperationRow *row)
{
    g_autoptr(json_t) args = json_loads(row->args, 0, NULL);
    const char *key;
    json_t *value;

    g_hash_table_add(x->busy, g_strdup(row->target));
    json_object_foreach (args, key, value)
        if (json_is_string(value))
            g_hash_table_add(x->busy, g_strdup(json_string_value(value)));
}

/* It is tried again and again, or hangs. What usually takes hours is not looked at. */
static void examine_age(Examination *x, const OperationRow *row)
{
    int64_t age_ms = clock_now_ms() - row->created_at_ms;

    if (age_ms < OLD_OPERATION_MS || operations_may_last(x->engine->operations, row->kind))
        return;
    g_autofree char *message =
        g_strdup_printf("\"%s\" was begun %" G_GINT64_FORMAT " minutes ago and has not ended",
                        row->kind, age_ms / 60000);
    examination_add(x, true, "operation", row->target, message,
                    "The log says what fails. If it says nothing, the storage or the clone's "
                    "postgres does not answer: look at these.");
}

static Error *examine_operations(Examination *x)
{
    g_autoptr(GPtrArray) rows = NULL;

    TRY(store_list_operations(x->engine->store, &rows));
    for (unsigned i = 0; i < rows->len; i++) {
        const OperationRow *row = rows->pdata[i];
        examination_add_busy(x, row);
        if (row->state == OPERATION_UNDOING)
            examination_add(x, true, "operation", row->target, row->error,
                            "Its undo has not succeeded yet; it is tried again every 30 seconds.");
        else
            examine_age(x, row);
    }
    return NULL;
}

/* --- what exists --- */

static void examination_add_owned(Examination *x)
{
    for (unsigned i = 0; i < x->clones->len; i++) {
        const Clone *clone = x->clones->pdata[i];
        g_hash_table_add(x->owned, examination_key(clone->pool, clone->volume));
        g_hash_table_add(x->owned, g_strdup(clone->uid));
    }
    for (unsigned i = 0; i < x->snapshots->len; i++) {
        const Snapshot *snapshot = x->snapshots->pdata[i];
        g_hash_table_add(x->owned_images, examination_key(snapshot->pool, snapshot->uid));
    }
}

static void examination_add_golden(Examination *x, const char *pool)
{
    g_autoptr(Golden) golden = NULL;
    Error *e = store_get_golden(x->engine->store, pool, &golden);

    if (e && e->code == ERR_NOT_FOUND) /* none yet */
        g_clear_pointer(&e, error_free);
    error_ignore(e, "the golden volume will be listed as unknown");
    if (golden)
        g_hash_table_add(x->owned, examination_key(pool, golden->volume));
}

static void examine_entry(Examination *x, const char *pool, const StorageEntry *entry)
{
    g_autofree char *key = examination_key(pool, entry->name);
    GHashTable *owned = entry->is_snapshot ? x->owned_images : x->owned;

    g_hash_table_add(entry->is_snapshot ? x->images : x->volumes, g_strdup(key));
    if (g_hash_table_contains(owned, key) || entry->foreign ||
        g_hash_table_contains(x->busy, entry->name))
        return;
    g_autofree char *message =
        g_strdup_printf("the store knows no such %s; its manifest says: %s \"%s\"",
                        entry->is_snapshot ? "snapshot" : "volume",
                        entry->manifest ? entry->manifest->kind : "nothing",
                        entry->manifest ? entry->manifest->id : "");
    examination_add(x, false, entry->is_snapshot ? "snapshot" : "volume", key, message,
                    "Nothing unknown is ever destroyed. Look at it, and remove it by hand if it is "
                    "not needed.");
}

static Error *examination_add_known_pools(const Examination *x, GHashTable *known)
{
    g_autoptr(GPtrArray) rows = NULL;

    TRY(store_list_pools(x->engine->store, &rows));
    for (unsigned i = 0; i < rows->len; i++)
        g_hash_table_add(known, g_strdup(((const PoolRow *)rows->pdata[i])->name));
    return NULL;
}

static void examine_stranger(Examination *x, const char *name, const char *mount)
{
    g_autofree char *owner = storage_pool_owner(mount);
    bool is_ours = owner && g_strcmp0(owner, x->engine->instance_id) == 0;
    bool is_of_another = owner && *owner && !is_ours;
    g_autofree char *message = is_of_another
                                   ? g_strdup_printf("it belongs to another server, \"%s\"", owner)
                                   : g_strdup("the store knows no such pool, and nothing in it");

    examination_add(
        x, false, "pool", name, message,
        is_of_another
            ? "It is left alone. Two servers should not share poolManager.mountDir."
            : "If the store was lost, put its backup in place before anything is created.");
}

/* Pools that are mounted but on no record: of another server, or of a store that was lost. */
static Error *examine_mounts(Examination *x)
{
    g_autoptr(Config) config = engine_config(x->engine);
    const char *mount_dir = config->pool_manager.mount_dir;
    g_autoptr(GHashTable) known = examination_set();
    g_auto(GStrv) names = NULL;

    TRY(examination_add_known_pools(x, known));
    TRY(fs_list_dir(mount_dir, &names));
    for (char **name = names; *name; name++) {
        g_autofree char *mount = g_build_filename(mount_dir, *name, NULL);
        if (!g_hash_table_contains(known, *name) && storage_is_pool(mount))
            examine_stranger(x, *name, mount);
    }
    return NULL;
}

static void examine_missing_pool(Examination *x, const PoolStatus *status)
{
    g_autofree char *message = g_strdup_printf("not available: %s; clones that wait for it: %u",
                                               status->error, status->n_clones);

    examination_add(x, true, "pool", status->name, message, status->hint);
}

static Error *examine_aside(Examination *x, Pool *pool)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);

    TRY(storage_list_aside(pool, paths));
    for (unsigned i = 0; i < paths->len; i++) {
        g_autofree char *name = g_path_get_basename(paths->pdata[i]);
        g_autofree char *key = examination_key(storage_pool_name(pool), name);
        g_autofree char *hint = g_strdup_printf(
            "It is tried again when the pool is opened; rametd's log says what is in the way. "
            "Nothing uses it, but the space that it takes: %s.",
            (const char *)paths->pdata[i]);

        examination_add(x, false, "leftover", key, "it was destroyed, but could not be removed",
                        hint);
    }
    return NULL;
}

static Error *examine_pool(Examination *x, Pool *pool)
{
    g_autoptr(GPtrArray) entries = NULL;

    TRY(examine_aside(x, pool));
    examination_add_golden(x, storage_pool_name(pool));
    TRY(storage_list(pool, &entries));
    for (unsigned i = 0; i < entries->len; i++)
        examine_entry(x, storage_pool_name(pool), entries->pdata[i]);
    return NULL;
}

static Error *examine_pools(Examination *x)
{
    g_autoptr(GPtrArray) statuses = NULL;

    TRY(engine_list_all_pools(x->engine, &statuses));
    for (unsigned i = 0; i < statuses->len; i++) {
        const PoolStatus *status = statuses->pdata[i];
        if (status->pool) {
            TRY(examine_pool(x, status->pool));
            continue;
        }
        g_hash_table_add(x->missing, g_strdup(status->name));
        if (!status->is_left_out)
            examine_missing_pool(x, status);
    }
    return NULL;
}

/* --- what should exist --- */

static void examine_port(Examination *x, const Clone *clone)
{
    g_autofree char *trouble = gate_trouble(x->engine, clone->uid);

    if (trouble)
        examination_add(x, true, "clone", clone->id, trouble,
                        "It is served as soon as the port is free: end the program that has it.");
    else if (port_is_free(clone->port))
        examination_add(x, true, "clone", clone->id, "nobody listens on its port",
                        "Reset it; its log tells whether another program had the port.");
}

static void examine_instance(Examination *x, const Clone *clone)
{
    g_autofree char *socket = runtime_socket_path(x->engine->runtime, clone->uid, clone->port);

    if (!runtime_is_running(x->engine->runtime, clone->uid)) {
        examination_add(x, true, "clone", clone->id, "its postgres does not run",
                        "A restart of rametd starts it; its log tells why it ended.");
        return;
    }
    if (!g_file_test(socket, G_FILE_TEST_EXISTS))
        examination_add(x, true, "clone", clone->id, "its Unix socket is missing",
                        "Reset or destroy it.");
    examine_port(x, clone);
}

static void examine_clone(Examination *x, const Clone *clone)
{
    g_autofree char *key = examination_key(clone->pool, clone->volume);

    if (g_hash_table_contains(x->busy, clone->uid) ||
        g_hash_table_contains(x->missing, clone->pool))
        return;
    if (clone->state == CLONE_FATAL && !engine_clone_serves(x->engine, clone)) {
        examination_add(x, false, "clone", clone->id, clone->message, "Reset or destroy it.");
        return;
    }
    if (clone_wanted(clone) != CLONE_WANTED_RUN)
        examination_add(x, true, "clone", clone->id,
                        "no operation works on it though its state says so",
                        "Destroy it, and report this.");
    if (!g_hash_table_contains(x->volumes, key))
        examination_add(x, true, "clone", clone->id, "its volume is missing",
                        "Without its volume the clone can only be destroyed.");
    examine_instance(x, clone);
}

static void examine_snapshot(Examination *x, const Snapshot *snapshot)
{
    g_autofree char *key = examination_key(snapshot->pool, snapshot->uid);

    if (g_hash_table_contains(x->busy, snapshot->uid) ||
        g_hash_table_contains(x->missing, snapshot->pool))
        return;
    if (!snapshot->is_ready)
        examination_add(x, true, "snapshot", snapshot->id,
                        "no operation works on it though it is not ready", "Report this.");
    if (!g_hash_table_contains(x->images, key))
        examination_add(x, true, "snapshot", snapshot->id, "its data is missing",
                        "No clone can be made of it. Delete it.");
}

/* --- instances and sockets --- */

static bool examination_owns_instance(const Examination *x, const char *uid)
{
    return g_hash_table_contains(x->owned, uid) || g_hash_table_contains(x->busy, uid);
}

static void examine_ids(Examination *x, const GPtrArray *ids, const char *kind, const char *message,
                        const char *hint)
{
    for (unsigned i = 0; i < ids->len; i++)
        if (!examination_owns_instance(x, ids->pdata[i]))
            examination_add(x, false, kind, ids->pdata[i], message, hint);
}

static Error *examine_runtime(Examination *x)
{
    g_autoptr(GPtrArray) running = NULL;
    g_autoptr(GPtrArray) directories = NULL;

    TRY(runtime_list(x->engine->runtime, &running));
    TRY(runtime_list_dirs(x->engine->runtime, &directories));
    examine_ids(x, running, "instance",
                "a postgres of this server runs that the store does not know",
                "Nothing unknown is ever stopped. Find it by its control group, /ramet/…, by the "
                "label ramet.instance of its container, or by RAMET_INSTANCE in its environment.");
    examine_ids(x, directories, "socket directory", "it belongs to no clone",
                "Remove it from run/ in the state directory if no postgres uses it.");
    return NULL;
}

static Error *examine_gate(Examination *x)
{
    g_autoptr(GPtrArray) doors = NULL;

    if (!gate_is_used(x->engine))
        return NULL;
    TRY(gate_look(x->engine, &doors));
    for (unsigned i = 0; i < doors->len; i++) {
        const GatewayStatus *door = doors->pdata[i];

        if (!examination_owns_instance(x, door->id))
            examination_add(x, false, "port", door->id,
                            "the gateway listens for a clone that the store does not know",
                            "Nothing unknown is cut off. End ramet-gateway to be rid of it: a new "
                            "one is started, which cuts the connections to all clones.");
    }
    return NULL;
}

/* --- the store itself --- */

static void examine_store(Examination *x)
{
    g_autoptr(Config) config = engine_config(x->engine);
    g_autoptr(Error) why = engine_store_trouble(x->engine);

    if (why)
        examination_add(x, true, "store", config->server.state_dir, why->message,
                        why->hint ? why->hint : "");
}

/* --- the machine --- */

static Finding *finding_of_limit(const KernelLimit *limit)
{
    Finding *finding = g_new0(Finding, 1);

    finding->kind = "machine";
    finding->name = g_strdup(limit->name);
    finding->message =
        g_strdup_printf("%" G_GUINT64_FORMAT ", and memory has room for %" G_GUINT64_FORMAT
                        ": one clone can take all, and %s",
                        limit->value, limit->needed, limit->what);
    finding->hint = g_strdup("Set it higher, as 60-ramet.conf does, which `make install` puts into "
                             "lib/sysctl.d: clones' limits of memory bind then. docs/security.md.");
    return finding;
}

GPtrArray *engine_examine_machine(const Engine *engine)
{
    uint64_t memory = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
    GPtrArray *findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free);

    if (!runtime_takes_network(engine->runtime)) /* nothing is kept apart */
        return findings;
    g_autoptr(GPtrArray) low = kernel_limits_low("/proc/sys", memory);
    for (unsigned i = 0; i < low->len; i++)
        g_ptr_array_add(findings, finding_of_limit(low->pdata[i]));
    return findings;
}

/* --- all of it --- */

static Error *examine_all(Examination *x)
{
    examine_store(x);
    TRY(store_list_clones(x->engine->store, &x->clones));
    TRY(store_list_snapshots(x->engine->store, &x->snapshots));
    examination_add_owned(x);
    TRY(examine_operations(x));
    TRY(examine_pools(x));
    TRY(examine_mounts(x));
    for (unsigned i = 0; i < x->clones->len; i++)
        examine_clone(x, x->clones->pdata[i]);
    for (unsigned i = 0; i < x->snapshots->len; i++)
        examine_snapshot(x, x->snapshots->pdata[i]);
    TRY(examine_gate(x));
    return examine_runtime(x);
}

Error *engine_examine(Engine *engine, GPtrArray **ret_findings)
{
    Examination x = {
        .engine = engine,
        .findings = g_ptr_array_new_with_free_func((GDestroyNotify)finding_free),
        .owned = examination_set(),
        .owned_images = examination_set(),
        .busy = examination_set(),
        .missing = examination_set(),
        .volumes = examination_set(),
        .images = examination_set(),
    };
    Error *e = examine_all(&x);

    g_clear_pointer(&x.clones, g_ptr_array_unref);
    g_clear_pointer(&x.snapshots, g_ptr_array_unref);
    g_hash_table_unref(x.owned);
    g_hash_table_unref(x.owned_images);
    g_hash_table_unref(x.busy);
    g_hash_table_unref(x.missing);
    g_hash_table_unref(x.volumes);
    g_hash_table_unref(x.images);
    if (e) {
        g_ptr_array_unref(x.findings);
        return e;
    }
    *ret_findings = x.findings;
    return NULL;
}
