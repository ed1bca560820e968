/*
 * A rename makes layers whole, and another one takes them away. The link is the only record of
 * what a volume lies on: the kernel follows it when the volume is mounted, and a mounted volume
 * does not mind when the snapshot gets another name.
 */
#include "storage/overlay/layer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "storage/aside.h"
#include "storage/layout.h"
#include "storage/loopfile.h"
#include "storage/names.h"
#include "storage/reflink/reflink.h"

#define LAYER_DIR "layers"
#define KEPT_DIR  "kept"

/* From a volume's layers to the two places of snapshots. */
#define LINK_TO_SNAPSHOTS "../../../" LAYOUT_SNAPSHOTS "/"
#define LINK_TO_KEPT      "../../" KEPT_DIR "/"

/* What overlayfs offers beyond that hides from us where a file lies, or is of no use here. */
#define OVERLAY_OPTIONS "redirect_dir=off,metacopy=off,index=off,xino=off"

#define LINK_MAX_BYTES 512

static char *layer_dirs(const char *mount, const char *dir)
{
    return g_build_filename(mount, LAYOUT_PRIVATE, dir, NULL);
}

static char *layer_path(const char *mount, const char *volume)
{
    return g_build_filename(mount, LAYOUT_PRIVATE, LAYER_DIR, volume, NULL);
}

static char *layer_mount_point(const char *mount, const char *volume)
{
    return g_build_filename(mount, LAYOUT_VOLUMES, volume, NULL);
}

char *layer_part(const char *mount, const char *volume, const char *part)
{
    return g_build_filename(mount, LAYOUT_PRIVATE, LAYER_DIR, volume, part, NULL);
}

bool layer_exists(const char *mount, const char *volume)
{
    g_autofree char *path = layer_path(mount, volume);

    return fs_exists(path);
}

Error *layer_prepare(const char *mount)
{
    g_autofree char *layers = layer_dirs(mount, LAYER_DIR);
    g_autofree char *kept = layer_dirs(mount, KEPT_DIR);

    TRY(fs_make_dir(layers, 0700, NULL));
    return fs_make_dir(kept, 0700, NULL);
}

Error *layer_dismantle(const char *mount)
{
    g_autofree char *layers = layer_dirs(mount, LAYER_DIR);
    g_autofree char *kept = layer_dirs(mount, KEPT_DIR);

    TRY(fs_remove_dir(layers));
    return fs_remove_dir(kept);
}

/* --- making and removing --- */

static Error *layer_fill(const char *path, const char *snapshot, mode_t root_mode)
{
    g_autofree char *upper = g_build_filename(path, "upper", NULL);
    g_autofree char *work = g_build_filename(path, "work", NULL);
    g_autofree char *lower = g_build_filename(path, "lower", NULL);
    g_autofree char *target = g_strconcat(LINK_TO_SNAPSHOTS, snapshot, NULL);

    if (mkdir(path, 0700) < 0 || mkdir(upper, root_mode) < 0 || chmod(upper, root_mode) < 0 ||
        mkdir(work, 0700) < 0 || symlink(target, lower) < 0)
        return error_errno(errno, "could not make \"%s\"", path);
    return NULL;
}

Error *layer_make(const char *mount, const char *volume, const char *snapshot, mode_t root_mode)
{
    g_autofree char *path = layer_path(mount, volume);
    g_autofree char *partial = names_partial_path(path);

    if (fs_exists(path))
        return error_new(ERR_CONFLICT, "volume \"%s\" has layers", volume);
    TRY(aside_remove(mount, partial));

    Error *e = layer_fill(partial, snapshot, root_mode);

    if (!e && rename(partial, path) < 0)
        e = error_errno(errno, "could not rename \"%s\"", partial);
    if (e)
        error_ignore(aside_remove(mount, partial), "it goes when the name is used next");
    return e;
}

Error *layer_remove(const char *mount, const char *volume)
{
    g_autofree char *path = layer_path(mount, volume);

    return reflink_remove(mount, path);
}

/* --- mounting --- */

Error *layer_mount(const char *mount_dir, const char *volume)
{
    g_autofree char *path = layer_path(mount_dir, volume);
    g_autofree char *at = layer_mount_point(mount_dir, volume);
    g_autofree char *options = g_strdup_printf(
        "lowerdir=%s/lower,upperdir=%s/upper,workdir=%s/work," OVERLAY_OPTIONS, path, path, path);

    if (mkdir(at, 0700) < 0 && errno != EEXIST)
        return error_errno(errno, "could not make \"%s\"", at);
    if (loopfile_is_mounted(at) || mount("overlay", at, "overlay", MS_NOATIME, options) == 0)
        return NULL;
    return error_hint(error_errno(errno, "could not mount an overlay at \"%s\"", at),
                      "The kernel's log (dmesg) says why overlayfs refuses it.");
}

Error *layer_unmount(const char *mount, const char *volume)
{
    g_autofree char *at = layer_mount_point(mount, volume);

    return loopfile_unmount(at);
}

/* Names of volumes with layers; what is half removed goes. */
static Error *layer_list(const char *mount, char ***ret_volumes)
{
    g_autofree char *layers = layer_dirs(mount, LAYER_DIR);
    g_auto(GStrv) names = NULL;
    g_autoptr(GPtrArray) volumes = g_ptr_array_new();

    TRY(fs_list_dir(layers, &names));
    for (char **name = names; *name; name++)
        if (**name != '.')
            g_ptr_array_add(volumes, g_strdup(*name));
    g_ptr_array_add(volumes, NULL);
    *ret_volumes = (char **)g_ptr_array_free(g_steal_pointer(&volumes), FALSE);
    return NULL;
}

static Error *layer_collect_deleted(const char *mount)
{
    g_autofree char *layers = layer_dirs(mount, LAYER_DIR);
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(layers, &names));
    for (char **name = names; *name; name++) {
        g_autofree char *path = g_build_filename(layers, *name, NULL);

        if (names_is_deleted(*name))
            error_ignore(aside_remove(mount, path), "it goes when the pool is opened again");
    }
    return NULL;
}

/* One without a place was never seen under its name, or is being destroyed: it stays as it is. */
static void layer_mount_again(const char *mount, const char *volume)
{
    g_autofree char *at = layer_mount_point(mount, volume);

    if (fs_exists(at))
        error_ignore(layer_mount(mount, volume), "its clone does not run until it is mounted");
}

Error *layer_mount_all(const char *mount)
{
    g_auto(GStrv) volumes = NULL;

    TRY(layer_collect_deleted(mount));
    TRY(layer_list(mount, &volumes));
    for (char **volume = volumes; *volume; volume++)
        layer_mount_again(mount, *volume);
    return NULL;
}

Error *layer_unmount_all(const char *mount)
{
    g_auto(GStrv) volumes = NULL;

    TRY(layer_list(mount, &volumes));
    for (char **volume = volumes; *volume; volume++)
        TRY(layer_unmount(mount, *volume));
    return NULL;
}

/* --- snapshots kept aside --- */

/* What the volume's link says; "" when there is none. */
static char *layer_lower(const char *mount, const char *volume)
{
    g_autofree char *link = layer_part(mount, volume, "lower");
    char target[LINK_MAX_BYTES];
    ssize_t n = readlink(link, target, sizeof target - 1);

    return g_strndup(target, n > 0 ? (gsize)n : 0);
}

/* By rename: a crash leaves the old link or the new one. */
static Error *layer_link(const char *mount, const char *volume, const char *target)
{
    g_autofree char *link = layer_part(mount, volume, "lower");
    g_autofree char *fresh = layer_part(mount, volume, "lower.new");

    TRY(fs_remove(fresh));
    if (symlink(target, fresh) < 0 || rename(fresh, link) < 0)
        return error_errno(errno, "could not change \"%s\"", link);
    return NULL;
}

/* Volumes whose link says so. */
static Error *layer_list_on(const char *mount, const char *target, char ***ret_volumes)
{
    g_auto(GStrv) volumes = NULL;
    g_autoptr(GPtrArray) found = g_ptr_array_new();

    TRY(layer_list(mount, &volumes));
    for (char **volume = volumes; *volume; volume++) {
        g_autofree char *lower = layer_lower(mount, *volume);

        if (g_str_equal(lower, target))
            g_ptr_array_add(found, g_strdup(*volume));
    }
    g_ptr_array_add(found, NULL);
    *ret_volumes = (char **)g_ptr_array_free(g_steal_pointer(&found), FALSE);
    return NULL;
}

static char *layer_name_aside(const char *snapshot)
{
    return g_strdup_printf("%s.%" G_GINT64_MODIFIER "x", snapshot, (guint64)g_get_real_time());
}

/* The links follow when the snapshot has moved; what a crash leaves is mended by layer_collect(). */
Error *layer_keep_snapshot(const char *mount, const char *snapshot, bool *ret_is_kept)
{
    g_autofree char *path = g_build_filename(mount, LAYOUT_SNAPSHOTS, snapshot, NULL);
    g_autofree char *old_target = g_strconcat(LINK_TO_SNAPSHOTS, snapshot, NULL);
    g_autofree char *aside = layer_name_aside(snapshot);
    g_autofree char *kept = g_build_filename(mount, LAYOUT_PRIVATE, KEPT_DIR, aside, NULL);
    g_autofree char *target = g_strconcat(LINK_TO_KEPT, aside, NULL);
    g_auto(GStrv) volumes = NULL;

    TRY(layer_list_on(mount, old_target, &volumes));
    *ret_is_kept = volumes[0] != NULL;
    if (!*ret_is_kept)
        return NULL;
    if (rename(path, kept) < 0)
        return error_errno(errno, "could not rename \"%s\"", path);
    for (char **volume = volumes; *volume; volume++)
        TRY(layer_link(mount, *volume, target));
    return NULL;
}

/* Links that a crash left pointing to where the snapshot was are set right by its name aside. */
static Error *layer_mend_links(const char *mount, const char *kept_name)
{
    g_autofree char *snapshot = g_strndup(kept_name, (gsize)(strrchr(kept_name, '.') - kept_name));
    g_autofree char *path = g_build_filename(mount, LAYOUT_SNAPSHOTS, snapshot, NULL);
    g_autofree char *old_target = g_strconcat(LINK_TO_SNAPSHOTS, snapshot, NULL);
    g_autofree char *target = g_strconcat(LINK_TO_KEPT, kept_name, NULL);
    g_auto(GStrv) volumes = NULL;

    if (fs_exists(path)) /* a new one of the same name */
        return NULL;
    TRY(layer_list_on(mount, old_target, &volumes));
    for (char **volume = volumes; *volume; volume++)
        TRY(layer_link(mount, *volume, target));
    return NULL;
}

static Error *layer_collect_one(const char *mount, const char *kept_name)
{
    g_autofree char *path = g_build_filename(mount, LAYOUT_PRIVATE, KEPT_DIR, kept_name, NULL);
    g_autofree char *target = g_strconcat(LINK_TO_KEPT, kept_name, NULL);
    g_auto(GStrv) volumes = NULL;

    if (!strrchr(kept_name, '.')) /* not a name of ours */
        return NULL;
    TRY(layer_mend_links(mount, kept_name));
    TRY(layer_list_on(mount, target, &volumes));
    return volumes[0] ? NULL : aside_remove(mount, path);
}

Error *layer_collect(const char *mount)
{
    g_autofree char *kept = layer_dirs(mount, KEPT_DIR);
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir(kept, &names));
    for (char **name = names; *name; name++)
        TRY(layer_collect_one(mount, *name));
    return NULL;
}
