/*
 * Removing what somebody has made to last.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "common/hostile_tree.h"

#define FEW_DESCRIPTORS 40

typedef struct Place {
    char *dir;
    char *tree;
    char *precious; /* beside it */
} Place;

static void set_up(Place *place, gconstpointer unused)
{
    place->dir = g_dir_make_tmp("fs-tree-XXXXXX", NULL);
    g_assert_nonnull(place->dir);
    place->tree = g_build_filename(place->dir, "tree", NULL);
    place->precious = g_build_filename(place->dir, "precious", NULL);
    g_assert_null(fs_make_dir(place->tree, 0700, NULL));
    g_assert_null(fs_write_file(place->precious, "x", NULL));
}

/* Nothing but the tree has gone. */
static void tear_down(Place *place, gconstpointer unused)
{
    g_assert_false(fs_exists(place->tree));
    g_assert_null(fs_remove(place->precious));
    g_assert_true(fs_exists(place->precious) == false);
    g_assert_null(fs_remove_dir(place->dir));
    g_free(place->dir);
    g_free(place->tree);
    g_free(place->precious);
}

/* However deep it is, few descriptors do. */
static void test_hostile(Place *place, gconstpointer unused)
{
    struct rlimit usual;
    struct rlimit few;

    hostile_tree_make(place->tree, geteuid() == 0);
    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &usual), ==, 0);
    few = usual;
    few.rlim_cur = FEW_DESCRIPTORS;
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &few), ==, 0);
    g_assert_null(fs_remove_tree(place->tree));
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &usual), ==, 0);
    g_assert_true(fs_exists(place->precious));
}

/* Where a deep directory would go when it is moved up, there is one already, on each level. */
static void test_many_deep(Place *place, gconstpointer unused)
{
    for (int i = 0; i < 40; i++) {
        g_autoptr(GString) path = g_string_new(place->tree);

        for (int level = 0; level < 40; level++)
            g_string_append_printf(path, "/.ramet-moved-%d", level == 20 ? i : level);
        g_assert_null(fs_make_dir(path->str, 0700, NULL));
    }
    g_assert_null(fs_remove_tree(place->tree));
}

/* It is not emptied; what is beside it goes, and the error names it. */
static void test_mount_stays(Place *place, gconstpointer unused)
{
    g_autofree char *at = g_build_filename(place->tree, "a/mounted", NULL);
    g_autofree char *inside = g_build_filename(at, "inside", NULL);
    g_autofree char *beside = g_build_filename(place->tree, "a/beside", NULL);

    if (geteuid() != 0) {
        g_test_skip("mounting needs root");
        g_assert_null(fs_remove_tree(place->tree));
        return;
    }
    g_assert_null(fs_make_dir(at, 0700, NULL));
    g_assert_null(fs_write_file(beside, "x", NULL));
    g_assert_cmpint(mount("none", at, "tmpfs", 0, NULL), ==, 0);
    g_assert_null(fs_write_file(inside, "x", NULL));

    g_autoptr(Error) e = fs_remove_tree(place->tree);
    bool is_inside = fs_exists(inside);

    g_assert_cmpint(umount2(at, MNT_DETACH), ==, 0);
    g_assert_nonnull(e);
    g_assert_nonnull(strstr(e->message, "\"mounted\""));
    g_assert_true(is_inside);
    g_assert_false(fs_exists(beside));
    g_assert_null(fs_remove_tree(place->tree));
}

static void test_remove_dir(Place *place, gconstpointer unused)
{
    g_assert_null(fs_remove_dir(place->tree));
    g_assert_null(fs_remove_dir(place->tree));

    g_autoptr(Error) e = fs_remove_dir(place->precious);

    g_assert_nonnull(e);
    g_assert_true(fs_exists(place->precious));
}

#define ADD(name, function) g_test_add("/fs-tree/" name, Place, NULL, set_up, function, tear_down)

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    ADD("hostile", test_hostile);
    ADD("many-deep", test_many_deep);
    ADD("mount-stays", test_mount_stays);
    ADD("remove-dir", test_remove_dir);
    return g_test_run();
}
