/*
 * What rametd does besides serving.
 */
#include "server/commands.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "engine/doctor.h"
#include "engine/engine.h"
#include "storage/storage.h"
#include "store/pool.h"

/* --- configuration --- */

Error *command_read_config(const ServerOptions *options, Config **ret_config)
{
    g_autoptr(GPtrArray) problems = NULL;
    Error *e = config_read(options->config_path, &problems, ret_config);

    for (unsigned i = 0; problems && i < problems->len; i++) {
        const ConfigProblem *problem = problems->pdata[i];
        g_autofree char *text = config_problem_text(options->config_path, problem);
        if (problem->is_warning)
            log_warn("configuration", "problem", text);
    }
    if (!e && (*ret_config)->global.debug)
        log_set_level(LOG_LEVEL_DEBUG);
    return e;
}

Error *command_check_config(const Config *config, const ServerOptions *options)
{
    printf("%s: no errors\n", options->config_path);
    return NULL;
}

Error *command_config_reference(const Config *config, const ServerOptions *options)
{
    g_autofree char *text = config_reference();

    fputs(text, stdout);
    return NULL;
}

Error *command_version(const Config *config, const ServerOptions *options)
{
    puts("rametd " RAMET_VERSION);
    return NULL;
}

/* --- pools --- */

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
    g_autofree char *image =
        options->image ? g_canonicalize_filename(options->image, NULL) : g_strdup("");
    const PoolSpec spec = pool_spec(config, name, mount, options->driver, image);
    const PoolRow row = {(char *)(uintptr_t)name, options->driver, image, clock_now_ms()};

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

Error *command_pool_list(const Config *config, const ServerOptions *options)
{
    g_autoptr(Store) store = NULL;
    g_autoptr(GPtrArray) rows = NULL;

    TRY(pool_open_store(config, &store));
    TRY(store_list_pools(store, &rows));
    for (unsigned i = 0; i < rows->len; i++) {
        const PoolRow *row = rows->pdata[i];
        printf("%-20s %-10s %s\n", row->name, row->driver,
               *row->image ? row->image : "(mounted by somebody else)");
    }
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
    return error_new(ERR_NOT_FOUND, "there is no pool \"%s\"", name ? name : "");
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
    TRY(storage_destroy_pool(&spec, options->force));
    TRY(store_delete_pool(store, row->name));
    printf("Pool \"%s\" is destroyed.\n", row->name);
    return NULL;
}

/* --- doctor --- */

Error *command_doctor(const Config *config, const ServerOptions *options)
{
    g_autoptr(Engine) engine = NULL;
    g_autoptr(GPtrArray) findings = NULL;

    log_set_level(LOG_LEVEL_WARN);
    TRY(engine_open_to_look(config, &engine));
    TRY(engine_examine(engine, &findings));
    for (unsigned i = 0; i < findings->len; i++) {
        const Finding *finding = findings->pdata[i];
        printf("%s: %s %s: %s\n  %s\n", finding->is_error ? "error" : "warning", finding->kind,
               finding->name, finding->message, finding->hint);
    }
    if (findings->len > 0)
        return error_new(ERR_CONFLICT, "%u %s", findings->len,
                         findings->len == 1 ? "finding" : "findings");
    puts("clean");
    return NULL;
}

/* --- the end --- */

int command_exit(Error *e)
{
    if (!e)
        return 0;
    fprintf(stderr, "rametd: %s\n", e->message);
    if (e->detail)
        fprintf(stderr, "detail: %s\n", e->detail);
    if (e->hint)
        fprintf(stderr, "hint: %s\n", e->hint);
    int status = e->code == ERR_INVALID ? 2 : 1;
    error_free(e);
    return status;
}
