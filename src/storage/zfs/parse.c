/*
 * The words of zfs and zpool, in the C locale, as OpenZFS 2.1 to 2.3 write them.
 */
#include "storage/zfs/parse.h"

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

int zfs_parse_version(const char *output)
{
    g_autoptr(GRegex) regex = g_regex_new("^zfs-([0-9]{1,3})\\.([0-9]{1,2})\\.", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    if (!g_regex_match(regex, output, 0, &match))
        return 0;

    g_autofree char *major = g_match_info_fetch(match, 1);
    g_autofree char *minor = g_match_info_fetch(match, 2);

    return (int)(g_ascii_strtoll(major, NULL, 10) * 100 + g_ascii_strtoll(minor, NULL, 10));
}

typedef struct ZfsMeaning {
    const char *words;
    ErrorCode code;
    const char *hint;
} ZfsMeaning;

static const ZfsMeaning zfs_meanings[] = {
    {"dataset does not exist", ERR_NOT_FOUND, NULL},
    {"no such pool", ERR_NOT_FOUND, NULL},
    {"could not find any snapshots to destroy", ERR_NOT_FOUND, NULL},
    {"dataset already exists", ERR_CONFLICT, NULL},
    {"has children", ERR_CONFLICT, NULL},
    {"has dependent clones", ERR_CONFLICT, NULL},
    {"is busy", ERR_BUSY,
     "A program works there, or looks into it: \"fuser -vm\" on the mount point shows it."},
    {"out of space", ERR_NO_SPACE, NULL},
    {"No space left on device", ERR_NO_SPACE, NULL},
    {"Disk quota exceeded", ERR_NO_SPACE,
     "The pool's dataset has a quota, which is used up: \"zfs get quota,refquota\" shows it."},
    {"directory is not empty", ERR_CONFLICT,
     "Something lies where the dataset is to be mounted: move it away, then restart rametd."},
    {"modules are not loaded", ERR_EXTERNAL,
     "Load the kernel's module: modprobe zfs (Debian: apt install zfs-dkms)."},
    {"modules cannot be auto-loaded", ERR_EXTERNAL,
     "Load the kernel's module: modprobe zfs (Debian: apt install zfs-dkms)."},
    {"pool I/O is currently suspended", ERR_EXTERNAL,
     "A disk of the pool is gone: \"zpool status\" says which; \"zpool clear\" goes on."},
};

static const ZfsMeaning *zfs_find_meaning(const char *errors)
{
    for (size_t i = 0; i < G_N_ELEMENTS(zfs_meanings); i++)
        if (strstr(errors, zfs_meanings[i].words))
            return &zfs_meanings[i];
    return NULL;
}

ErrorCode zfs_parse_failure(const char *errors)
{
    const ZfsMeaning *meaning = zfs_find_meaning(errors);

    return meaning ? meaning->code : ERR_EXTERNAL;
}

const char *zfs_parse_hint(const char *errors)
{
    const ZfsMeaning *meaning = zfs_find_meaning(errors);

    return meaning ? meaning->hint : NULL;
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

/*
 * A line for the pool, then one for each device, which begins with a tab. Between them stand names
 * of classes of devices ("logs", "special"): they alone are padded with spaces, -H or not.
 */
char *zfs_parse_pool_on(const char *listing, const char *device)
{
    g_auto(GStrv) lines = g_strsplit(listing, "\n", -1);
    const char *pool = NULL;

    for (char **line = lines; *line; line++) {
        char *name = g_str_has_prefix(*line, "\t") ? *line + strspn(*line, "\t ") : *line;

        if (name == *line && !strchr(name, '\t'))
            continue;
        name[strcspn(name, "\t")] = '\0';
        if (name == *line)
            pool = name;
        else if (pool && g_str_equal(name, device))
            return g_strdup(pool);
    }
    return NULL;
}
