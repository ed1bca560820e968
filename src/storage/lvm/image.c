/*
 * Pools on LVM in image files: a loop device is the one physical volume of a volume group whose
 * name is made up once: which group an image holds is asked by the loop device. While the group is
 * active the loop device goes with its last user (autoclear), which is the group itself.
 */
#include "storage/lvm/image.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fs.h"
#include "storage/image.h"
#include "storage/loopfile.h"
#include "storage/lvm/care.h"
#include "storage/lvm/fs.h"
#include "storage/lvm/mount.h"
#include "storage/lvm/parse.h"

#define MIB UINT64_C(1048576)

/* LVM's own books have 600 bytes for a logical volume, and are written anew beside the old. */
#define GROUP_METADATA_BYTES (8 * MIB)
#define EXTENT_BYTES         (4 * MIB)

/*
 * Metadata of the thin pool: at worst, a clone that changes one page in 16 MB needs a block of it
 * for each chunk. LVM keeps a spare of the same size, for repairs.
 */
#define THIN_METADATA_DIVISOR 64
#define THIN_METADATA_MIN     (8 * MIB)
#define THIN_METADATA_MAX     (UINT64_C(15) << 30)

#define ROOT_BYTES (64 * MIB)

/* On the disk: in one of the first four sectors there is a label; lvm's lib/label. */
#define LABEL_SECTORS      4
#define LABEL_SECTOR_BYTES 512
#define LABEL_TYPE_AT      24
#define LABEL_ID           "LABELONE"
#define LABEL_TYPE         "LVM2 001"

/* --- making --- */

static char *megabytes(uint64_t bytes)
{
    return g_strdup_printf("%" G_GUINT64_FORMAT "m", bytes / MIB);
}

/*
 * Chunks of 64 kB: each changed page costs a clone a chunk. A few extents stay free: to enlarge the
 * metadata, should it run full.
 */
static Error *group_make_pool(const char *vg, uint64_t size_bytes)
{
    uint64_t metadata =
        CLAMP(size_bytes / THIN_METADATA_DIVISOR, THIN_METADATA_MIN, THIN_METADATA_MAX) /
        EXTENT_BYTES * EXTENT_BYTES;
    uint64_t kept = GROUP_METADATA_BYTES + 2 * metadata + MAX(metadata, 4 * EXTENT_BYTES);
    g_autofree char *metadata_text = megabytes(metadata);
    g_autofree char *data_text = megabytes((size_bytes - kept) / EXTENT_BYTES * EXTENT_BYTES);

    return lvm_do("lvcreate", "-y", "--type", "thin-pool", "-n", LVM_THIN_POOL, "-L", data_text,
                  "--poolmetadatasize", metadata_text, "-c", "64k", vg, NULL);
}

/*
 * LVM's rules for udev activate a group as soon as its loop device is seen, which may be after we
 * have let go of it, and then it keeps the image: it must not be activated by anybody else.
 * Programs before 2.03.12 do not know of that.
 */
static Error *group_create(const char *vg, const char *device)
{
    g_autofree char *metadata = megabytes(GROUP_METADATA_BYTES);
    Error *e = lvm_do("vgcreate", "-y", "--setautoactivation", "n", "--metadatasize", metadata,
                      "--addtag", LVM_TAG_IMAGE, vg, device, NULL);

    if (!e || !e->detail || !lvm_parse_is_too_old(e->detail))
        return e;
    error_free(e);
    return lvm_do("vgcreate", "-y", "--metadatasize", metadata, "--addtag", LVM_TAG_IMAGE, vg,
                  device, NULL);
}

Error *lvm_make_group(const char *vg, const char *device, uint64_t size_bytes)
{
    const LvmPlace place = {(char *)(uintptr_t)vg, (char *)(uintptr_t)LVM_ROOT,
                            (char *)(uintptr_t)LVM_THIN_POOL};

    TRY(group_create(vg, device));
    TRY(group_make_pool(vg, size_bytes));
    return lvm_make_root(&place);
}

/* Zeroes take their place in the thin pool: what is written later has one, also in a full pool. */
static Error *root_fill(const char *device)
{
    const uint64_t range[2] = {0, ROOT_BYTES};
    AUTO_FD fd = open(device, O_RDWR | O_CLOEXEC);

    if (fd < 0 || ioctl(fd, BLKZEROOUT, range) < 0 || fsync(fd) < 0)
        return error_errno(errno, "could not fill \"%s\"", device);
    return NULL;
}

Error *lvm_make_root(const LvmPlace *place)
{
    g_autofree char *size = megabytes(ROOT_BYTES);
    g_autofree char *thin_pool = lvm_name(place, place->pool);
    g_autofree char *device = lvm_device(place, place->root);

    TRY(lvm_do("lvcreate", "-y", "-ay", "-kn", "-n", place->root, "--addtag", "ramet.root", "-V",
               size, "--thinpool", thin_pool, NULL));
    TRY(root_fill(device));
    return lvm_fs_format_root(device);
}

/* --- images --- */

static bool lvm_image_recognise(const char *image)
{
    char sectors[LABEL_SECTORS * LABEL_SECTOR_BYTES] = {0};
    AUTO_FD fd = open(image, O_RDONLY | O_CLOEXEC);

    if (fd < 0 || pread(fd, sectors, sizeof(sectors), 0) != (ssize_t)sizeof(sectors))
        return false;
    for (size_t i = 0; i < LABEL_SECTORS; i++) {
        const char *label = sectors + i * LABEL_SECTOR_BYTES;

        if (memcmp(label, LABEL_ID, strlen(LABEL_ID)) == 0 &&
            memcmp(label + LABEL_TYPE_AT, LABEL_TYPE, strlen(LABEL_TYPE)) == 0)
            return true;
    }
    return false;
}

/* The group on a device; *ret_vg NULL when there is none: the image was never finished. */
static Error *image_find_group(const char *device, char **ret_vg)
{
    static const char *const fields[] = {"vg_name", NULL};
    g_autoptr(GPtrArray) rows = NULL;
    Error *e = lvm_report("pvs", fields, device, NULL, &rows);

    if (e && e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);

    char **row = rows && rows->len == 1 ? g_ptr_array_index(rows, 0) : NULL;

    *ret_vg = row && *row[0] ? g_strdup(row[0]) : NULL;
    return NULL;
}

static Error *group_deactivate(const char *vg)
{
    Error *e = lvm_do("vgchange", "-an", vg, NULL);

    if (!e || e->code != ERR_BUSY)
        return e;
    return error_hint(e, "\"findmnt\" names what is mounted from it, and \"fuser -vm\" on that the "
                         "processes.");
}

static Error *device_deactivate(const char *device)
{
    g_autofree char *vg = NULL;

    TRY(image_find_group(device, &vg));
    return vg ? group_deactivate(vg) : NULL;
}

static Error *lvm_image_detach(const char *image)
{
    g_auto(GStrv) devices = NULL;

    if (!fs_exists(image))
        return NULL;
    TRY(loopfile_devices(image, &devices));
    for (char **device = devices; *device; device++)
        TRY(device_deactivate(*device));
    return loopfile_detach(image);
}

static Error *image_attach_and_fill(const char *image, uint64_t size_bytes)
{
    g_autofree char *vg = g_strdup_printf("ramet_%08x", g_random_int());
    g_autofree char *device = NULL;

    TRY(loopfile_attach(image, &device));
    return lvm_make_group(vg, device, size_bytes);
}

static Error *lvm_image_create(const char *image, uint64_t size_bytes,
                               const char *const *format_argv)
{
    TRY(loopfile_make_sparse(image, size_bytes));

    Error *e = image_attach_and_fill(image, size_bytes);

    if (!e)
        e = lvm_image_detach(image);
    if (e) {
        error_ignore(lvm_image_detach(image), "the image is of no use");
        error_ignore(fs_remove(image), "the image is of no use");
    }
    return error_wrap(e, "making a volume group in image \"%s\"", image);
}

static Error *image_activate(const char *device, const char *mount)
{
    LvmPlace place = {.root = (char *)(uintptr_t)LVM_ROOT};
    g_autofree char *vg = NULL;

    TRY(image_find_group(device, &vg));
    if (!vg)
        return error_new(ERR_EXTERNAL, "it holds no volume group");
    place.vg = vg;

    g_autofree char *root = lvm_device(&place, LVM_ROOT);

    TRY(lvm_do("vgchange", "-ay", vg, NULL));
    error_ignore(loopfile_release(device), "the loop device stays attached after the unmount");
    return lvm_fs_mount(root, mount, false);
}

/*
 * After umount --lazy a file system lives on with what uses it, and keeps the group active. The
 * kernel gives a second mount of one device the same file system.
 */
static Error *image_mount_again(const char *image, const char *mount, Error *busy_taken)
{
    g_autoptr(Error) busy = busy_taken;
    LvmPlace place = {0};
    g_autofree char *vg = NULL;
    g_auto(GStrv) devices = NULL;
    bool is_mounted = true;

    TRY(loopfile_devices(image, &devices));
    if (devices[0])
        TRY(image_find_group(devices[0], &vg));
    if (!vg)
        return g_steal_pointer(&busy);
    place.vg = vg;

    g_autofree char *root = lvm_device(&place, LVM_ROOT);

    TRY(loopfile_is_mounted_device(root, &is_mounted));
    return is_mounted ? g_steal_pointer(&busy) : lvm_fs_mount(root, mount, false);
}

static Error *lvm_image_mount(const char *image, const char *mount)
{
    g_autofree char *device = NULL;
    Error *busy = lvm_image_detach(image); /* what a killed run left */

    if (busy && busy->code == ERR_BUSY)
        return image_mount_again(image, mount, busy);
    TRY(busy);
    TRY(error_wrap(loopfile_attach(image, &device), "attaching image \"%s\"", image));

    Error *e = image_activate(device, mount);

    if (e)
        error_ignore(lvm_image_detach(image), "the image could not be mounted");
    return error_wrap(e, "mounting image \"%s\" at \"%s\"", image, mount);
}

static Error *image_unmount_place(const LvmPlace *place, const char *mount)
{
    Error *e = lvm_unmount_all(mount);

    if (!e)
        e = loopfile_unmount(mount);
    if (e)
        error_ignore(lvm_mount_all(place, mount), "the pool could not be unmounted");
    return e ? e : group_deactivate(place->vg);
}

static Error *lvm_image_unmount(const char *mount)
{
    g_auto(LvmPlace) place = {0};

    if (!loopfile_is_mounted(mount))
        return NULL;
    TRY(lvm_find_place(mount, &place));
    return error_wrap(image_unmount_place(&place, mount), "unmounting \"%s\"", mount);
}

/* The pool itself grows with the driver's operation, as everywhere. */
static Error *lvm_image_grow(const char *image, uint64_t size_bytes)
{
    g_auto(GStrv) devices = NULL;

    TRY(loopfile_image_ops.grow(image, size_bytes));
    TRY(loopfile_devices(image, &devices));
    for (char **device = devices; *device; device++)
        TRY(lvm_do("pvresize", *device, NULL));
    return NULL;
}

const ImageOps lvm_image_ops = {
    .recognise = lvm_image_recognise,
    .create = lvm_image_create,
    .mount = lvm_image_mount,
    .unmount = lvm_image_unmount,
    .detach = lvm_image_detach,
    .grow = lvm_image_grow,
};
