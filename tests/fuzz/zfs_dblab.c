/*
 * The properties of a pool that somebody else filled: whatever they hold, what comes out is named
 * and complete.
 */
#include <stddef.h>
#include <stdint.h>

#include "storage/zfs/dblab.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_autoptr(GPtrArray) snapshots = zfs_dblab_parse(text, "p");

    for (guint i = 0; i < snapshots->len; i++) {
        const DblabSnapshot *snapshot = g_ptr_array_index(snapshots, i);
        g_autofree char *manifest = manifest_format(snapshot->manifest);

        g_assert_true(g_str_has_prefix(snapshot->name, STORAGE_FOREIGN_PREFIX));
        g_assert_true(g_utf8_validate(snapshot->manifest->message, -1, NULL));
        g_assert_nonnull(manifest);
    }
    return 0;
}
