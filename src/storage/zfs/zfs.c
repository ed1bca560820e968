/*
 * ZFS: a volume is the dataset <pool dataset>/volumes/<name>, mounted by inheritance at
 * <mount>/volumes/<name>; a snapshot is a ZFS snapshot of it, mounted at <mount>/snapshots/<name>;
 * cloning is `zfs clone`. Each verb is one program, and none lists the pool.
 *
 * ZFS ties what is independent for our callers: a snapshot is part of its dataset, and a snapshot
 * with clones cannot go. Two things hide that.
 *
 *  - A volume with snapshots is *kept aside* when it is destroyed: renamed to
 *    <pool dataset>/kept/<name>.<time>, where nothing is mounted, rolled back to its newest
 *    snapshot, so that its own writes give their space back, and destroyed when its last snapshot
 *    goes (zfs_kept.c). The rename is the moment of truth: what follows is repeated whenever
 *    something else is destroyed, and when the pool is opened.
 *
 *  - A snapshot with clones is destroyed with `zfs destroy -d`: for us it is gone, as it is not
 *    mounted any more; ZFS removes it with its last clone. Its name may come back before that: then
 *    the old one is renamed first. A clone is what holds a snapshot, so no holds of ours are
 *    needed.
 *
 * Rejected: `zfs promote`. A snapshot can be passed on to a clone of it, which makes the volume
 * depend on the clone. But a promotion moves all older snapshots as well, fails when two of them
 * have one name, and the new owner may be destroyed next: with several clones it must be repeated
 * for each destroyed one, and a crash between two steps leaves the origin of everything unclear.
 * Keeping aside needs one atomic step. What a kept volume costs is what its snapshots hold.
 *
 * Rejected: a dataset of its own for each snapshot (snapshot, clone, promote): three programs
 * instead of one, and the space of a destroyed snapshot would come back only with its successors.
 *
 * Which ZFS snapshot a name means is looked up in the mount table, which follows renames
 * (zfs_mount.h). Between a look-up and the use of its result no dataset may get another name: the
 * lock `names` is held for reading by those who look up, and for writing by those who rename.
 */
#include <errno.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "storage/driver.h"
#include "storage/layout.h"
#include "storage/storage_foreign.h"
#include "storage/zfs/by_hand.h"
#include "storage/zfs/care.h"
#include "storage/zfs/command.h"
#include "storage/zfs/foreign.h"
#include "storage/zfs/kept.h"
#include "storage/zfs/measure.h"
#include "storage/zfs/mount.h"
#include "storage/zfs/parse.h"

#define VOLUME_MODE     0711
#define ZFS_SUPER_MAGIC 0x2fc12fc1 /* statfs(2) of OpenZFS */
#define RECORD_SIZE_MAX (32 << 10) /* beyond it, changing a page of 8 kB costs four and more */

typedef struct ZfsPool {
    char *mount;
    char *dataset; /* mounted there */
    ZfsMeasure *measure;
    ZfsForeign *foreign;
    GRWLock names;
    GMutex sweeping;
    guint kept; /* volumes kept aside; under sweeping */
} ZfsPool;

/* --- names --- */

static char *zfs_volume_dataset(const ZfsPool *pool, const char *volume_path)
{
    return g_strconcat(pool->dataset, "/" ZFS_VOLUMES "/", strrchr(volume_path, '/') + 1, NULL);
}

static bool zfs_is_snapshot_path(const ZfsPool *pool, const char *path)
{
    g_autofree char *parent = g_build_filename(pool->mount, LAYOUT_SNAPSHOTS "/", NULL);

    return g_str_has_prefix(path, parent);
}

static bool zfs_is_foreign_path(const char *path)
{
    return storage_is_foreign(strrchr(path, '/') + 1);
}

static Error *zfs_find_existing(const ZfsPool *pool, const char *path, char **ret_snapshot)
{
    if (zfs_is_foreign_path(path))
        return zfs_foreign_find(pool->foreign, strrchr(path, '/') + 1, ret_snapshot);
    TRY(zfs_find_snapshot(pool->dataset, path, ret_snapshot));
    if (*ret_snapshot)
        return NULL;
    return error_new(ERR_NOT_FOUND, "there is no ZFS snapshot for \"%s\"", path);
}

/* --- opening --- */

static Error *zfs_find_dataset(const char *mount, char **ret_dataset)
{
    g_autofree char *dataset = NULL;

    TRY(zfs_mounted_at(mount, &dataset));
    if (!dataset || strchr(dataset, '@'))
        return error_hint(error_new(ERR_INVALID, "no ZFS dataset is mounted at \"%s\"", mount),
                          "Give the pool an image, or make a dataset for it: zfs create -o "
                          "mountpoint=%s POOL/NAME.",
                          mount);
    *ret_dataset = g_steal_pointer(&dataset);
    return NULL;
}

/* One that was not made for this may hold somebody's files. */
static Error *zfs_check_parent(const char *parent, const char *property, const char *value)
{
    const char *const argv[] = {"zfs", "list", "-H", "-o", property, parent, NULL};
    g_autoptr(GPtrArray) rows = NULL;

    TRY(zfs_list(argv, 1, &rows));
    if (rows->len == 1 && g_str_equal(((char **)g_ptr_array_index(rows, 0))[0], value))
        return NULL;
    return error_hint(error_new(ERR_CONFLICT, "dataset \"%s\" is not Ramet's", parent),
                      "Ramet keeps its volumes in a dataset of that name: rename this one.");
}

/* A parent of other datasets, which inherit their mount points from it; itself is not mounted. */
static Error *zfs_ensure_parent(const char *dataset, const char *name, const char *property,
                                const char *value)
{
    g_autofree char *parent = g_strconcat(dataset, "/", name, NULL);
    g_autofree char *setting = g_strconcat(property, "=", value, NULL);
    Error *e = zfs_check_parent(parent, property, value);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    return zfs_do("zfs", "create", "-o", setting, parent, NULL);
}

/* What hurts PostgreSQL is said, not changed: the dataset is the user's. */
static void zfs_advise(const char *dataset)
{
    g_autofree char *volumes = g_strconcat(dataset, "/" ZFS_VOLUMES, NULL);
    const char *const argv[] = {"zfs",   "list", "-Hp", "-o", "recordsize,compression,atime",
                                volumes, NULL};
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(Error) e = zfs_list(argv, 3, &rows);
    uint64_t record_size = 0;

    if (e || rows->len != 1)
        return;

    char **row = g_ptr_array_index(rows, 0);

    e = zfs_parse_number(row[0], &record_size);
    if (record_size > RECORD_SIZE_MAX)
        error_ignore(
            error_hint(error_new(ERR_INVALID, "dataset \"%s\" has recordsize=%s", volumes, row[0]),
                       "zfs set recordsize=16K %s (for files written from then on).", dataset),
            "each changed page of 8 kB costs a clone a whole record");
    if (g_str_equal(row[1], "off"))
        error_ignore(error_hint(error_new(ERR_INVALID, "dataset \"%s\" is not compressed", volumes),
                                "zfs set compression=lz4 %s", dataset),
                     "databases need two to three times the space");
    if (g_str_equal(row[2], "on"))
        error_ignore(error_hint(error_new(ERR_INVALID, "dataset \"%s\" has atime=on", volumes),
                                "zfs set atime=off %s", dataset),
                     "reading a clone takes space");
}

static void zfs_sweep(ZfsPool *pool)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&pool->sweeping);

    error_ignore(zfs_sweep_kept(pool->dataset, &pool->kept),
                 "what is kept aside goes when something is destroyed next");
}

static Error *zfs_prepare_datasets(const char *dataset, const char *mount)
{
    TRY(zfs_ensure_parent(dataset, ZFS_VOLUMES, "canmount", "off"));
    TRY(zfs_ensure_parent(dataset, ZFS_KEPT, "mountpoint", "none"));
    return zfs_mount_all(dataset, mount);
}

static ZfsPool *zfs_pool_new(const char *mount, const char *dataset, bool is_to_look)
{
    ZfsPool *pool = g_new0(ZfsPool, 1);

    pool->mount = g_strdup(mount);
    pool->dataset = g_strdup(dataset);
    pool->measure = zfs_measure_new(dataset, mount);
    pool->foreign = zfs_foreign_new(dataset, mount, is_to_look);
    g_rw_lock_init(&pool->names);
    g_mutex_init(&pool->sweeping);
    return pool;
}

static Error *zfs_open(const char *mount, bool is_to_look, void **ret_private)
{
    g_autofree char *dataset = NULL;
    ZfsPool *pool = NULL;

    TRY(zfs_check_version());
    TRY(zfs_find_dataset(mount, &dataset));
    if (!is_to_look)
        TRY(zfs_prepare_datasets(dataset, mount));
    pool = zfs_pool_new(mount, dataset, is_to_look);
    if (!is_to_look) {
        zfs_advise(dataset);
        error_ignore(zfs_foreign_refresh(pool->foreign), "snapshots of DBLab may be missing");
        zfs_sweep(pool);
    }
    *ret_private = pool;
    return NULL;
}

static void zfs_close(void *private)
{
    ZfsPool *pool = private;

    g_free(pool->mount);
    g_free(pool->dataset);
    zfs_measure_free(pool->measure);
    zfs_foreign_free(pool->foreign);
    g_rw_lock_clear(&pool->names);
    g_mutex_clear(&pool->sweeping);
    g_free(pool);
}

/* What is not ours is left alone. */
static Error *zfs_destroy_parent(const char *dataset, const char *name, const char *property,
                                 const char *value)
{
    g_autofree char *parent = g_strconcat(dataset, "/", name, NULL);
    g_autoptr(Error) strange = zfs_check_parent(parent, property, value);

    if (!strange)
        return zfs_do("zfs", "destroy", parent, NULL);
    if (strange->code == ERR_NOT_FOUND || strange->code == ERR_CONFLICT)
        return NULL;
    return g_steal_pointer(&strange);
}

static Error *zfs_dismantle(const char *mount)
{
    g_autofree char *dataset = NULL;

    TRY(zfs_foreign_unmark_all(mount));
    TRY(zfs_mounted_at(mount, &dataset));
    if (!dataset)
        return NULL;
    TRY(zfs_destroy_parent(dataset, ZFS_VOLUMES, "canmount", "off"));
    return zfs_destroy_parent(dataset, ZFS_KEPT, "mountpoint", "none");
}

/* --- making --- */

static Error *zfs_create_volume(void *private, const char *volume_path, const Manifest *manifest)
{
    g_autofree char *dataset = zfs_volume_dataset(private, volume_path);

    TRY(zfs_make("create", manifest, dataset, NULL));
    if (chmod(volume_path, VOLUME_MODE) < 0)
        return error_errno(errno, "could not prepare dataset \"%s\"", dataset);
    return NULL;
}

/* Of a snapshot that is destroyed and lives on for its clones, the name. ERR_CONFLICT: it lives. */
static Error *zfs_free_name(const char *snapshot)
{
    const char *const argv[] = {"zfs", "list",          "-H",     "-t", "snapshot",
                                "-o",  "defer_destroy", snapshot, NULL};
    g_autofree char *aside =
        g_strdup_printf("%s.%" G_GINT64_MODIFIER "x", snapshot, (guint64)g_get_real_time());
    g_autoptr(GPtrArray) rows = NULL;

    TRY(zfs_list(argv, 1, &rows));
    if (rows->len != 1 || !g_str_equal(((char **)g_ptr_array_index(rows, 0))[0], "on"))
        return error_new(ERR_CONFLICT, "ZFS snapshot \"%s\" exists", snapshot);
    return zfs_do("zfs", "rename", snapshot, aside, NULL);
}

static Error *zfs_take_snapshot(const char *snapshot, const Manifest *manifest)
{
    Error *e = zfs_make("snapshot", manifest, snapshot, NULL);

    if (!e || e->code != ERR_CONFLICT)
        return e;
    error_free(e);
    TRY(zfs_free_name(snapshot));
    return zfs_make("snapshot", manifest, snapshot, NULL);
}

/*
 * The directory comes first: until the snapshot is mounted there, it says that one may exist, and
 * who destroys the name looks for it.
 */
static Error *zfs_snapshot(void *private, const char *volume_path, const char *snapshot_path,
                           const Manifest *manifest)
{
    ZfsPool *pool = private;
    g_autofree char *dataset = zfs_volume_dataset(pool, volume_path);
    g_autofree char *snapshot = g_strconcat(dataset, "@", strrchr(snapshot_path, '/') + 1, NULL);
    g_autoptr(GRWLockReaderLocker) locker G_GNUC_UNUSED = g_rw_lock_reader_locker_new(&pool->names);

    TRY(zfs_make_mount_point(snapshot_path));

    Error *e = zfs_take_snapshot(snapshot, manifest);

    if (e && e->code == ERR_CONFLICT)
        error_ignore(fs_remove_dir(snapshot_path), "the snapshot of that name is none of ours");
    return e ? e : zfs_mount_snapshot(snapshot, snapshot_path);
}

static Error *zfs_clone(void *private, const char *snapshot_path, const char *volume_path,
                        const Manifest *manifest)
{
    ZfsPool *pool = private;
    g_autofree char *dataset = zfs_volume_dataset(pool, volume_path);
    g_autofree char *snapshot = NULL;
    g_autoptr(GRWLockReaderLocker) locker G_GNUC_UNUSED = g_rw_lock_reader_locker_new(&pool->names);

    TRY(zfs_find_existing(pool, snapshot_path, &snapshot));
    return zfs_make("clone", manifest, snapshot, dataset, NULL);
}

/* Not inherited by a clone of a snapshot of it. */
static Error *zfs_limit(void *private, const char *volume_path, uint64_t bytes)
{
    g_autofree char *dataset = zfs_volume_dataset(private, volume_path);
    g_autofree char *quota =
        bytes > 0 ? g_strdup_printf("quota=%" G_GUINT64_FORMAT, bytes) : g_strdup("quota=none");

    return zfs_do("zfs", "set", quota, dataset, NULL);
}

/* --- destroying --- */

/* The directory that something was mounted at, when ZFS did not remove it. */
static Error *zfs_remove_mount_point(const char *path)
{
    return error_hint(fs_remove_dir(path), "It is not a volume or snapshot of ours.");
}

static Error *zfs_keep_aside(ZfsPool *pool, const char *dataset)
{
    g_autoptr(GRWLockWriterLocker) locker G_GNUC_UNUSED = g_rw_lock_writer_locker_new(&pool->names);

    g_mutex_lock(&pool->sweeping);
    pool->kept++; /* before it is true: the next sweep counts */
    g_mutex_unlock(&pool->sweeping);
    return zfs_keep(pool->dataset, dataset);
}

static bool zfs_has_kept(ZfsPool *pool)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&pool->sweeping);

    return pool->kept > 0;
}

static Error *zfs_destroy_volume(ZfsPool *pool, const char *path)
{
    g_autofree char *dataset = zfs_volume_dataset(pool, path);
    Error *e = zfs_do("zfs", "destroy", dataset, NULL);

    if (e && e->code == ERR_CONFLICT) { /* it has snapshots */
        error_free(e);
        e = zfs_keep_aside(pool, dataset);
    }
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    return zfs_remove_mount_point(path);
}

static Error *zfs_unmount_snapshot(const char *path)
{
    if (umount2(path, UMOUNT_NOFOLLOW) == 0 || errno == EINVAL)
        return NULL;
    if (errno == EBUSY)
        return error_new(ERR_BUSY, "somebody is looking into \"%s\"", path);
    return error_errno(errno, "could not unmount \"%s\"", path);
}

static Error *zfs_destroy_found(const char *snapshot, const char *path)
{
    TRY(zfs_unmount_snapshot(path));

    Error *e = zfs_do("zfs", "destroy", "-d", snapshot, NULL);

    if (!e || e->code == ERR_NOT_FOUND) {
        error_free(e);
        return NULL;
    }
    error_ignore(zfs_mount_snapshot(snapshot, path), "it is found without being mounted, slowly");
    return e;
}

static Error *zfs_destroy_snapshot(ZfsPool *pool, const char *path)
{
    g_autofree char *snapshot = NULL;
    g_autoptr(GRWLockReaderLocker) locker G_GNUC_UNUSED = g_rw_lock_reader_locker_new(&pool->names);

    if (zfs_is_foreign_path(path)) /* not ours to destroy: it is only forgotten */
        return zfs_remove_mount_point(path);
    TRY(zfs_find_snapshot(pool->dataset, path, &snapshot));
    if (snapshot)
        TRY(zfs_destroy_found(snapshot, path));
    return zfs_remove_mount_point(path);
}

static Error *zfs_destroy(void *private, const char *path)
{
    ZfsPool *pool = private;

    TRY(zfs_is_snapshot_path(pool, path) ? zfs_destroy_snapshot(pool, path)
                                         : zfs_destroy_volume(pool, path));
    if (zfs_has_kept(pool))
        zfs_sweep(pool);
    return NULL;
}

/* --- snapshots of others --- */

static Error *zfs_list_foreign(void *private, GPtrArray *entries)
{
    const ZfsPool *pool = private;

    TRY(zfs_by_hand_list(pool->dataset, entries));
    return zfs_foreign_list(pool->foreign, entries);
}

static Error *zfs_show_foreign(void *private, const char *snapshot_path, bool is_shown)
{
    const ZfsPool *pool = private;
    g_autofree char *snapshot = NULL;

    TRY(zfs_unmount_snapshot(snapshot_path));
    if (!is_shown)
        return NULL;
    TRY(zfs_find_existing(pool, snapshot_path, &snapshot));
    return zfs_mount_snapshot(snapshot, snapshot_path);
}

/* --- measuring --- */

static Error *zfs_usage(void *private, SpaceUsage *ret_usage)
{
    const ZfsPool *pool = private;

    return zfs_measure_pool(pool->measure, ret_usage);
}

static Error *zfs_diff_bytes(void *private, const char *volume_path, uint64_t *ret_bytes,
                             bool *ret_is_exact)
{
    const ZfsPool *pool = private;

    TRY(zfs_measure_volume(pool->measure, strrchr(volume_path, '/') + 1, ret_bytes));
    *ret_is_exact = true;
    return NULL;
}

static Error *zfs_snapshot_bytes(void *private, const char *snapshot_path, uint64_t *ret_bytes)
{
    const ZfsPool *pool = private;

    return zfs_measure_snapshot(pool->measure, strrchr(snapshot_path, '/') + 1, ret_bytes);
}

static Error *zfs_snapshots_bytes(void *private, uint64_t *ret_bytes)
{
    const ZfsPool *pool = private;

    return zfs_measure_snapshots(pool->measure, ret_bytes);
}

/* syncfs(2) makes data durable, but leaves it in the intent log: the books are written later. */
static Error *zfs_sync(void *private, const char *volume_path)
{
    const ZfsPool *pool = private;
    g_autofree char *top = zfs_pool_of(pool->dataset);

    TRY(zfs_do("zpool", "sync", top, NULL));
    zfs_measure_forget(pool->measure);
    return NULL;
}

const StorageDriver zfs_driver = {
    .name = "zfs",
    .traits = {.atomic_snapshot = true,
               .exact_diff = true,
               .limits_volumes = true,
               .constant_cost = true},
    .file_system = ZFS_SUPER_MAGIC,
    .size_min = UINT64_C(256) << 20,
    .image_ops = &zfs_image_ops,
    .open = zfs_open,
    .close = zfs_close,
    .dismantle = zfs_dismantle,
    .create_volume = zfs_create_volume,
    .snapshot = zfs_snapshot,
    .clone = zfs_clone,
    .destroy = zfs_destroy,
    .usage = zfs_usage,
    .diff_bytes = zfs_diff_bytes,
    .limit = zfs_limit,
    .snapshot_bytes = zfs_snapshot_bytes,
    .snapshots_bytes = zfs_snapshots_bytes,
    .sync = zfs_sync,
    .list_foreign = zfs_list_foreign,
    .show_foreign = zfs_show_foreign,
    .check = zfs_check,
};
