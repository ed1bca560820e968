/*
 * What btrfs(8) says of a file system's health, recorded from btrfs-progs 6.2 and Linux 6.18: two
 * devices with mirrored data, of which one is overwritten.
 */
#include "storage/btrfs/care.h"

static const char stats_well[] = "[/dev/loop0].write_io_errs    0\n"
                                 "[/dev/loop0].read_io_errs     0\n"
                                 "[/dev/loop0].flush_io_errs    0\n"
                                 "[/dev/loop0].corruption_errs  0\n"
                                 "[/dev/loop0].generation_errs  0\n";

static const char stats_damaged[] = "[/dev/loop0].write_io_errs    0\n"
                                    "[/dev/loop0].read_io_errs     0\n"
                                    "[/dev/loop0].flush_io_errs    0\n"
                                    "[/dev/loop0].corruption_errs  0\n"
                                    "[/dev/loop0].generation_errs  0\n"
                                    "[/dev/loop1].write_io_errs    0\n"
                                    "[/dev/loop1].read_io_errs     0\n"
                                    "[/dev/loop1].flush_io_errs    0\n"
                                    "[/dev/loop1].corruption_errs  15360\n"
                                    "[/dev/loop1].generation_errs  0\n";

static const char scrub_never[] = "UUID:             26ea45ae-b93c-4f61-ba0e-a50e4941b45f\n"
                                  "\tno stats available\n"
                                  "Total to scrub:   288.00KiB\n"
                                  "Rate:             0.00B/s\n"
                                  "Error summary:    no errors found\n";

static const char scrub_well[] = "UUID:             26ea45ae-b93c-4f61-ba0e-a50e4941b45f\n"
                                 "Scrub started:    Thu Nov 26 13:33:19 2026\n"
                                 "Status:           finished\n"
                                 "Duration:         0:00:00\n"
                                 "Total to scrub:   120.42MiB\n"
                                 "Rate:             0.00B/s\n"
                                 "Error summary:    no errors found\n";

static const char scrub_damaged[] = "UUID:             26ea45ae-b93c-4f61-ba0e-a50e4941b45f\n"
                                    "Scrub started:    Thu Nov 26 13:33:22 2026\n"
                                    "Status:           finished\n"
                                    "Duration:         0:00:00\n"
                                    "Total to scrub:   120.41MiB\n"
                                    "Rate:             0.00B/s\n"
                                    "Error summary:    super=1 csum=15360\n"
                                    "  Corrected:      15360\n"
                                    "  Uncorrectable:  0\n"
                                    "  Unverified:     0\n";

typedef void (*Parser)(const char *output, GPtrArray *problems);

/* NULL: it is well. */
static void assert_problem(Parser parse, const char *output, const char *expected)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    parse(output, problems);
    g_assert_cmpuint(problems->len, ==, expected ? 1 : 0);
    if (expected)
        g_assert_cmpstr(g_ptr_array_index(problems, 0), ==, expected);
}

static void test_device_stats(void)
{
    assert_problem(btrfs_parse_device_stats, stats_well, NULL);
    assert_problem(btrfs_parse_device_stats, stats_damaged,
                   "the kernel has counted errors: [/dev/loop1].corruption_errs  15360");
    assert_problem(btrfs_parse_device_stats, "", NULL);
    assert_problem(btrfs_parse_device_stats, "[/dev/loop1].corruption_errs\n", NULL);
}

static void test_scrub_status(void)
{
    assert_problem(btrfs_parse_scrub_status, scrub_never, NULL);
    assert_problem(btrfs_parse_scrub_status, scrub_well, NULL);
    assert_problem(btrfs_parse_scrub_status, scrub_damaged,
                   "the last scrub found errors: super=1 csum=15360");
    assert_problem(btrfs_parse_scrub_status, "", NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/btrfs_care/device-stats", test_device_stats);
    g_test_add_func("/btrfs_care/scrub-status", test_scrub_status);
    return g_test_run();
}
