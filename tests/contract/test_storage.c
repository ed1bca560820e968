/*
 * The storage contract: one suite that every driver passes. Argument: the driver's name, or
 * "lvm-xfs" for what that does on XFS volumes in a group of somebody else. Needs root.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandbox.h"
#include "storage_fixture.h"
#include "storage_tests.h"

/* What a driver needs of the kernel. */
static const struct {
    const char *driver;
    const char *device;
    const char *what;
} needs[] = {
    {"lvm", "/dev/mapper/control", "device mapper"},
    {"zfs", "/dev/zfs", "ZFS"},
};

static int run_suite(const char *directory)
{
    fixture_dir = directory;
    storage_add_verb_tests();
    storage_add_load_tests();
    storage_add_looking_tests();
    storage_add_hostile_tests();
    storage_add_mark_tests();
    if (!fixture_is_on_xfs) { /* these are about pools in images */
        storage_add_pool_tests();
        storage_add_care_tests();
        storage_add_accident_tests();
    }
    if (g_str_equal(fixture_driver, "zfs"))
        storage_add_zfs_tests();
    if (g_str_equal(fixture_driver, "lvm"))
        storage_add_lvm_tests();
    return g_test_run();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    fixture_is_on_xfs = argc == 2 && g_str_equal(argv[1], "lvm-xfs");
    if (fixture_is_on_xfs)
        argv[1] = (char *)(uintptr_t) "lvm";
    if (argc != 2 || !g_strv_contains(storage_driver_names(), argv[1])) {
        fprintf(stderr, "usage: test_storage DRIVER|lvm-xfs\n");
        return EXIT_FAILURE;
    }
    if (geteuid() != 0) {
        printf("1..0 # SKIP pools are mounted: needs root\n");
        return EXIT_SUCCESS;
    }
    for (size_t i = 0; i < sizeof(needs) / sizeof(needs[0]); i++)
        if (g_str_equal(argv[1], needs[i].driver) && access(needs[i].device, F_OK) < 0) {
            printf("1..0 # SKIP this kernel has no %s: see \"make test-guest\"\n", needs[i].what);
            return EXIT_SUCCESS;
        }
    fixture_driver = argv[1];
    return sandbox_run(run_suite);
}
