/*
 * XFS takes no less than 300 MB, so that is the root's size; it fills with use.
 */
#include "lvm_house.h"

#include <glib.h>

#include "base/fs.h"
#include "storage/loopfile.h"
#include "storage/lvm/command.h"
#include "storage/lvm/fs.h"
#include "storage_fixture.h"

#define HOUSE_SPARE_BYTES (UINT64_C(64) << 20) /* for LVM's books and the pool's metadata, twice */

static void house_fill(const LvmPlace *place, const char *device, uint64_t data_bytes,
                       const char *metadata)
{
    g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT "m", data_bytes >> 20);
    g_autofree char *pool = lvm_name(place, place->pool);

    ASSERT_OK(lvm_do("vgcreate", "-y", "-s", "1m", place->vg, device, NULL));
    ASSERT_OK(lvm_do("lvcreate", "-y", "--type", "thin-pool", "-n", place->pool, "-L", size,
                     "--poolmetadatasize", metadata, "-c", "64k", place->vg, NULL));
    ASSERT_OK(lvm_do("lvcreate", "-y", "-V", "320m", "-n", place->root, "--thinpool", pool, NULL));
}

char *lvm_house_make(const char *image, uint64_t size_bytes, const char *metadata, const char *fs,
                     const char *mount)
{
    g_auto(LvmPlace) place = {.vg = g_strdup_printf("house_%08x", g_random_int()),
                              .root = g_strdup("ramet"),
                              .pool = g_strdup("pool")};
    g_autofree char *root = lvm_device(&place, place.root);
    g_autofree char *device = NULL;

    ASSERT_OK(loopfile_make_sparse(image, size_bytes));
    ASSERT_OK(loopfile_attach(image, &device));
    house_fill(&place, device, size_bytes - HOUSE_SPARE_BYTES, metadata);
    ASSERT_OK(lvm_fs_format(fs, root));
    ASSERT_OK(fs_make_dir(mount, 0755, NULL));
    ASSERT_OK(lvm_fs_mount(root, mount, false));
    return g_steal_pointer(&place.vg);
}

void lvm_house_remove(const char *image, const char *vg, const char *mount)
{
    ASSERT_OK(loopfile_unmount(mount));
    ASSERT_OK(lvm_do("vgremove", "-f", vg, NULL));
    ASSERT_OK(loopfile_detach(image));
    ASSERT_OK(fs_remove(image));
    ASSERT_OK(fs_remove(mount));
}
