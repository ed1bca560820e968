/*
 * What btrfs(8) does better than a few calls: growing, and the counters of errors that the kernel
 * keeps. Parsing is pure.
 */
#include "storage/btrfs/care.h"

#include <string.h>

#include "storage/program.h"

#define CARE_TIMEOUT_MS 60000

Error *btrfs_grow(const char *mount)
{
    const char *const argv[] = {"btrfs", "filesystem", "resize", "max", mount, NULL};

    return program_run(argv, CARE_TIMEOUT_MS, NULL);
}

void btrfs_parse_device_stats(const char *output, GPtrArray *problems)
{
    g_auto(GStrv) lines = g_strsplit(output, "\n", 0);

    for (char **line = lines; *line; line++) {
        const char *number = strrchr(*line, ' ');

        if (**line == '[' && number && !g_str_equal(number, " 0"))
            g_ptr_array_add(problems, g_strdup_printf("the kernel has counted errors: %s", *line));
    }
}

void btrfs_parse_scrub_status(const char *output, GPtrArray *problems)
{
    static const char key[] = "Error summary:";
    g_auto(GStrv) lines = g_strsplit(output, "\n", 0);

    for (char **line = lines; *line; line++)
        if (g_str_has_prefix(*line, key) && !strstr(*line, "no errors found"))
            g_ptr_array_add(problems, g_strdup_printf("the last scrub found errors: %s",
                                                      g_strstrip(*line + strlen(key))));
}

Error *btrfs_check(const char *mount, GPtrArray *problems)
{
    const char *const stats_argv[] = {"btrfs", "device", "stats", mount, NULL};
    const char *const scrub_argv[] = {"btrfs", "scrub", "status", mount, NULL};
    g_autofree char *stats = NULL;
    g_autofree char *scrub = NULL;

    TRY(program_ask(stats_argv, CARE_TIMEOUT_MS, &stats));
    TRY(program_ask(scrub_argv, CARE_TIMEOUT_MS, &scrub));
    btrfs_parse_device_stats(stats, problems);
    btrfs_parse_scrub_status(scrub, problems);
    return NULL;
}
