/*
 * The storage contract: one suite that every driver passes. Argument: the driver's name. Needs
 * root.
 */
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "sandbox.h"
#include "storage_fixture.h"
#include "storage_tests.h"

static int run_suite(const char *directory)
{
    fixture_dir = directory;
    storage_add_verb_tests();
    storage_add_pool_tests();
    storage_add_load_tests();
    storage_add_accident_tests();
    if (g_str_equal(fixture_driver, "zfs"))
        storage_add_zfs_tests();
    return g_test_run();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    if (argc != 2 || !g_strv_contains(storage_driver_names(), argv[1])) {
        fprintf(stderr, "usage: test_storage DRIVER\n");
        return EXIT_FAILURE;
    }
    if (geteuid() != 0) {
        printf("1..0 # SKIP pools are mounted: needs root\n");
        return EXIT_SUCCESS;
    }
    if (g_str_equal(argv[1], "zfs") && access("/dev/zfs", F_OK) < 0) {
        printf("1..0 # SKIP this kernel has no ZFS: see \"make test-guest\"\n");
        return EXIT_SUCCESS;
    }
    fixture_driver = argv[1];
    return sandbox_run(run_suite);
}
