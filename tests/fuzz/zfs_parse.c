/*
 * What ZFS prints, from a stranger: the parser may refuse it, but must not crash, read beyond it or
 * leak. The first byte chooses the parser.
 */
#include <stddef.h>
#include <stdint.h>

#include "storage/zfs/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_table(const char *text)
{
    g_autoptr(GPtrArray) rows = NULL;

    error_free(zfs_parse_table(text, 3, &rows));
}

static void fuzz_values(const char *text)
{
    uint64_t value = 0;
    double ratio = 0;

    error_free(zfs_parse_number(text, &value));
    error_free(zfs_parse_ratio(text, &ratio));
    zfs_parse_failure(text);
    zfs_parse_hint(text);
    zfs_parse_version(text);
}

static void fuzz_mounted(const char *text)
{
    g_autofree char *dataset = zfs_parse_mounted(text, "/mnt/pool");
}

static void fuzz_pool_on(const char *text)
{
    g_autofree char *pool = zfs_parse_pool_on(text, "/dev/vda");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(const char *) = {fuzz_table, fuzz_values, fuzz_mounted,
                                                    fuzz_pool_on};

    if (size == 0)
        return 0;

    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);

    parsers[data[0] % G_N_ELEMENTS(parsers)](text);
    return 0;
}
