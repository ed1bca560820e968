/*
 * rametd pool …: pools are made, shown, checked, enlarged and destroyed. All but the last work beside
 * a running server.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/departure.h"
#include "engine/doctor.h"
#include "engine/pool/pools.h"
#include "runtime/runtime.h"
#include "server/commands.h"
#include "storage/device.h"
#include "storage/measure.h"
#include "storage/storage_care.h"
#include "store/pool.h"

/* --- create and destroy --- */

static const char *pool_name(const ServerOptions *options)
{
    return options->words[0] && options->words[1] ? options->words[2] : NULL;
}

static PoolSpec pool_spec(const Config *config, const char *name, const char *mount,
                          const char *driver, const char *image)
{
    return (PoolSpec){
        .name = name,
        .mount = mount,
        .driver = driver,
        .image = image && *image ? image : NULL,
        .data_sub_dir = config->pool_manager.data_sub_dir,
        .owner = config->postgres.os_user,
    };
}

static Error *pool_check_options(const ServerOptions *options, uint64_t *ret_size)
{
    if (!pool_name(options))
        return error_hint(error_new(ERR_INVALID, "a pool needs a name"),
                          "rametd --config FILE pool create NAME --driver btrfs …");
    if (!options->driver) {
        g_autofree char *known = g_strjoinv(", ", (char **)(uintptr_t)storage_driver_names());
        return error_hint(error_new(ERR_INVALID, "a pool needs a driver"),
                          "Add --driver and one of these: %s.", known);
    }
    if (options->device && (options->image || options->size))
        return error_hint(error_new(ERR_INVALID, "--device stands alone"),
                          "A pool is on a device or in an image file, and a device has a size.");
    if (options->device)
        return device_size(options->device, ret_size);
    if (!options->image != !options->size)
        return error_hint(error_new(ERR_INVALID, "--image and --size go together"),
                          "Without both, the file system that is mounted is taken.");
    if (!options->size)
        return NULL;
    Error *e = text_parse_size(options->size, ret_size);
    return e ? error_wrap(e, "--size") : NULL;
}

/* The store may not exist yet: the first pool is made before the first start. */
static Error *pool_open_store(const Config *config, Store **ret_store)
{
    const char *state_dir = config->server.state_dir;
    Error *e = store_open(state_dir, STORE_SHARED, ret_store);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    TRY(fs_make_dir(state_dir, 0711, NULL));
    return store_open(state_dir, STORE_READ_WRITE, ret_store);
}

/* The row first: a pool that is not on record would be lost, a row without a pool says so. */
static Error *pool_create(const Config *config, const ServerOptions *options, Store *store,
                          uint64_t size)
{
    const char *name = pool_name(options);
    g_autofree char *mount = g_build_filename(config->pool_manager.mount_dir, name, NULL);
    const char *given = options->device ? options->device : options->image;
    g_autofree char *image = given ? g_canonicalize_filename(given, NULL) : g_strdup("");
    g_autofree char *identity = NULL;
    PoolSpec spec = pool_spec(config, name, mount, options->driver, image);
    const PoolRow row = {(char *)(uintptr_t)name, options->driver, image, clock_now_ms()};

    TRY(engine_load_identity(store, true, &identity));
    spec.instance = identity;
    TRY(store_insert_pool(store, &row));
    Error *e = storage_create_pool(&spec, size);
    if (e)
        error_ignore(store_delete_pool(store, name),
                     "the pool was not made; its row stays until it is destroyed");
    return e;
}

Error *command_pool_create(const Config *config, const ServerOptions *options)
{
    g_autoptr(Store) store = NULL;
    uint64_t size = 0;

    TRY(pool_check_options(options, &size));
    TRY(pool_open_store(config, &store));
    TRY(pool_create(config, options, store, size));
    printf("Pool \"%s\" is made. A running rametd takes it after a SIGHUP, or in half a minute.\n",
           pool_name(options));
    return NULL;
}

static Error *pool_find(const GPtrArray *rows, const char *name, const PoolRow **ret_row)
{
    for (unsigned i = 0; i < rows->len; i++) {
        const PoolRow *row = rows->pdata[i];
        if (g_strcmp0(row->name, name) == 0) {
            *ret_row = row;
            return NULL;
        }
    }
    return error_hint(error_new(ERR_NOT_FOUND, "there is no pool \"%s\"", name ? name : ""),
                      "\"rametd pool list\" shows the pools there are.");
}

/* What clones leave outside their pool; ERR_CONFLICT while one still runs. */
static Error *pool_forget_clones(const Config *config, Store *store, const char *name)
{
    g_autoptr(Runtime) runtime = NULL;
    g_autoptr(GPtrArray) clones = NULL;

    TRY(engine_open_runtime(config, true, &runtime));
    TRY(store_list_clones(store, &clones));
    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        if (g_str_equal(clone->pool, name))
            TRY(runtime_forget(runtime, clone->uid, true));
    }
    return NULL;
}

Error *command_pool_destroy(const Config *config, const ServerOptions *options)
{
    g_autoptr(Store) store = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    const PoolRow *row = NULL;

    /* Not beside a running server: it may be using the pool. */
    TRY(store_open(config->server.state_dir, STORE_READ_WRITE, &store));
    TRY(store_list_pools(store, &rows));
    TRY(pool_find(rows, pool_name(options), &row));
    g_autofree char *mount = g_build_filename(config->pool_manager.mount_dir, row->name, NULL);
    const PoolSpec spec = pool_spec(config, row->name, mount, row->driver, row->image);
    TRY(pool_may_go(store, row->name, options->force));
    TRY(storage_destroy_pool(&spec, options->force));
    TRY(pool_forget_clones(config, store, row->name));
    TRY(store_forget_pool(store, row->name));
    printf("Pool \"%s\" is destroyed.\n", row->name);
    return NULL;
}

/* --- grow --- */

Error *command_pool_grow(const Config *config, const ServerOptions *options)
{
    g_autoptr(Store) store = NULL;
    g_autoptr(GPtrArray) rows = NULL;
    const PoolRow *row = NULL;
    uint64_t size = 0;

    if (options->size)
        TRY(error_wrap(text_parse_size(options->size, &size), "--size"));
    TRY(store_open(config->server.state_dir, STORE_READ_ONLY, &store));
    TRY(store_list_pools(store, &rows));
    TRY(pool_find(rows, pool_name(options), &row));
    g_autofree char *mount = g_build_filename(config->pool_manager.mount_dir, row->name, NULL);
    const PoolSpec spec = pool_spec(config, row->name, mount, row->driver, row->image);
    TRY(storage_grow_pool(&spec, size));
    printf("Pool \"%s\" has grown.\n", row->name);
    return NULL;
}

/* --- list --- */

static const char *pool_state(const PoolStatus *status)
{
    return !status->pool ? "unavailable" : status->data_state_at_ms > 0 ? "active" : "empty";
}

static SpaceUsage pool_usage(const PoolStatus *status)
{
    SpaceUsage usage = {0};

    if (status->pool)
        error_free(storage_usage(status->pool, &usage)); /* zeros say unknown */
    return usage;
}

static void pool_print_row(const Config *config, const PoolStatus *status)
{
    const SpaceUsage usage = pool_usage(status);
    g_autofree char *size = text_format_size(usage.size_bytes);
    g_autofree char *used = text_format_size(usage.used_bytes);
    g_autofree char *free_text = text_format_size(usage.free_bytes);

    printf("%-20s %-8s %-12s %6u %10s %10s %10s  %s\n", status->name, status->driver,
           pool_state(status), status->n_clones, status->pool ? size : "-",
           status->pool ? used : "-", status->pool ? free_text : "-",
           *status->image ? status->image : "(mounted by somebody else)");
    if (!status->pool)
        printf("  %s\n", status->error);
}

static void pool_print_table(const Config *config, const GPtrArray *statuses)
{
    printf("%-20s %-8s %-12s %6s %10s %10s %10s  %s\n", "NAME", "DRIVER", "STATE", "CLONES", "SIZE",
           "USED", "FREE", "IMAGE");
    for (unsigned i = 0; i < statuses->len; i++)
        pool_print_row(config, statuses->pdata[i]);
}

static json_t *pool_view(const Config *config, const PoolStatus *status)
{
    const SpaceUsage usage = pool_usage(status);
    g_autofree char *mount = g_build_filename(config->pool_manager.mount_dir, status->name, NULL);

    return json_pack("{ss ss ss sI sI sI sI ss ss sb ss}", "name", status->name, "driver",
                     status->driver, "state", pool_state(status), "clones",
                     (json_int_t)status->n_clones, "size", (json_int_t)usage.size_bytes, "used",
                     (json_int_t)usage.used_bytes, "free", (json_int_t)usage.free_bytes, "image",
                     status->image, "mount", mount, "mounted", (int)storage_is_pool(mount), "error",
                     status->error);
}

static void pool_print_json(const Config *config, const GPtrArray *statuses)
{
    g_autoptr(json_t) views = json_array();

    for (unsigned i = 0; i < statuses->len; i++)
        json_array_append_new(views, pool_view(config, statuses->pdata[i]));
    json_dumpf(views, stdout, JSON_INDENT(2));
    putchar('\n');
}

Error *command_pool_list(const Config *config, const ServerOptions *options)
{
    g_autoptr(Engine) engine = NULL;
    g_autoptr(GPtrArray) statuses = NULL;
    bool is_json = g_strcmp0(options->output, "json") == 0;

    if (options->output && !is_json)
        return error_hint(error_new(ERR_INVALID, "unknown output \"%s\"", options->output),
                          "Use \"-o json\", or leave it out for a table.");
    TRY(engine_open_to_look(config, &engine));
    TRY(engine_list_all_pools(engine, &statuses));
    (is_json ? pool_print_json : pool_print_table)(config, statuses);
    return NULL;
}

/* --- check --- */

static bool check_is_in_pool(Engine *engine, const Finding *finding, const char *pool)
{
    g_autoptr(Clone) clone = NULL;
    size_t length = strlen(pool);

    if (g_str_equal(finding->kind, "clone")) {
        error_free(store_get_clone(engine->store, finding->name, &clone));
        return clone && g_str_equal(clone->pool, pool);
    }
    if (g_str_equal(finding->kind, "pool"))
        return g_str_equal(finding->name, pool);
    return g_str_has_prefix(finding->name, pool) && strchr("/@", finding->name[length]) &&
           finding->name[length];
}

static Error *check_store(Engine *engine, const char *pool, GPtrArray *problems)
{
    g_autoptr(GPtrArray) findings = NULL;

    TRY(engine_examine(engine, &findings));
    for (unsigned i = 0; i < findings->len; i++) {
        const Finding *finding = findings->pdata[i];
        if (check_is_in_pool(engine, finding, pool))
            g_ptr_array_add(problems,
                            g_strdup_printf("%s %s: %s\n  %s", finding->kind, finding->name,
                                            finding->message, finding->hint));
    }
    return NULL;
}

/* A pool that is not there is a finding of the doctor's already. */
static Error *check_storage(Engine *engine, const char *name, GPtrArray *problems)
{
    g_autoptr(Pool) pool = NULL;
    g_autoptr(Error) away = engine_find_pool(engine, name, &pool);

    return away ? NULL : storage_check_health(pool, problems);
}

Error *command_pool_check(const Config *config, const ServerOptions *options)
{
    g_autoptr(Engine) engine = NULL;
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GPtrArray) rows = NULL;
    const PoolRow *row = NULL;

    log_set_level(LOG_LEVEL_WARN);
    TRY(engine_open_to_look(config, &engine));
    TRY(store_list_pools(engine->store, &rows));
    TRY(pool_find(rows, pool_name(options), &row));
    TRY(check_store(engine, row->name, problems));
    TRY(check_storage(engine, row->name, problems));
    for (unsigned i = 0; i < problems->len; i++)
        puts(problems->pdata[i]);
    if (problems->len > 0)
        return error_new(ERR_CONFLICT, "pool \"%s\": %u %s", row->name, problems->len,
                         problems->len == 1 ? "problem" : "problems");
    printf("Pool \"%s\" is well.\n", row->name);
    return NULL;
}
