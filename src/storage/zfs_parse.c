/*
 * The words of zfs and zpool, in the C locale, as OpenZFS 2.1 to 2.3 write them.
 */
#include "storage/zfs_parse.h"

#include <string.h>

#include "base/text.h"

/* Fields of a line of mountinfo, see proc(5); behind the separator come type and source. */
#define MOUNT_POINT     4
#define MOUNT_FIELD_MIN 10
#define MOUNT_SEPARATOR "-"

Error *zfs_parse_table(const char *output, guint columns, GPtrArray **ret_rows)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);

    for (char **line = lines; *line; line++) {
        if (!**line)
            continue;

        char **fields = g_strsplit(*line, "\t", -1);

        g_ptr_array_add(rows, fields);
        if (g_strv_length(fields) != columns) {
            g_autofree char *shown = text_printable(*line, 200);

            return error_detail(
                error_new(ERR_EXTERNAL, "zfs printed a line that is not understood"), "%s", shown);
        }
    }
    *ret_rows = g_steal_pointer(&rows);
    return NULL;
}

Error *zfs_parse_number(const char *field, uint64_t *ret_value)
{
    guint64 value = 0;

    if (!g_str_equal(field, "-") &&
        !g_ascii_string_to_unsigned(field, 10, 0, UINT64_MAX, &value, NULL))
        return error_new(ERR_EXTERNAL, "zfs printed \"%.40s\" for a number", field);
    *ret_value = value;
    return NULL;
}

Error *zfs_parse_ratio(const char *field, double *ret_ratio)
{
    char *end = NULL;
    double ratio = g_ascii_strtod(field, &end);

    if (end == field || !(g_str_equal(end, "") || g_str_equal(end, "x")) || !(ratio >= 1.0))
        return error_new(ERR_EXTERNAL, "zfs printed \"%.40s\" for a ratio", field);
    *ret_ratio = ratio;
    return NULL;
}

ErrorCode zfs_parse_failure(const char *errors)
{
    static const struct {
        const char *words;
        ErrorCode code;
    } meanings[] = {
        {"dataset does not exist", ERR_NOT_FOUND},
        {"no such pool", ERR_NOT_FOUND},
        {"could not find any snapshots to destroy", ERR_NOT_FOUND},
        {"dataset already exists", ERR_CONFLICT},
        {"has children", ERR_CONFLICT},
        {"has dependent clones", ERR_CONFLICT},
        {"is busy", ERR_BUSY},
        {"out of space", ERR_NO_SPACE},
        {"No space left on device", ERR_NO_SPACE},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++)
        if (strstr(errors, meanings[i].words))
            return meanings[i].code;
    return ERR_EXTERNAL;
}

/* The kernel writes spaces and the like as \040. */
static char *mount_field(const char *field)
{
    return g_strcompress(field);
}

/* The dataset that a line of mountinfo mounts there, or NULL. */
static char *mount_line_dataset(const char *line, const char *mount)
{
    g_auto(GStrv) fields = g_strsplit(line, " ", -1);
    guint count = g_strv_length(fields);
    guint separator = MOUNT_POINT + 2;

    if (count < MOUNT_FIELD_MIN)
        return NULL;

    g_autofree char *point = mount_field(fields[MOUNT_POINT]);

    while (separator < count && !g_str_equal(fields[separator], MOUNT_SEPARATOR))
        separator++;
    if (separator + 2 >= count || !g_str_equal(point, mount) ||
        !g_str_equal(fields[separator + 1], "zfs"))
        return NULL;
    return mount_field(fields[separator + 2]);
}

char *zfs_parse_mounted(const char *mountinfo, const char *mount)
{
    g_auto(GStrv) lines = g_strsplit(mountinfo, "\n", -1);

    for (guint i = g_strv_length(lines); i-- > 0;) {
        char *dataset = mount_line_dataset(lines[i], mount);

        if (dataset)
            return dataset;
    }
    return NULL;
}

/* A line for the pool, then one for each device, which begins with a tab. */
char *zfs_parse_pool_on(const char *listing, const char *device)
{
    g_auto(GStrv) lines = g_strsplit(listing, "\n", -1);
    const char *pool = NULL;

    for (char **line = lines; *line; line++) {
        char *name = g_str_has_prefix(*line, "\t") ? *line + strspn(*line, "\t ") : *line;

        name[strcspn(name, "\t")] = '\0';
        if (name == *line)
            pool = name;
        else if (pool && g_str_equal(name, device))
            return g_strdup(pool);
    }
    return NULL;
}
