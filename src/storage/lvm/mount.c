/*
 * One report names all logical volumes of a pool; their tags say what they are.
 */
#include "storage/lvm/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/statvfs.h>

#include "base/fs.h"
#include "storage/layout.h"
#include "storage/loopfile.h"
#include "storage/lvm/fs.h"
#include "storage/lvm/parse.h"
#include "storage/names.h"

#define MOUNT_POINT_MODE 0711

enum {
    ALL_NAME,
    ALL_TAGS,
    ALL_ACTIVE,
    ALL_COLUMNS
};

static const char *const all_fields[] = {"lv_name", "lv_tags", "lv_active", NULL};

static const struct {
    const char *tag;
    const char *dir;
} mount_places[] = {
    {LVM_TAG_VOLUME, LAYOUT_VOLUMES},
    {LVM_TAG_SNAPSHOT, LAYOUT_SNAPSHOTS},
};

Error *lvm_make_mount_point(const char *path)
{
    return fs_make_dir(path, MOUNT_POINT_MODE, NULL);
}

static bool mount_is_snapshot(const char *path)
{
    g_autofree char *dir = g_path_get_dirname(path);

    return g_str_has_suffix(dir, "/" LAYOUT_SNAPSHOTS);
}

Error *lvm_mount(const LvmPlace *place, const char *path)
{
    g_autofree char *lv = lvm_volume_name(place->root, path);
    g_autofree char *device = lvm_device(place, lv);

    return lvm_fs_mount(device, path, mount_is_snapshot(path));
}

/* Where a row's logical volume belongs; NULL when it is none of ours. */
static char *mount_path_of(const LvmPlace *place, const char *mount, char **row)
{
    for (size_t i = 0; i < G_N_ELEMENTS(mount_places); i++) {
        g_autofree char *name = lvm_parse_tag(row[ALL_TAGS], mount_places[i].tag);
        g_autoptr(Error) invalid = name ? names_check("volume", name) : NULL;

        if (!name || invalid)
            continue;

        g_autofree char *path = g_build_filename(mount, mount_places[i].dir, name, NULL);
        g_autofree char *lv = lvm_volume_name(place->root, path);

        if (g_str_equal(lv, row[ALL_NAME]))
            return g_steal_pointer(&path);
    }
    return NULL;
}

/*
 * A pool without space makes ext4 read-only, for good, and XFS fails whatever it is asked: mounted
 * again they are as before. Told without writing, which would bring it about where it is near.
 */
static bool mount_has_given_up(const char *path)
{
    struct statvfs status;
    AUTO_FD fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return errno == EIO;
    return fstatvfs(fd, &status) == 0 && (status.f_flag & ST_RDONLY) != 0;
}

/* Newer kernels do not show it so: a file without a name tells. */
static bool mount_takes_files(const char *path)
{
    AUTO_FD fd = open(path, O_WRONLY | O_TMPFILE | O_CLOEXEC, 0600);

    return fd >= 0 || (errno != EROFS && errno != EIO);
}

static void mount_drop_broken(const char *path)
{
    if (!mount_is_snapshot(path) && loopfile_is_mounted(path) && mount_has_given_up(path))
        error_ignore(loopfile_unmount(path), "it stays read-only until it is mounted again");
}

Error *lvm_mount_mend(const LvmPlace *place, const char *path)
{
    if (loopfile_is_mounted(path)) {
        if (mount_takes_files(path))
            return NULL;
        TRY(loopfile_unmount(path));
    }
    return lvm_mount(place, path);
}

/* One that cannot be mounted must not keep the others from their users. */
static Error *mount_row(const LvmPlace *place, const char *mount, char **row)
{
    g_autofree char *path = mount_path_of(place, mount, row);

    if (path)
        mount_drop_broken(path);
    if (!path || loopfile_is_mounted(path))
        return NULL;
    TRY(lvm_make_mount_point(path));
    error_ignore(lvm_mount(place, path), "it stays unmounted, and what needs it waits");
    return NULL;
}

static Error *mount_activate(const LvmPlace *place, const GPtrArray *rows)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    static const char *const command[] = {"lvchange", "-ay", "-K"};

    for (size_t i = 0; i < G_N_ELEMENTS(command); i++)
        g_ptr_array_add(argv, g_strdup(command[i]));
    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);

        if (!*row[ALL_ACTIVE])
            g_ptr_array_add(argv, lvm_name(place, row[ALL_NAME]));
    }
    if (argv->len == G_N_ELEMENTS(command))
        return NULL;
    g_ptr_array_add(argv, NULL);
    return lvm_run((const char *const *)argv->pdata, NULL);
}

Error *lvm_mount_all(const LvmPlace *place, const char *mount)
{
    g_autofree char *selection = lvm_selection(place);
    g_autoptr(GPtrArray) rows = NULL;
    AUTO_FD turn = -1;

    TRY(lvm_take_turns(mount, true, &turn));
    TRY(lvm_report("lvs", all_fields, place->vg, selection, &rows));
    TRY(mount_activate(place, rows));
    for (guint i = 0; i < rows->len; i++)
        TRY(mount_row(place, mount, g_ptr_array_index(rows, i)));
    return NULL;
}

Error *lvm_unmount_all(const char *mount)
{
    for (size_t i = 0; i < G_N_ELEMENTS(mount_places); i++) {
        g_autofree char *parent = g_build_filename(mount, mount_places[i].dir, NULL);
        g_auto(GStrv) names = NULL;

        TRY(fs_list_dir(parent, &names));
        for (char **name = names; *name; name++) {
            g_autofree char *path = g_build_filename(parent, *name, NULL);

            TRY(loopfile_unmount(path));
        }
    }
    return NULL;
}

/* A lock of a directory's descriptor goes with its process. */
Error *lvm_take_turns(const char *mount, bool is_exclusive, int *ret_fd)
{
    g_autofree char *dir = g_build_filename(mount, LAYOUT_VOLUMES, NULL);
    AUTO_FD fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        return error_errno(errno, "could not open \"%s\"", dir);
    while (flock(fd, is_exclusive ? LOCK_EX : LOCK_SH) < 0)
        if (errno != EINTR)
            return error_errno(errno, "could not lock \"%s\"", dir);
    *ret_fd = fd;
    fd = -1;
    return NULL;
}
