/*
 * What the programs say, turned into errors: they are missing, too old, or refuse.
 */
#include <string.h>

#include "base/proc.h"
#include "storage/zfs/by_hand.h"
#include "storage/zfs/command.h"
#include "storage/zfs/parse.h"

static const char *said;       /* on stdout; NULL: it fails */
static const char *complained; /* on stderr */

static Error *play(const ProcSpec *spec, ProcResult *ret_result)
{
    ret_result->output = g_strdup(said);
    ret_result->errors = g_strdup(complained);
    if (said)
        return NULL;
    return error_detail(error_new(ERR_EXTERNAL, "program \"%s\" failed", spec->argv[0]), "%s",
                        complained);
}

static Error *check_version(const char *output, const char *errors)
{
    said = output;
    complained = errors;
    return zfs_check_version();
}

static void test_versions(void)
{
    g_assert_null(check_version("zfs-2.1.11-1+deb12u1\nzfs-kmod-2.1.11-1+deb12u1\n", ""));
    g_assert_null(check_version("zfs-g1234567\n", ""));

    g_autoptr(Error) old = check_version("zfs-0.8.3-1\nzfs-kmod-0.8.3-1\n", "");
    g_autoptr(Error) older = check_version(NULL, "unrecognized command 'version'\nusage: zfs …\n");

    g_assert_cmpint(old->code, ==, ERR_INVALID);
    g_assert_nonnull(strstr(old->hint, "2.0"));
    g_assert_cmpint(older->code, ==, ERR_INVALID);
}

static void test_no_module(void)
{
    g_autoptr(Error) e = check_version(NULL, "The ZFS modules are not loaded.\n"
                                             "Try running '/sbin/modprobe zfs' as root to load "
                                             "them.\n");

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_nonnull(strstr(e->hint, "modprobe zfs"));
}

static void test_busy(void)
{
    said = NULL;
    complained = "cannot destroy 'tank/volumes/v': dataset is busy\n";

    g_autoptr(Error) e = zfs_do("zfs", "destroy", "tank/volumes/v", NULL);

    g_assert_cmpint(e->code, ==, ERR_BUSY);
    g_assert_nonnull(strstr(e->hint, "fuser"));
}

/* The real one: a program that is not there says how to get it. */
static void test_missing_program(void)
{
    proc_run_hook = NULL;

    g_autoptr(Error) e = zfs_do("no-such-zfs-program", "version", NULL);

    g_assert_nonnull(e);
    g_assert_nonnull(e->hint);
    proc_run_hook = play;
}

static void test_by_hand(void)
{
    g_autoptr(GPtrArray) rows = NULL;

    g_assert_null(zfs_parse_table("p@snapshot\t-\n"
                                  "p/volumes/v@ours\tsnapshot\n"
                                  "p/volumes/v@by hand\tclone\n"
                                  "p/volumes/v@second\tclone\n"
                                  "p/kept/w.5f@autosnap_2026-07-01_00:00:00_daily\t-\n"
                                  "p/branch/dev@20260701100000\t-\n"
                                  "pool2/volumes/x@s\t-\n",
                                  2, &rows));

    g_autoptr(GPtrArray) names = zfs_by_hand_find("p", rows);

    g_assert_cmpuint(names->len, ==, 2);
    g_assert_cmpstr(g_ptr_array_index(names, 0), ==, "v@by hand");
    g_assert_cmpstr(g_ptr_array_index(names, 1), ==, "w.5f@autosnap_2026-07-01_00:00:00_daily");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    proc_run_hook = play;
    g_test_add_func("/zfs_command/versions", test_versions);
    g_test_add_func("/zfs_command/no-module", test_no_module);
    g_test_add_func("/zfs_command/busy", test_busy);
    g_test_add_func("/zfs_command/missing-program", test_missing_program);
    g_test_add_func("/zfs_command/by-hand", test_by_hand);
    return g_test_run();
}
