/*
 * The front: the table of drivers, which no other file looks into, and the verbs. Each verb checks
 * names, takes its turn on them, checks that origin and target are as they should be, lets the
 * driver do it, and writes the manifest.
 */
#include "storage/storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/outside.h"
#include "base/text.h"
#include "storage/aside.h"
#include "storage/device.h"
#include "storage/driver.h"
#include "storage/loopfile.h"
#include "storage/manifest_file.h"
#include "storage/mark.h"
#include "storage/names.h"
#include "storage/pool.h"
#include "storage/pool_space.h"
#include "storage/storage_care.h"
#include "storage/storage_foreign.h"
#include "storage/tree.h"

#define VOLUME_MODE 0711 /* instances pass through */

static const StorageDriver *const storage_drivers[] = {
    &btrfs_driver, &lvm_driver, &reflink_driver, &overlay_driver, &zfs_driver,
};

/* Volumes and snapshots differ in where they are and in what they are called. */
typedef struct Place {
    const char *kind;
    const char *dir;
    StorageKind mark;
} Place;

static const Place place_volume = {"volume", LAYOUT_VOLUMES, STORAGE_VOLUME};
static const Place place_snapshot = {"snapshot", LAYOUT_SNAPSHOTS, STORAGE_SNAPSHOT};

/* --- drivers --- */

const char *const *storage_driver_names(void)
{
    static const char *names[G_N_ELEMENTS(storage_drivers) + 1];
    static gsize is_filled;

    if (g_once_init_enter(&is_filled)) {
        for (size_t i = 0; i < G_N_ELEMENTS(storage_drivers); i++)
            names[i] = storage_drivers[i]->name;
        g_once_init_leave(&is_filled, 1);
    }
    return names;
}

const char *storage_suggest_driver(const char *mount)
{
    struct statfs status;

    if (!loopfile_is_mounted(mount) || statfs(mount, &status) < 0)
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(storage_drivers); i++)
        if (storage_drivers[i]->file_system == (int64_t)status.f_type)
            return storage_drivers[i]->name;
    return NULL;
}

Error *driver_find(const char *name, const StorageDriver **ret_driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(storage_drivers); i++)
        if (g_strcmp0(storage_drivers[i]->name, name) == 0) {
            *ret_driver = storage_drivers[i];
            return NULL;
        }

    g_autofree char *known = g_strjoinv(", ", (char **)(uintptr_t)storage_driver_names());

    return error_hint(error_new(ERR_INVALID, "unknown storage driver \"%s\"", name ? name : ""),
                      "Known drivers: %s.", known);
}

const char *driver_name(const StorageDriver *driver)
{
    return driver->name;
}

Error *driver_make_image(const StorageDriver *driver, const char *image, uint64_t size_bytes)
{
    g_autofree char *minimum = text_format_size(driver->size_min);

    if (size_bytes < driver->size_min)
        return error_new(ERR_INVALID, "a pool with driver \"%s\" needs at least %s", driver->name,
                         minimum);

    const ImageOps *ops = driver->image_ops ? driver->image_ops : &loopfile_image_ops;

    if (device_is(image) && !ops->takes_device)
        return error_hint(
            error_new(ERR_INVALID, "driver \"%s\" takes no bare device", driver->name),
            "docs/storage.md tells how to prepare one; then make the pool in place.");
    return ops->create(image, size_bytes, driver->format_argv);
}

const ImageOps *driver_image_ops(const PoolSpec *spec)
{
    for (size_t i = 0; i < G_N_ELEMENTS(storage_drivers); i++) {
        const ImageOps *ops = storage_drivers[i]->image_ops;

        if (ops && (spec->driver ? g_str_equal(spec->driver, storage_drivers[i]->name)
                                 : ops->recognise(spec->image)))
            return ops;
    }
    return &loopfile_image_ops;
}

Error *driver_prepare(const StorageDriver *driver, const char *mount)
{
    return driver->prepare ? driver->prepare(mount) : NULL;
}

Error *driver_open(const StorageDriver *driver, const char *mount, bool is_to_look,
                   void **ret_private)
{
    return driver->open(mount, is_to_look, ret_private);
}

void driver_close(const StorageDriver *driver, void *driver_private)
{
    driver->close(driver_private);
}

Error *driver_grow(const StorageDriver *driver, const char *mount)
{
    return driver->grow ? driver->grow(mount) : NULL;
}

Error *driver_dismantle(const StorageDriver *driver, const char *mount)
{
    return driver->dismantle ? driver->dismantle(mount) : NULL;
}

/* --- what every verb begins and ends with --- */

static char *pool_path(const Pool *pool, const Place *place, const char *name)
{
    return g_build_filename(pool->mount, place->dir, name, NULL);
}

static NameLock *pool_lock(Pool *pool, const Place *place, const char *name)
{
    g_autofree char *key = g_strconcat(place->dir, "/", name, NULL);

    return name_lock_acquire(pool->locks, key);
}

static Error *pool_check_exists(const Place *place, const char *name, const char *path)
{
    if (fs_exists(path))
        return NULL;
    return error_new(ERR_NOT_FOUND, "%s \"%s\" does not exist", place->kind, name);
}

static Error *pool_check_missing(const Place *place, const char *name, const char *path)
{
    if (!fs_exists(path))
        return NULL;
    return error_new(ERR_CONFLICT, "%s \"%s\" exists", place->kind, name);
}

static Error *pool_check_space(const Pool *pool)
{
    SpaceUsage usage = {0};

    TRY(pool->driver->space ? pool->driver->space(pool->driver_private, &usage)
                            : pool_space_ask(pool->mount, &usage));
    TRY(pool_space_subtract_missing(pool->image, &usage));
    return pool_space_check(&usage);
}

/* Says who was doing what, and how long it took. */
static Error *pool_end_verb(const Pool *pool, const char *doing, const Place *place,
                            const char *name, int64_t started_us, Error *e)
{
    g_autofree char *took_ms =
        g_strdup_printf("%.2f", (double)(g_get_monotonic_time() - started_us) / 1000);

    log_debug("storage", "pool", pool->name, "doing", doing, place->kind, name, "took_ms", took_ms,
              "result", e ? error_code_name(e->code) : "ok");
    return error_wrap(e, "%s %s \"%s\" in pool \"%s\"", doing, place->kind, name, pool->name);
}

bool storage_is_foreign(const char *snapshot)
{
    return g_str_has_prefix(snapshot, STORAGE_FOREIGN_PREFIX);
}

/* A volume that could not be completed goes again. */
static Error *pool_complete(Pool *pool, const char *path, Error *e)
{
    if (e)
        error_ignore(pool->driver->destroy(pool->driver_private, path),
                     "what is left of it goes when it is destroyed by name");
    return e;
}

/* --- volumes --- */

/* A snapshot that another program took may have no place for a manifest. */
static Error *volume_mark(const char *path, const char *manifest)
{
    g_autofree char *private_dir = g_build_filename(path, LAYOUT_PRIVATE, NULL);

    if (!fs_exists(private_dir))
        TRY(fs_make_dir(private_dir, 0700, NULL));
    return manifest_file_write(path, manifest);
}

static Error *volume_fill(Pool *pool, const char *volume, const char *path,
                          const Manifest *manifest)
{
    g_autofree char *text = manifest_format(manifest);
    g_autofree char *data_dir = storage_volume_data(pool, volume);

    TRY(fs_make_dir(data_dir, 0700, pool->owner));
    return volume_mark(path, text);
}

static Error *volume_create(Pool *pool, const char *volume, const Manifest *manifest)
{
    g_autofree char *path = pool_path(pool, &place_volume, volume);
    g_autoptr(NameLock) lock G_GNUC_UNUSED = pool_lock(pool, &place_volume, volume);

    TRY(pool_check_at_work(pool));
    TRY(pool_check_missing(&place_volume, volume, path));
    TRY(pool_check_space(pool));
    TRY(pool->driver->create_volume(pool->driver_private, path, manifest));
    return pool_complete(pool, path, volume_fill(pool, volume, path, manifest));
}

Error *storage_create_volume(Pool *pool, const char *volume, const Manifest *manifest)
{
    int64_t started_us = g_get_monotonic_time();

    outside_call(__func__);
    TRY(names_check("volume", volume));
    return pool_end_verb(pool, "creating", &place_volume, volume, started_us,
                         volume_create(pool, volume, manifest));
}

/* Data of another program may belong to another user. */
static Error *volume_take_over(Pool *pool, const char *volume, const char *path)
{
    g_autofree char *data_dir = storage_volume_data(pool, volume);

    if (!fs_exists(data_dir))
        return error_hint(error_new(ERR_NOT_FOUND, "there is no directory \"%s\" in the snapshot",
                                    pool->data_sub_dir),
                          "poolManager.dataSubDir must be what the snapshot's maker has.");
    TRY(fs_make_dir(path, VOLUME_MODE, NULL));
    return tree_take_over(data_dir, pool->owner);
}

static Error *volume_clone(Pool *pool, const char *snapshot, const char *volume,
                           const Manifest *manifest)
{
    g_autofree char *text = manifest_format(manifest);
    g_autofree char *from = pool_path(pool, &place_snapshot, snapshot);
    g_autofree char *path = pool_path(pool, &place_volume, volume);
    g_autoptr(NameLock) lock G_GNUC_UNUSED = pool_lock(pool, &place_volume, volume);

    TRY(pool_check_at_work(pool));
    TRY(pool_check_exists(&place_snapshot, snapshot, from));
    TRY(pool_check_missing(&place_volume, volume, path));
    TRY(pool_check_space(pool));
    TRY(pool->driver->clone(pool->driver_private, from, path, manifest));

    Error *e = storage_is_foreign(snapshot) ? volume_take_over(pool, volume, path) : NULL;

    return pool_complete(pool, path, e ? e : volume_mark(path, text));
}

Error *storage_clone(Pool *pool, const char *snapshot, const char *volume, const Manifest *manifest)
{
    int64_t started_us = g_get_monotonic_time();

    outside_call(__func__);
    TRY(names_check("snapshot", snapshot));
    TRY(names_check("volume", volume));
    return pool_end_verb(pool, "cloning to", &place_volume, volume, started_us,
                         volume_clone(pool, snapshot, volume, manifest));
}

/* --- snapshots --- */

/* A snapshot cannot be written to, so the volume carries its manifest while it is taken. */
static Error *snapshot_take(Pool *pool, const char *volume, const char *from, const char *path,
                            const Manifest *manifest)
{
    g_autofree char *text = manifest_format(manifest);
    Error *e = manifest_file_lend(pool->mount, volume, text);

    if (!e)
        e = pool->driver->snapshot(pool->driver_private, from, path, manifest);
    error_ignore(manifest_file_take_back(pool->mount, volume),
                 "the volume gets its manifest back when the pool is opened next");
    return e;
}

static Error *snapshot_create(Pool *pool, const char *volume, const char *snapshot,
                              const Manifest *manifest)
{
    g_autofree char *from = pool_path(pool, &place_volume, volume);
    g_autofree char *path = pool_path(pool, &place_snapshot, snapshot);
    g_autoptr(NameLock) volume_lock G_GNUC_UNUSED = pool_lock(pool, &place_volume, volume);
    g_autoptr(NameLock) lock G_GNUC_UNUSED = pool_lock(pool, &place_snapshot, snapshot);

    TRY(pool_check_at_work(pool));
    TRY(pool_check_exists(&place_volume, volume, from));
    TRY(pool_check_missing(&place_snapshot, snapshot, path));
    TRY(pool_check_space(pool));
    return snapshot_take(pool, volume, from, path, manifest);
}

Error *storage_snapshot(Pool *pool, const char *volume, const char *snapshot,
                        const Manifest *manifest)
{
    int64_t started_us = g_get_monotonic_time();

    outside_call(__func__);
    TRY(names_check("volume", volume));
    TRY(names_check("snapshot", snapshot));
    if (storage_is_foreign(snapshot))
        return error_new(ERR_INVALID, "snapshot name \"%s\" is for those of others", snapshot);
    return pool_end_verb(pool, "taking", &place_snapshot, snapshot, started_us,
                         snapshot_create(pool, volume, snapshot, manifest));
}

/* --- destroying --- */

/* What is missing is destroyed only if the pool was there all the time. */
static Error *pool_destroy_there(Pool *pool, const char *path)
{
    TRY(pool_check_at_work(pool));
    TRY(pool->driver->destroy(pool->driver_private, path));
    return pool_check_there(pool);
}

/* The mark of a maker goes last: what is half destroyed is nobody's finished work. */
static Error *pool_destroy_marked(Pool *pool, const Place *place, const char *name,
                                  const char *path)
{
    TRY(pool_destroy_there(pool, path));
    return storage_unmark(pool, place->mark, name);
}

static Error *pool_destroy(Pool *pool, const Place *place, const char *name)
{
    int64_t started_us = g_get_monotonic_time();

    TRY(names_check(place->kind, name));

    g_autofree char *path = pool_path(pool, place, name);
    g_autoptr(NameLock) lock G_GNUC_UNUSED = pool_lock(pool, place, name);

    return pool_end_verb(pool, "destroying", place, name, started_us,
                         pool_destroy_marked(pool, place, name, path));
}

Error *storage_destroy_volume(Pool *pool, const char *volume)
{
    outside_call(__func__);
    return pool_destroy(pool, &place_volume, volume);
}

Error *storage_destroy_snapshot(Pool *pool, const char *snapshot)
{
    outside_call(__func__);
    return pool_destroy(pool, &place_snapshot, snapshot);
}

/* --- mending --- */

static Error *volume_mend(Pool *pool, const char *volume)
{
    g_autofree char *path = pool_path(pool, &place_volume, volume);
    g_autoptr(NameLock) lock G_GNUC_UNUSED = pool_lock(pool, &place_volume, volume);

    TRY(pool_check_at_work(pool));
    TRY(pool_check_exists(&place_volume, volume, path));
    return pool->driver->mend ? pool->driver->mend(pool->driver_private, path) : NULL;
}

Error *storage_mend_volume(Pool *pool, const char *volume)
{
    outside_call(__func__);
    TRY(names_check("volume", volume));
    return error_wrap(volume_mend(pool, volume), "looking after volume \"%s\" in pool \"%s\"",
                      volume, pool->name);
}

/* --- looking --- */

static void storage_entry_free(void *data)
{
    StorageEntry *entry = data;

    g_free(entry->name);
    manifest_free(entry->manifest);
    g_free(entry->foreign);
    g_free(entry);
}

/* What is half made is listed under the name that it was to have; what is half removed is gone. */
static void list_add(GPtrArray *entries, const char *dir_path, const char *found, bool is_snapshot)
{
    g_autofree char *path = g_build_filename(dir_path, found, NULL);
    g_autofree char *partial_of = names_of_partial(found);

    if (names_is_deleted(found))
        return;

    StorageEntry *entry = g_new0(StorageEntry, 1);

    entry->name = g_strdup(partial_of ? partial_of : found);
    entry->is_snapshot = is_snapshot;
    entry->manifest = partial_of ? NULL : manifest_file_find(path, is_snapshot);
    g_ptr_array_add(entries, entry);
}

static Error *list_place(const Pool *pool, const Place *place, GPtrArray *entries)
{
    g_autofree char *path = g_build_filename(pool->mount, place->dir, NULL);
    g_auto(GStrv) found = NULL;

    TRY(fs_list_dir(path, &found));
    for (char **name = found; *name; name++)
        if (!storage_is_foreign(*name))
            list_add(entries, path, *name, place == &place_snapshot);
    return NULL;
}

/* Drivers know them by where they are in the pool; public ids begin with its name. */
static Error *list_foreign(const Pool *pool, GPtrArray *entries)
{
    guint first = entries->len;

    if (!pool->driver->list_foreign)
        return NULL;
    TRY(pool->driver->list_foreign(pool->driver_private, entries));
    for (guint i = first; i < entries->len; i++) {
        Manifest *manifest = ((StorageEntry *)g_ptr_array_index(entries, i))->manifest;

        if (!manifest)
            continue;

        g_autofree char *place = manifest->id;

        manifest->id = g_strconcat(pool->name, place, NULL);
        g_free(manifest->pool);
        manifest->pool = g_strdup(pool->name);
    }
    return NULL;
}

Error *storage_show_foreign(Pool *pool, const char *snapshot, bool is_shown)
{
    outside_call(__func__);
    TRY(names_check("snapshot", snapshot));
    if (!storage_is_foreign(snapshot) || !pool->driver->show_foreign)
        return error_new(ERR_INVALID, "snapshot \"%s\" is always readable", snapshot);

    g_autofree char *path = pool_path(pool, &place_snapshot, snapshot);
    g_autoptr(NameLock) lock G_GNUC_UNUSED = pool_lock(pool, &place_snapshot, snapshot);

    TRY(pool_check_at_work(pool));
    return error_wrap(pool->driver->show_foreign(pool->driver_private, path, is_shown),
                      "looking into snapshot \"%s\"", snapshot);
}

Error *storage_list(Pool *pool, GPtrArray **ret_entries)
{
    g_autoptr(GPtrArray) entries = g_ptr_array_new_with_free_func(storage_entry_free);

    outside_call(__func__);
    TRY(storage_check_pool(pool));
    TRY(error_wrap(list_place(pool, &place_volume, entries), "listing pool \"%s\"", pool->name));
    TRY(error_wrap(list_place(pool, &place_snapshot, entries), "listing pool \"%s\"", pool->name));
    TRY(error_wrap(list_foreign(pool, entries), "listing pool \"%s\"", pool->name));
    *ret_entries = g_steal_pointer(&entries);
    return NULL;
}

static Error *pool_sync(Pool *pool, const char *path)
{
    if (pool->driver->sync)
        return pool->driver->sync(pool->driver_private, path);

    AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || syncfs(fd) < 0)
        return error_errno(errno, "could not sync \"%s\"", path);
    return NULL;
}

Error *storage_sync(Pool *pool, const char *volume)
{
    outside_call(__func__);
    TRY(names_check("volume", volume));

    g_autofree char *path = pool_path(pool, &place_volume, volume);

    TRY(storage_check_pool(pool));
    TRY(pool_check_exists(&place_volume, volume, path));
    return error_wrap(pool_sync(pool, path), "syncing volume \"%s\"", volume);
}

Error *storage_list_aside(Pool *pool, GPtrArray *paths)
{
    outside_call(__func__);
    TRY(storage_check_pool(pool));
    return error_wrap(aside_list(pool->mount, paths), "listing pool \"%s\"", pool->name);
}

Error *storage_check_health(Pool *pool, GPtrArray *problems)
{
    outside_call(__func__);
    TRY(storage_check_pool(pool));
    return pool->driver->check ? error_wrap(pool->driver->check(pool->mount, problems),
                                            "checking pool \"%s\"", pool->name)
                               : NULL;
}

/* --- what a pool is --- */

const char *storage_pool_driver(const Pool *pool)
{
    return pool->driver->name;
}

StorageTraits storage_pool_traits(const Pool *pool)
{
    return pool->driver->traits;
}
