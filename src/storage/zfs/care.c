/*
 * What zpool(8) says of a pool's health.
 */
#include "storage/zfs/care.h"

#include <string.h>

#include "storage/zfs/command.h"

void zfs_parse_health(const char *output, GPtrArray *problems)
{
    g_auto(GStrv) lines = g_strsplit(output, "\n", 0);

    for (char **line = lines; *line; line++) {
        const char *text = g_strstrip(*line);

        if (g_str_equal(text, "errors: No known data errors"))
            continue;
        if (g_str_has_prefix(text, "state:") || g_str_has_prefix(text, "status:") ||
            g_str_has_prefix(text, "errors:"))
            g_ptr_array_add(problems, g_strdup_printf("zpool status: %s", text));
    }
}

/* A healthy pool is one line, "pool 'x' is healthy"; else the whole status comes. */
Error *zfs_check(const char *mount, GPtrArray *problems)
{
    g_autofree char *dataset = NULL;
    g_autofree char *output = NULL;

    TRY(zfs_mounted_at(mount, &dataset));
    if (!dataset)
        return error_new(ERR_NOT_FOUND, "no ZFS is mounted at \"%s\"", mount);
    dataset[strcspn(dataset, "/")] = '\0';

    const char *const argv[] = {"zpool", "status", "-x", dataset, NULL};

    TRY(zfs_run(argv, &output));
    zfs_parse_health(output, problems);
    return NULL;
}
