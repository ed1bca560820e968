/*
 * The words of LVM 2.02.158 to 2.03 in the C locale, and of dm-thin of Linux 4.9 and later.
 */
#include "storage/lvm/parse.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "storage/layout.h"

#define SHOWN_MAX 200
#define TAG_CHARS                                                                                  \
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+.-/=!:#&" /* lvm(8) */

static Error *parse_not_understood(const char *who, const char *text)
{
    g_autofree char *shown = text_printable(text, SHOWN_MAX);

    return error_detail(error_new(ERR_EXTERNAL, "%s printed what is not understood", who), "%s",
                        shown);
}

/* --- reports --- */

/* LVM's "json" has strings only; its "json_std" numbers, too. */
static char *report_value(const json_t *value)
{
    if (json_is_integer(value))
        return g_strdup_printf("%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return json_is_string(value) ? g_strdup(json_string_value(value)) : NULL;
}

static Error *report_row(const json_t *object, const char *const *fields, char ***ret_row)
{
    g_autoptr(GPtrArray) row = g_ptr_array_new_with_free_func(g_free);

    for (size_t i = 0; fields[i]; i++) {
        char *value = report_value(json_object_get(object, fields[i]));

        if (!value)
            return error_new(ERR_EXTERNAL, "lvm said nothing about \"%s\"", fields[i]);
        g_ptr_array_add(row, value);
    }
    g_ptr_array_add(row, NULL);
    *ret_row = (char **)g_ptr_array_steal(row, NULL);
    return NULL;
}

static Error *report_rows(const json_t *array, const char *const *fields, GPtrArray *rows)
{
    json_t *object = NULL;
    size_t i = 0;

    json_array_foreach (array, i, object) {
        char **row = NULL;

        TRY(report_row(object, fields, &row));
        g_ptr_array_add(rows, row);
    }
    return NULL;
}

/* {"report": [{"lv": [{"lv_name": "a", …}, …]}]}: newer versions add "log" beside "report". */
Error *lvm_parse_report(const char *output, const char *kind, const char *const *fields,
                        GPtrArray **ret_rows)
{
    g_autoptr(GPtrArray) rows = g_ptr_array_new_with_free_func((GDestroyNotify)g_strfreev);
    g_autoptr(json_t) root = json_loads(output, 0, NULL);
    json_t *reports = json_object_get(root, "report");
    json_t *report = NULL;
    size_t i = 0;

    if (json_array_size(reports) == 0)
        return parse_not_understood("lvm", output);
    json_array_foreach (reports, i, report) {
        const json_t *array = json_object_get(report, kind);

        if (!json_is_array(array))
            return parse_not_understood("lvm", output);
        TRY(report_rows(array, fields, rows));
    }
    *ret_rows = g_steal_pointer(&rows);
    return NULL;
}

/* --- failures --- */

ErrorCode lvm_parse_failure(const char *errors)
{
    static const struct {
        const char *words;
        ErrorCode code;
    } meanings[] = {
        {"already exists", ERR_CONFLICT},
        {"Failed to find logical volume", ERR_NOT_FOUND},
        {"Failed to find physical volume", ERR_NOT_FOUND},
        {"Cannot process volume group", ERR_NOT_FOUND},
        {"not found", ERR_NOT_FOUND},
        {"filesystem in use", ERR_BUSY},
        {"is used by another device", ERR_BUSY},
        {" in use", ERR_BUSY},
        {"insufficient free space", ERR_NO_SPACE},
        {"reached threshold", ERR_NO_SPACE},
        {"too large for circular buffer", ERR_NO_SPACE},
        {"No space left on device", ERR_NO_SPACE},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(meanings); i++)
        if (strstr(errors, meanings[i].words))
            return meanings[i].code;
    return ERR_EXTERNAL;
}

bool lvm_parse_is_too_old(const char *errors)
{
    return strstr(errors, "nrecognised option") || strstr(errors, "nrecognized option");
}

/* --- the kernel's thin pools --- */

/* "12/345". */
static bool status_parse_fraction(const char *field, uint64_t *ret_used, uint64_t *ret_total)
{
    g_auto(GStrv) parts = g_strsplit(field, "/", -1);
    guint64 used = 0;
    guint64 total = 0;

    if (g_strv_length(parts) != 2 ||
        !g_ascii_string_to_unsigned(parts[0], 10, 0, INT64_MAX, &used, NULL) ||
        !g_ascii_string_to_unsigned(parts[1], 10, 1, INT64_MAX, &total, NULL) || used > total)
        return false;
    *ret_used = used;
    *ret_total = total;
    return true;
}

/*
 * "<transaction> <used>/<total metadata> <used>/<total data> <held root> ro|rw|… …", or "Fail";
 * Documentation/admin-guide/device-mapper/thin-provisioning.rst. A pool without space for data
 * says "out_of_data_space" for "rw", and can be written to when it has some again.
 */
Error *lvm_parse_pool_status(const char *line, LvmPoolStatus *ret_status)
{
    g_auto(GStrv) fields = g_strsplit(line, " ", -1);
    LvmPoolStatus status = {0};

    if (g_str_has_prefix(line, "Fail"))
        return error_hint(error_new(ERR_EXTERNAL, "the thin pool has failed"),
                          "See \"dmesg\"; lvconvert --repair mends its metadata.");
    if (g_strv_length(fields) < 5 ||
        !status_parse_fraction(fields[1], &status.metadata_used, &status.metadata_total) ||
        !status_parse_fraction(fields[2], &status.data_used, &status.data_total))
        return parse_not_understood("the thin pool", line);
    status.is_writable = !g_str_equal(fields[4], "ro");
    status.has_metadata_holder = !g_str_equal(fields[3], "-");
    status.needs_check = g_strv_contains((const char *const *)fields, "needs_check");
    *ret_status = status;
    return NULL;
}

/* Of a line of numbers; false for an empty one. */
static Error *thin_list_line(const char *line, GHashTable *bytes)
{
    g_auto(GStrv) words = g_strsplit_set(line, " \t", -1);
    guint64 numbers[2] = {0};
    size_t n = 0;

    for (char **word = words; *word; word++) {
        if (!**word)
            continue;
        if (n == G_N_ELEMENTS(numbers) ||
            !g_ascii_string_to_unsigned(*word, 10, 0, INT64_MAX, &numbers[n], NULL))
            return parse_not_understood("thin_ls", line);
        n++;
    }
    if (n == 1)
        return parse_not_understood("thin_ls", line);
    if (n == G_N_ELEMENTS(numbers))
        g_hash_table_insert(bytes, g_memdup2(&numbers[0], sizeof(guint64)),
                            g_memdup2(&numbers[1], sizeof(guint64)));
    return NULL;
}

Error *lvm_parse_thin_list(const char *output, GHashTable **ret_bytes)
{
    g_autoptr(GHashTable) bytes =
        g_hash_table_new_full(g_int64_hash, g_int64_equal, g_free, g_free);
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);

    for (char **line = lines; *line; line++)
        TRY(thin_list_line(*line, bytes));
    *ret_bytes = g_steal_pointer(&bytes);
    return NULL;
}

/* --- names and tags --- */

char *lvm_parse_tag(const char *tags, const char *prefix)
{
    g_auto(GStrv) list = g_strsplit(tags, ",", -1);

    for (char **tag = list; *tag; tag++)
        if (g_str_has_prefix(*tag, prefix))
            return g_strdup(*tag + strlen(prefix));
    return NULL;
}

char *lvm_tag_text(const char *text)
{
    return g_strcanon(g_strdup(text), TAG_CHARS, '_');
}

char *lvm_volume_name(const char *root, const char *path)
{
    g_autofree char *name = g_path_get_basename(path);
    g_autofree char *dir_path = g_path_get_dirname(path);
    bool is_snapshot = g_str_has_suffix(dir_path, "/" LAYOUT_SNAPSHOTS);

    g_strdelimit(name, "-", '+');
    g_strdelimit(name, "_", 'U');
    return g_strconcat(root, is_snapshot ? LVM_SNAPSHOT_INFIX : LVM_VOLUME_INFIX, name, NULL);
}

static void append_doubled(GString *name, const char *part)
{
    for (; *part; part++) {
        if (*part == '-')
            g_string_append_c(name, '-');
        g_string_append_c(name, *part);
    }
}

char *lvm_mapper_name(const char *vg, const char *lv, const char *layer)
{
    GString *name = g_string_new(NULL);

    append_doubled(name, vg);
    g_string_append_c(name, '-');
    append_doubled(name, lv);
    if (layer)
        g_string_append_printf(name, "-%s", layer);
    return g_string_free(name, FALSE);
}
