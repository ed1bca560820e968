/*
 * Pools are made, opened and destroyed. A pool exists from the moment its
 * pool.json is written, which is last; before that, whatever went wrong is undone.
 */
#include "storage/pool.h"

#include <string.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/outside.h"
#include "storage/aside.h"
#include "storage/device.h"
#include "storage/loopfile.h"
#include "storage/manifest_file.h"
#include "storage/mark.h"
#include "storage/names.h"
#include "storage/pool_epoch.h"
#include "storage/pool_file.h"
#include "storage/storage_care.h"
#include "storage/storage_foreign.h"

#define DATA_SUB_DIR_DEFAULT "data"

typedef struct PoolDir {
    const char *name;
    mode_t mode;
} PoolDir;

/* Instances find their data by a full path: they need to pass through, not to look around. */
static const PoolDir pool_dirs[] = {
    {LAYOUT_PRIVATE, 0700},
    {LAYOUT_VOLUMES, 0711},
    {LAYOUT_SNAPSHOTS, 0711},
};

static Error *pool_check_spec(const PoolSpec *spec)
{
    if (!g_path_is_absolute(spec->mount) || (spec->image && !g_path_is_absolute(spec->image)))
        return error_new(ERR_INVALID, "the mount point and the image need absolute paths");
    return NULL;
}

/* --- creating --- */

static Error *pool_probe(const char *mount, const StorageDriver *driver)
{
    void *driver_private = NULL;

    TRY(driver_open(driver, mount, false, &driver_private));
    driver_close(driver, driver_private);
    return NULL;
}

static Error *pool_make_layout(const PoolSpec *spec, const StorageDriver *driver)
{
    g_auto(PoolFile) file = {.name = g_strdup(spec->name),
                             .driver = g_strdup(driver_name(driver)),
                             .instance = g_strdup(spec->instance),
                             .created_at_ms = clock_now_ms()};

    for (size_t i = 0; i < G_N_ELEMENTS(pool_dirs); i++) {
        g_autofree char *path = g_build_filename(spec->mount, pool_dirs[i].name, NULL);

        TRY(fs_make_dir(path, pool_dirs[i].mode, NULL));
    }
    TRY(pool_probe(spec->mount, driver));
    return pool_file_write(spec->mount, &file);
}

/* Removes the identity and the directories; one that is not empty is an error and stays. */
static Error *pool_remove_layout(const char *mount, const StorageDriver *driver)
{
    TRY(aside_dismantle(mount));
    TRY(driver_dismantle(driver, mount));
    TRY(pool_file_remove(mount));
    TRY(pool_epoch_remove(mount));
    TRY(marks_remove_all(mount));
    for (size_t i = 0; i < G_N_ELEMENTS(pool_dirs); i++) {
        g_autofree char *path = g_build_filename(mount, pool_dirs[i].name, NULL);

        TRY(fs_remove_dir(path));
    }
    return NULL;
}

static Error *pool_create_in_place(const PoolSpec *spec, const StorageDriver *driver)
{
    if (!g_file_test(spec->mount, G_FILE_TEST_IS_DIR))
        return error_hint(error_new(ERR_NOT_FOUND, "directory \"%s\" does not exist", spec->mount),
                          "Mount a file system there, or give the pool an image.");
    if (pool_file_exists(spec->mount))
        return error_new(ERR_CONFLICT, "there is a pool at \"%s\"", spec->mount);

    Error *e = pool_make_layout(spec, driver);

    if (e)
        error_ignore(pool_remove_layout(spec->mount, driver), "the pool could not be made");
    return e;
}

/* What is in the directory would be hidden by the mount. */
static Error *pool_check_mount_is_free(const char *mount)
{
    g_auto(GStrv) names = NULL;

    if (loopfile_is_mounted(mount))
        return error_new(ERR_CONFLICT, "something is mounted at \"%s\"", mount);
    TRY(fs_list_dir(mount, &names));
    if (names[0])
        return error_new(ERR_CONFLICT, "directory \"%s\" is not empty", mount);
    return NULL;
}

static Error *pool_fill_image(const PoolSpec *spec, const StorageDriver *driver)
{
    TRY(driver_image_ops(spec)->mount(spec->image, spec->mount));
    TRY(driver_prepare(driver, spec->mount));
    return pool_make_layout(spec, driver);
}

/* A device is cleared only of what is known to be ours, and otherwise left as it is. */
static Error *pool_remove_image(const char *image, bool is_known)
{
    if (!device_is(image))
        return fs_remove(image);
    return is_known ? device_wipe(image) : NULL;
}

static Error *pool_create_on_image(const PoolSpec *spec, const StorageDriver *driver,
                                   uint64_t size_bytes)
{
    const ImageOps *ops = driver_image_ops(spec);
    bool had_mount_dir = fs_exists(spec->mount);

    TRY(pool_check_mount_is_free(spec->mount));
    TRY(driver_make_image(driver, spec->image, size_bytes));

    Error *e = fs_make_dir(spec->mount, 0755, NULL);

    if (!e)
        e = pool_fill_image(spec, driver);
    if (e) {
        error_ignore(ops->unmount(spec->mount), "the pool could not be made");
        error_ignore(pool_remove_image(spec->image, true), "the pool could not be made");
        if (!had_mount_dir)
            error_ignore(fs_remove_dir(spec->mount), "the pool could not be made");
    }
    return e;
}

Error *storage_create_pool(const PoolSpec *spec, uint64_t size_bytes)
{
    const StorageDriver *driver = NULL;
    Error *e = names_check_pool(spec->name);

    if (!e)
        e = pool_check_spec(spec);
    if (!e)
        e = driver_find(spec->driver, &driver);
    if (!e)
        e = spec->image ? pool_create_on_image(spec, driver, size_bytes)
                        : pool_create_in_place(spec, driver);
    return error_wrap(e, "creating pool \"%s\"", spec->name);
}

/* --- opening --- */

Error *pool_check_identity(const PoolSpec *spec, const PoolFile *file)
{
    if (!g_str_equal(spec->name, file->name))
        return error_new(ERR_CONFLICT, "the pool at \"%s\" has the name \"%s\"", spec->mount,
                         file->name);
    if (spec->driver && !g_str_equal(spec->driver, file->driver))
        return error_new(ERR_CONFLICT, "the pool was made with driver \"%s\", not \"%s\"",
                         file->driver, spec->driver);
    if (!spec->instance || !*file->instance || g_str_equal(spec->instance, file->instance))
        return NULL;
    return error_hint(error_new(ERR_CONFLICT,
                                "the pool at \"%s\" belongs to another server, \"%s\"", spec->mount,
                                file->instance),
                      "A server knows its own pools from its state directory: put the right one in "
                      "place, or make a pool of another name.");
}

static Pool *pool_new(const PoolSpec *spec, const StorageDriver *driver)
{
    Pool *pool = g_new0(Pool, 1);
    bool has_sub_dir = spec->data_sub_dir && *spec->data_sub_dir;

    pool->name = g_strdup(spec->name);
    pool->mount = g_strdup(spec->mount);
    pool->image = g_strdup(spec->image);
    pool->data_sub_dir = g_strdup(has_sub_dir ? spec->data_sub_dir : DATA_SUB_DIR_DEFAULT);
    pool->owner = g_strdup(spec->owner);
    pool->driver = driver;
    pool->is_to_look = spec->is_to_look;
    pool->locks = name_locks_new();
    pool->n_users = 1;
    return pool;
}

static void pool_free(Pool *pool)
{
    g_free(pool->name);
    g_free(pool->mount);
    g_free(pool->image);
    g_free(pool->data_sub_dir);
    g_free(pool->owner);
    name_locks_free(pool->locks);
    pool_guard_release(&pool->guard);
    g_free(pool);
}

/* A pool of nobody becomes this server's. */
static void pool_claim(const PoolSpec *spec, PoolFile *file)
{
    if (!spec->instance || *file->instance)
        return;
    g_free(file->instance);
    file->instance = g_strdup(spec->instance);
    error_ignore(pool_file_write(spec->mount, file), "a full pool must open too");
}

static Error *pool_open_guarded(const PoolSpec *spec, Pool **ret_pool)
{
    g_auto(PoolFile) file = {0};
    const StorageDriver *driver = NULL;
    void *driver_private = NULL;

    TRY(pool_file_read(spec->mount, &file));
    TRY(pool_check_identity(spec, &file));
    TRY(driver_find(file.driver, &driver));
    TRY(driver_open(driver, spec->mount, spec->is_to_look, &driver_private));
    if (!spec->is_to_look) {
        pool_claim(spec, &file);
        aside_collect(spec->mount);
        error_ignore(manifest_file_take_back_all(spec->mount), "a full pool must open too");
    }
    *ret_pool = pool_new(spec, driver);
    (*ret_pool)->driver_private = driver_private;
    return NULL;
}

static Error *pool_open_mounted(const PoolSpec *spec, Pool **ret_pool)
{
    PoolGuard guard;
    bool is_locking = spec->instance && !spec->is_to_look;

    if (!pool_file_exists(spec->mount))
        return pool_file_missing(spec->mount);
    TRY(pool_guard_take(spec->mount, spec->image, is_locking, &guard));

    Error *e = pool_open_guarded(spec, ret_pool);

    if (e)
        pool_guard_release(&guard);
    else
        (*ret_pool)->guard = guard;
    return e;
}

/* Who only looks has the server's word for what is wrong. */
static Error *pool_not_mounted(const PoolSpec *spec)
{
    return error_hint(
        error_new(ERR_NOT_FOUND, "image \"%s\" is not mounted at \"%s\"", spec->image, spec->mount),
        "The server mounts it at its start and on SIGHUP: its log, and /status, say what keeps it "
        "from that.");
}

/* Whoever reads the error has two questions: is it the right file, and what now? */
static Error *pool_mount_image(const PoolSpec *spec)
{
    if (!fs_exists(spec->image))
        return error_hint(error_new(ERR_NOT_FOUND, "image \"%s\" does not exist", spec->image),
                          "Is the disk mounted that it is on? Else restore it from a backup.");
    if (spec->is_to_look)
        return pool_not_mounted(spec);
    TRY(fs_make_dir(spec->mount, 0755, NULL));

    Error *e = driver_image_ops(spec)->mount(spec->image, spec->mount);

    if (!e || e->hint)
        return e;
    return error_hint(e,
                      "The image may be truncated or damaged, which \"dmesg\" would tell. Mend a "
                      "copy of it, or restore it from a backup.");
}

static Error *pool_mount(const PoolSpec *spec, bool *ret_is_ours)
{
    *ret_is_ours = spec->image && !loopfile_is_mounted(spec->mount);
    return *ret_is_ours ? pool_mount_image(spec) : NULL;
}

static Error *pool_mount_and_open(const PoolSpec *spec, Pool **ret_pool)
{
    bool is_ours = false;
    uid_t uid;
    gid_t gid;

    TRY(pool_check_spec(spec));
    TRY(fs_find_user(spec->owner, &uid, &gid)); /* better now than when a volume is made */
    TRY(pool_mount(spec, &is_ours));

    Error *e = pool_open_mounted(spec, ret_pool);

    if (e && is_ours)
        error_ignore(driver_image_ops(spec)->unmount(spec->mount), "the pool could not be opened");
    return e;
}

Error *storage_open_pool(const PoolSpec *spec, Pool **ret_pool)
{
    outside_call(__func__);
    return error_wrap(pool_mount_and_open(spec, ret_pool), "opening pool \"%s\"", spec->name);
}

Pool *storage_ref_pool(Pool *pool)
{
    g_atomic_int_inc(&pool->n_users);
    return pool;
}

bool storage_pool_is_shared(Pool *pool)
{
    return g_atomic_int_get(&pool->n_users) > 1;
}

void storage_close_pool(Pool *pool)
{
    if (!pool || !g_atomic_int_dec_and_test(&pool->n_users))
        return;
    driver_close(pool->driver, pool->driver_private);
    pool_free(pool);
}

Error *pool_check_there(const Pool *pool)
{
    return pool_guard_check(&pool->guard, pool->mount, pool->image);
}

Error *pool_check_at_work(const Pool *pool)
{
    if (pool->is_to_look)
        return error_new(ERR_BUG, "pool \"%s\" was opened to look", pool->name);
    return pool_check_there(pool);
}

Error *storage_check_pool(const Pool *pool)
{
    outside_call(__func__);
    return error_wrap(pool_check_there(pool), "pool \"%s\"", pool->name);
}

/* --- destroying --- */

static Error *pool_check_empty(const char *mount, const char *dir)
{
    g_autofree char *path = g_build_filename(mount, dir, NULL);
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(path, &names));

    char **name = names;

    while (*name && storage_is_foreign(*name)) /* they stay, whatever happens to the pool */
        name++;
    if (!*name)
        return NULL;
    return error_hint(error_new(ERR_CONFLICT, "there are %s in it, as \"%s\"", dir, *name),
                      "Destroy them first, or force it.");
}

/* What is mounted there may go: it is this pool (or a half made one), and empty unless forced. */
static Error *pool_check_destroyable(const PoolSpec *spec, bool is_forced)
{
    g_auto(PoolFile) file = {0};
    Error *e = pool_file_read(spec->mount, &file);

    if (!e)
        TRY(pool_check_identity(spec, &file)); /* somebody else's pool: no force helps */
    if (e && e->code != ERR_NOT_FOUND && !is_forced)
        return e;
    error_free(e);
    if (is_forced)
        return NULL;
    TRY(pool_check_empty(spec->mount, LAYOUT_VOLUMES));
    return pool_check_empty(spec->mount, LAYOUT_SNAPSHOTS);
}

/* Without force we look into it first; what cannot be looked into is not destroyed. */
static Error *pool_destroy_image(const PoolSpec *spec, bool is_forced)
{
    const ImageOps *ops = driver_image_ops(spec);
    bool is_ours = false;
    bool is_known = false;

    if (!is_forced && fs_exists(spec->image))
        TRY(error_hint(pool_mount(spec, &is_ours),
                       "What a killed run left half made goes by force."));
    if (loopfile_is_mounted(spec->mount)) {
        Error *e = pool_check_destroyable(spec, is_forced);

        if (e && is_ours)
            error_ignore(ops->unmount(spec->mount), "the pool stays as it was");
        if (e)
            return e;
        is_known = pool_file_exists(spec->mount);
    }
    TRY(ops->unmount(spec->mount));
    TRY(ops->detach(spec->image));
    TRY(pool_remove_image(spec->image, is_known));
    return fs_remove_dir(spec->mount);
}

/* On somebody else's file system only what has a manifest of ours is destroyed, force or not. */
static Error *pool_destroy_volumes(const PoolSpec *spec)
{
    g_autoptr(Pool) pool = NULL;
    g_autoptr(GPtrArray) entries = NULL;

    TRY(storage_open_pool(spec, &pool));
    TRY(storage_list(pool, &entries));
    for (guint i = 0; i < entries->len; i++) {
        const StorageEntry *entry = g_ptr_array_index(entries, i);

        if (entry->manifest)
            TRY(entry->is_snapshot ? storage_destroy_snapshot(pool, entry->name)
                                   : storage_destroy_volume(pool, entry->name));
    }
    return NULL;
}

static Error *pool_destroy_in_place(const PoolSpec *spec, bool is_forced)
{
    g_auto(PoolFile) file = {0};
    const StorageDriver *driver = NULL;

    if (!pool_file_exists(spec->mount))
        return NULL;
    if (is_forced)
        TRY(pool_destroy_volumes(spec));
    TRY(pool_check_destroyable(spec, false));
    TRY(pool_file_read(spec->mount, &file));
    TRY(driver_find(file.driver, &driver));
    return pool_remove_layout(spec->mount, driver);
}

Error *storage_destroy_pool(const PoolSpec *spec, bool is_forced)
{
    Error *e = pool_check_spec(spec);

    if (!e)
        e = spec->image ? pool_destroy_image(spec, is_forced)
                        : pool_destroy_in_place(spec, is_forced);
    return error_wrap(e, "destroying pool \"%s\"", spec->name);
}

char *storage_pool_owner(const char *mount)
{
    g_auto(PoolFile) file = {0};
    g_autoptr(Error) e = pool_file_read(mount, &file);

    return e ? NULL : g_steal_pointer(&file.instance);
}

bool storage_is_pool(const char *mount)
{
    outside_call(__func__);
    return pool_file_exists(mount);
}

/* --- what it is called, and where its parts are --- */

const char *storage_pool_name(const Pool *pool)
{
    return pool->name;
}

char *storage_volume_data(const Pool *pool, const char *volume)
{
    return g_build_filename(pool->mount, LAYOUT_VOLUMES, volume, pool->data_sub_dir, NULL);
}

char *storage_snapshot_data(const Pool *pool, const char *snapshot)
{
    return g_build_filename(pool->mount, LAYOUT_SNAPSHOTS, snapshot, pool->data_sub_dir, NULL);
}
