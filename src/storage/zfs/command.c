/*
 * One program a step, with machine-readable output: -H (no headings, tabs) and -p (exact numbers).
 */
#include "storage/zfs/command.h"

#include <stdarg.h>
#include <string.h>

#include "base/fs.h"
#include "storage/program.h"
#include "storage/zfs/parse.h"

#define ZFS_PROPERTY_PREFIX "ramet:"
#define ZFS_TIMEOUT_MS      180000 /* waits for the disk; importing after a crash replays logs */
#define ZFS_VERSION_MIN     200    /* 2.0: older ones were never tried */
#define MOUNTINFO           "/proc/self/mountinfo"
#define MOUNTINFO_MAX       (UINT64_C(64) << 20)

static Error *zfs_explain(Error *e, const char *errors)
{
    const char *hint = zfs_parse_hint(errors);

    e->code = zfs_parse_failure(errors);
    return hint ? error_hint(e, "%s", hint) : e;
}

Error *zfs_run(const char *const *argv, char **ret_output)
{
    g_auto(ProcResult) result = {0};
    Error *e = program_run(argv, ZFS_TIMEOUT_MS, &result);

    if (e && e->code == ERR_EXTERNAL && result.errors)
        e = zfs_explain(e, result.errors);
    if (!e && ret_output)
        *ret_output = g_steal_pointer(&result.output);
    return e;
}

static void argv_add(GPtrArray *argv, va_list words)
{
    for (const char *word; (word = va_arg(words, const char *));)
        g_ptr_array_add(argv, g_strdup(word));
}

static Error *argv_run(GPtrArray *argv)
{
    g_ptr_array_add(argv, NULL);
    return zfs_run((const char *const *)argv->pdata, NULL);
}

Error *zfs_do(const char *program, ...)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    va_list words;

    g_ptr_array_add(argv, g_strdup(program));
    va_start(words, program);
    argv_add(argv, words);
    va_end(words);
    return argv_run(argv);
}

static void argv_add_property(GPtrArray *argv, const char *name, const char *value)
{
    if (!value || !*value)
        return;
    g_ptr_array_add(argv, g_strdup("-o"));
    g_ptr_array_add(argv, g_strconcat(ZFS_PROPERTY_PREFIX, name, "=", value, NULL));
}

Error *zfs_make(const char *verb, const Manifest *manifest, ...)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    va_list words;

    g_ptr_array_add(argv, g_strdup("zfs"));
    g_ptr_array_add(argv, g_strdup(verb));
    argv_add_property(argv, "kind", manifest->kind);
    argv_add_property(argv, "uid", manifest->uid);
    argv_add_property(argv, "id", manifest->id);
    va_start(words, manifest);
    argv_add(argv, words);
    va_end(words);
    return argv_run(argv);
}

Error *zfs_list(const char *const *argv, guint columns, GPtrArray **ret_rows)
{
    g_autofree char *output = NULL;

    TRY(zfs_run(argv, &output));
    return zfs_parse_table(output, columns, ret_rows);
}

/* A missing program says so by itself; one without "version" is older still. */
Error *zfs_check_version(void)
{
    static const char *const argv[] = {"zfs", "version", NULL};
    g_autofree char *output = NULL;
    Error *e = zfs_run(argv, &output);

    if (e && e->detail && strstr(e->detail, "unrecognized command"))
        g_clear_pointer(&e, error_free);
    TRY(e);

    int version = output ? zfs_parse_version(output) : 1;

    if (version == 0 || version >= ZFS_VERSION_MIN)
        return NULL;
    return error_hint(error_new(ERR_INVALID, "OpenZFS is too old"),
                      "Ramet needs release %d.%d or newer (\"zfs version\" shows it).",
                      ZFS_VERSION_MIN / 100, ZFS_VERSION_MIN % 100);
}

Error *zfs_mounted_at(const char *mount, char **ret_dataset)
{
    g_autofree char *mountinfo = NULL;

    TRY(fs_read_file(MOUNTINFO, MOUNTINFO_MAX, &mountinfo));
    *ret_dataset = zfs_parse_mounted(mountinfo, mount);
    return NULL;
}

char *zfs_pool_of(const char *dataset)
{
    return g_strndup(dataset, strcspn(dataset, "/@"));
}
