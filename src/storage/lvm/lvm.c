/*
 * LVM: a pool is a thin pool, and in it a small thin volume, the root, mounted at the pool's mount
 * point. Each volume and each snapshot is a thin volume of its own, named after the root and tagged
 * with who it is (lvm_command.h), and mounted at <mount>/volumes/<name> or <mount>/snapshots/<name>.
 * Snapshots and clones are `lvcreate -s`: one program, however many there are. Thin volumes do not
 * depend on what they were made of: destroying is umount and `lvremove`, in any order.
 *
 * The directory comes first and goes last: while it is there, a logical volume may exist, and who
 * destroys the name looks for it. A snapshot of a mounted volume is consistent: device mapper
 * freezes the file system for it.
 *
 * Rejected: classic snapshots. All writes to the origin are copied to each of them, they lose up to
 * 87 % of its write throughput, have a size of their own and are lost when it overflows.
 *
 * The root's blocks are all given to it when it is made (lvm_image.c): what is written there while
 * the pool is full, to destroy something, still has its place.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "storage/driver.h"
#include "storage/layout.h"
#include "storage/loopfile.h"
#include "storage/lvm/care.h"
#include "storage/lvm/command.h"
#include "storage/lvm/dm.h"
#include "storage/lvm/fs.h"
#include "storage/lvm/measure.h"
#include "storage/lvm/mount.h"
#include "storage/lvm/parse.h"

#define VOLUME_MODE 0711

typedef struct LvmPool {
    char *mount;
    LvmPlace place;
    LvmMeasure *measure;
} LvmPool;

/* --- opening --- */

static Error *lvm_prepare_mounted(const LvmPlace *place, const char *mount)
{
    error_ignore(lvm_measure_recover(place, mount), "destroyed volumes keep their space");
    return lvm_mount_all(place, mount);
}

static Error *lvm_open(const char *mount, bool is_to_look, void **ret_private)
{
    g_auto(LvmPlace) place = {0};

    TRY(lvm_find_place(mount, &place));
    if (!is_to_look)
        TRY(lvm_prepare_mounted(&place, mount));

    LvmPool *pool = g_new0(LvmPool, 1);

    pool->mount = g_strdup(mount);
    pool->place = place;
    place = (LvmPlace){0};
    pool->measure = lvm_measure_new(&pool->place, pool->mount, is_to_look);
    *ret_private = pool;
    return NULL;
}

static void lvm_close(void *private)
{
    LvmPool *pool = private;

    lvm_measure_free(pool->measure);
    lvm_place_clear(&pool->place);
    g_free(pool->mount);
    g_free(pool);
}

/* --- making --- */

/* What could not be made goes again; one that is none of ours stays, whatever its name. */
static Error *lvm_undo(const char *path, Error *e)
{
    if (e && e->code == ERR_CONFLICT)
        error_ignore(fs_remove_dir(path), "the logical volume of that name is none of ours");
    return e;
}

static Error *lvm_format_and_mount(const LvmPool *pool, const char *path)
{
    g_autofree char *lv = lvm_volume_name(pool->place.root, path);
    g_autofree char *device = lvm_device(&pool->place, lv);

    TRY(lvm_fs_format(lvm_fs_of(pool->mount), device));
    TRY(lvm_mount(&pool->place, path));
    if (chmod(path, VOLUME_MODE) < 0)
        return error_errno(errno, "could not prepare \"%s\"", path);
    return NULL;
}

/* As large as the pool: a thin volume takes what is written to it. */
static Error *lvm_create_volume(void *private, const char *volume_path, const Manifest *manifest)
{
    const LvmPool *pool = private;
    g_autofree char *thin_pool = lvm_name(&pool->place, pool->place.pool);
    LvmPoolState state = {0};
    AUTO_FD turn = -1;

    TRY(lvm_take_turns(pool->mount, false, &turn));
    TRY(lvm_dm_pool_state(&pool->place, &state));

    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT "b", state.size_bytes);

    TRY(lvm_make_mount_point(volume_path));
    TRY(lvm_undo(volume_path, lvm_make(&pool->place, volume_path, manifest, "-V", size,
                                       "--thinpool", thin_pool, NULL)));
    return lvm_format_and_mount(pool, volume_path);
}

/* permission: "-pr" or "-prw". */
static Error *lvm_copy(const LvmPool *pool, const char *from, const char *to,
                       const Manifest *manifest, const char *permission)
{
    g_autofree char *origin = lvm_volume_name(pool->place.root, from);
    g_autofree char *origin_name = lvm_name(&pool->place, origin);
    AUTO_FD turn = -1;

    TRY(lvm_take_turns(pool->mount, false, &turn));
    TRY(lvm_make_mount_point(to));
    TRY(lvm_undo(to, lvm_make(&pool->place, to, manifest, permission, "-s", origin_name, NULL)));
    return lvm_mount(&pool->place, to);
}

static Error *lvm_snapshot(void *private, const char *volume_path, const char *snapshot_path,
                           const Manifest *manifest)
{
    return lvm_copy(private, volume_path, snapshot_path, manifest, "-pr");
}

static Error *lvm_clone(void *private, const char *snapshot_path, const char *volume_path,
                        const Manifest *manifest)
{
    return lvm_copy(private, snapshot_path, volume_path, manifest, "-prw");
}

/* --- destroying --- */

/* Only with our tag: a logical volume of somebody else is not touched, whatever its name. */
static Error *lvm_remove(const LvmPlace *place, const char *path)
{
    g_autofree char *lv = lvm_volume_name(place->root, path);
    g_autofree char *name = lvm_name(place, lv);
    g_autofree char *selection = lvm_selection(place);
    Error *e = lvm_do("lvremove", "-f", "-y", "--select", selection, name, NULL);

    if (e && e->code == ERR_NOT_FOUND)
        g_clear_pointer(&e, error_free);
    return e;
}

static Error *lvm_destroy(void *private, const char *path)
{
    const LvmPool *pool = private;
    AUTO_FD turn = -1;

    TRY(lvm_take_turns(pool->mount, false, &turn));
    TRY(loopfile_unmount(path));
    TRY(lvm_relieve_metadata(&pool->place));
    TRY(lvm_remove(&pool->place, path));
    return error_hint(fs_remove_dir(path), "It is not a volume or snapshot of ours.");
}

/* --- mending --- */

static Error *lvm_mend(void *private, const char *volume_path)
{
    const LvmPool *pool = private;
    AUTO_FD turn = -1;

    TRY(lvm_take_turns(pool->mount, false, &turn));
    return lvm_mount_mend(&pool->place, volume_path);
}

/* --- measuring --- */

static Error *lvm_usage(void *private, SpaceUsage *ret_usage)
{
    const LvmPool *pool = private;

    return lvm_measure_pool(&pool->place, ret_usage);
}

static Error *lvm_space(void *private, SpaceUsage *ret_usage)
{
    const LvmPool *pool = private;

    return lvm_measure_space(&pool->place, ret_usage);
}

static Error *lvm_diff_bytes(void *private, const char *volume_path, uint64_t *ret_bytes,
                             bool *ret_is_exact)
{
    const LvmPool *pool = private;

    return lvm_measure_volume(pool->measure, volume_path, ret_bytes, ret_is_exact);
}

static Error *lvm_snapshot_bytes(void *private, const char *snapshot_path, uint64_t *ret_bytes)
{
    const LvmPool *pool = private;
    bool is_exact = false;

    return lvm_measure_volume(pool->measure, snapshot_path, ret_bytes, &is_exact);
}

static Error *lvm_sync(void *private, const char *volume_path)
{
    const LvmPool *pool = private;
    AUTO_FD fd = open(volume_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0 || syncfs(fd) < 0)
        return error_errno(errno, "could not sync \"%s\"", volume_path);
    lvm_measure_forget(pool->measure);
    return NULL;
}

const StorageDriver lvm_driver = {
    .name = "lvm",
    .traits = {.atomic_snapshot = true, .exact_diff = true, .constant_cost = true},
    .size_min = UINT64_C(512) << 20,
    .image_ops = &lvm_image_ops,
    .open = lvm_open,
    .close = lvm_close,
    .create_volume = lvm_create_volume,
    .snapshot = lvm_snapshot,
    .clone = lvm_clone,
    .destroy = lvm_destroy,
    .mend = lvm_mend,
    .usage = lvm_usage,
    .space = lvm_space,
    .diff_bytes = lvm_diff_bytes,
    .snapshot_bytes = lvm_snapshot_bytes,
    .sync = lvm_sync,
    .grow = lvm_grow,
    .check = lvm_check,
};
