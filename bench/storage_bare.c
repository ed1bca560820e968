/*
 * A table: driver → how one does it by hand.
 */
#include "storage_bare.h"

#include <btrfsutil.h>
#include <glib.h>
#include <string.h>

#include "base/proc.h"
#include "storage/lvm/command.h"
#include "storage/lvm/parse.h"
#include "storage/zfs/command.h"

#define BARE_TIMEOUT_MS 600000

static char *bare_path(const char *mount, const char *dir, const char *name)
{
    return g_build_filename(mount, dir, name, NULL);
}

/* --- zfs: the same dataset tree, beside ours --- */

static char *zfs_bare_dataset(const char *mount, const char *name)
{
    g_autofree char *dataset = NULL;

    error_free(zfs_mounted_at(mount, &dataset));
    return g_strconcat(dataset ? dataset : "", "/volumes/", name, NULL);
}

static Error *zfs_bare_clone(const char *mount, const char *snapshot, const char *name)
{
    g_autofree char *path = bare_path(mount, "snapshots", snapshot);
    g_autofree char *dataset = zfs_bare_dataset(mount, name);
    g_autofree char *origin = NULL;

    TRY(zfs_mounted_at(path, &origin));
    return zfs_do("zfs", "clone", origin, dataset, NULL);
}

static Error *zfs_bare_destroy(const char *mount, const char *name)
{
    g_autofree char *dataset = zfs_bare_dataset(mount, name);

    return zfs_do("zfs", "destroy", dataset, NULL);
}

static Error *zfs_bare_snapshot(const char *mount, const char *volume, const char *name)
{
    g_autofree char *dataset = zfs_bare_dataset(mount, volume);
    g_autofree char *snapshot = g_strconcat(dataset, "@", name, NULL);

    return zfs_do("zfs", "snapshot", snapshot, NULL);
}

static Error *zfs_bare_destroy_snapshot(const char *mount, const char *volume, const char *name)
{
    g_autofree char *dataset = zfs_bare_dataset(mount, volume);
    g_autofree char *snapshot = g_strconcat(dataset, "@", name, NULL);

    return zfs_do("zfs", "destroy", snapshot, NULL);
}

static Error *zfs_bare_list(const char *mount)
{
    g_autofree char *dataset = zfs_bare_dataset(mount, "");

    dataset[strlen(dataset) - 1] = '\0';
    return zfs_do("zfs", "list", "-Hp", "-d", "1", "-o", "name,used", dataset, NULL);
}

/* --- lvm: lvcreate, without the mount that makes it of use --- */

static Error *lvm_bare_make(const char *mount, const char *dir, const char *from, const char *name,
                            const char *permission)
{
    static LvmPlace place; /* asked for once: it is not the bare command's work */
    g_autofree char *path = bare_path(mount, dir, from);

    if (!place.vg)
        TRY(lvm_find_place(mount, &place));

    g_autofree char *lv = lvm_volume_name(place.root, path);
    g_autofree char *origin = lvm_name(&place, lv);

    return lvm_do("lvcreate", "-kn", "-ay", permission, "-n", name, "-s", origin, NULL);
}

static Error *lvm_bare_clone(const char *mount, const char *snapshot, const char *name)
{
    return lvm_bare_make(mount, "snapshots", snapshot, name, "-prw");
}

static Error *lvm_bare_snapshot(const char *mount, const char *volume, const char *name)
{
    return lvm_bare_make(mount, "volumes", volume, name, "-pr");
}

static Error *lvm_bare_destroy(const char *mount, const char *name)
{
    g_auto(LvmPlace) place = {0};

    TRY(lvm_find_place(mount, &place));

    g_autofree char *lv = lvm_name(&place, name);

    return lvm_do("lvremove", "-f", "-y", lv, NULL);
}

static Error *lvm_bare_destroy_snapshot(const char *mount, const char *volume, const char *name)
{
    return lvm_bare_destroy(mount, name);
}

/* --- btrfs: the ioctl --- */

static Error *btrfs_bare_error(enum btrfs_util_error failed)
{
    return failed ? error_new(ERR_EXTERNAL, "btrfs: %s", btrfs_util_strerror(failed)) : NULL;
}

static Error *btrfs_bare_clone(const char *mount, const char *snapshot, const char *name)
{
    g_autofree char *from = bare_path(mount, "snapshots", snapshot);
    g_autofree char *to = bare_path(mount, "volumes", name);

    return btrfs_bare_error(btrfs_util_create_snapshot(from, to, 0, NULL, NULL));
}

static Error *btrfs_bare_destroy(const char *mount, const char *name)
{
    g_autofree char *path = bare_path(mount, "volumes", name);

    return btrfs_bare_error(btrfs_util_delete_subvolume(path, 0));
}

static Error *btrfs_bare_snapshot(const char *mount, const char *volume, const char *name)
{
    g_autofree char *from = bare_path(mount, "volumes", volume);
    g_autofree char *to = bare_path(mount, "snapshots", name);

    return btrfs_bare_error(
        btrfs_util_create_snapshot(from, to, BTRFS_UTIL_CREATE_SNAPSHOT_READ_ONLY, NULL, NULL));
}

static Error *btrfs_bare_destroy_snapshot(const char *mount, const char *volume, const char *name)
{
    g_autofree char *path = bare_path(mount, "snapshots", name);

    return btrfs_bare_error(btrfs_util_delete_subvolume(path, 0));
}

/* --- reflink: cp --- */

static Error *reflink_bare_run(const char *const *argv)
{
    const ProcSpec spec = {.argv = argv, .timeout_ms = BARE_TIMEOUT_MS};

    return proc_run(&spec, NULL);
}

static Error *reflink_bare_copy(const char *mount, const char *from_dir, const char *from,
                                const char *to_dir, const char *to)
{
    g_autofree char *source = bare_path(mount, from_dir, from);
    g_autofree char *target = bare_path(mount, to_dir, to);
    const char *const argv[] = {"cp", "-a", "--reflink=always", source, target, NULL};

    return reflink_bare_run(argv);
}

static Error *reflink_bare_remove(const char *mount, const char *dir, const char *name)
{
    g_autofree char *path = bare_path(mount, dir, name);
    const char *const argv[] = {"rm", "-rf", path, NULL};

    return reflink_bare_run(argv);
}

static Error *reflink_bare_clone(const char *mount, const char *snapshot, const char *name)
{
    return reflink_bare_copy(mount, "snapshots", snapshot, "volumes", name);
}

static Error *reflink_bare_destroy(const char *mount, const char *name)
{
    return reflink_bare_remove(mount, "volumes", name);
}

static Error *reflink_bare_snapshot(const char *mount, const char *volume, const char *name)
{
    return reflink_bare_copy(mount, "volumes", volume, "snapshots", name);
}

static Error *reflink_bare_destroy_snapshot(const char *mount, const char *volume, const char *name)
{
    return reflink_bare_remove(mount, "snapshots", name);
}

static const BareStorage bare_storages[] = {
    {"zfs", "zfs clone / zfs snapshot", zfs_bare_clone, zfs_bare_destroy, zfs_bare_snapshot,
     zfs_bare_destroy_snapshot, zfs_bare_list},
    {"lvm", "lvcreate -s", lvm_bare_clone, lvm_bare_destroy, lvm_bare_snapshot,
     lvm_bare_destroy_snapshot, NULL},
    {"btrfs", "the snapshot ioctl", btrfs_bare_clone, btrfs_bare_destroy, btrfs_bare_snapshot,
     btrfs_bare_destroy_snapshot, NULL},
    {"reflink", "cp -a --reflink", reflink_bare_clone, reflink_bare_destroy, reflink_bare_snapshot,
     reflink_bare_destroy_snapshot, NULL},
};

const BareStorage *bare_storage_find(const char *driver)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bare_storages); i++)
        if (g_str_equal(bare_storages[i].driver, driver))
            return &bare_storages[i];
    return NULL;
}
