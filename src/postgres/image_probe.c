/*
 * Looking into an image. Lines of the answer: "bin DIR", "version postgres (PostgreSQL) 15.4", and
 * "extension NAME" for each extension of the installation before.
 */
#include "postgres/image_probe.h"

#include <string.h>

#include "postgres/installation.h"
#include "postgres/version.h"

/* Debian and PGDG, Red Hat and PGDG, the official images without Debian, and what is built. */
#define PROBE_BIN_DIRS                                                                             \
    "/usr/lib/postgresql/*/bin /usr/pgsql-*/bin /usr/local/bin /usr/local/pgsql/bin /usr/bin"

/* Where extensions are for programs in $bin: beside them, or in Debian's place for the $major. */
#define PROBE_EXTENSION_DIRS                                                                       \
    "\"$bin/../share/postgresql/extension\" \"$bin/../share/extension\""                           \
    " \"$bin/../share/pgsql/extension\""                                                           \
    " \"/usr/share/postgresql/$major/extension\""

static const char probe_script[] = "for bin in " PROBE_BIN_DIRS "; do\n"
                                   "  [ -x \"$bin/postgres\" ] || continue\n"
                                   "  echo \"bin $bin\"\n"
                                   "  echo \"version $(\"$bin/postgres\" --version)\"\n"
                                   "  major=${bin%/bin}\n"
                                   "  major=${major##*/}\n"
                                   "  for dir in " PROBE_EXTENSION_DIRS "; do\n"
                                   "    for file in \"$dir\"/*.control; do\n"
                                   "      [ -e \"$file\" ] || continue\n"
                                   "      name=${file##*/}\n"
                                   "      echo \"extension ${name%.control}\"\n"
                                   "    done\n"
                                   "  done\n"
                                   "done\n";

const char *const image_probe_argv[] = {"/bin/sh", "-c", probe_script, NULL};

/* What is known while the lines are read. */
typedef struct ImageProbe {
    const char *image;
    GPtrArray *list;
    Installation *last; /* of the list, or NULL */
} ImageProbe;

static Error *probe_take_bin(ImageProbe *probe, const char *dir)
{
    probe->last = installation_new(0, dir);
    probe->last->image = g_strdup(probe->image);
    probe->last->extensions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_ptr_array_add(probe->list, probe->last);
    return NULL;
}

static Error *probe_take_version(ImageProbe *probe, const char *words)
{
    return version_parse_program(words, &probe->last->major);
}

static Error *probe_take_extension(ImageProbe *probe, const char *name)
{
    g_hash_table_add(probe->last->extensions, g_strdup(name));
    return NULL;
}

static const struct {
    const char *word;
    Error *(*take)(ImageProbe *probe, const char *rest);
} probe_lines[] = {
    {"bin ", probe_take_bin},
    {"version ", probe_take_version},
    {"extension ", probe_take_extension},
};

static Error *probe_take_line(ImageProbe *probe, const char *line)
{
    for (size_t i = 0; i < G_N_ELEMENTS(probe_lines); i++) {
        bool is_first = probe_lines[i].take == probe_take_bin;

        if (g_str_has_prefix(line, probe_lines[i].word) && (is_first || probe->last))
            return probe_lines[i].take(probe, line + strlen(probe_lines[i].word));
    }
    return error_new(ERR_EXTERNAL, "it said \"%s\"", line);
}

static int probe_compare(const void *a, const void *b)
{
    const Installation *const *left = a, *const *right = b;

    return (int)((*left)->major - (*right)->major);
}

Error *image_probe_parse(const char *image, const char *text, GPtrArray **ret_list)
{
    g_autoptr(GPtrArray) list = g_ptr_array_new_with_free_func((GDestroyNotify)installation_free);
    ImageProbe probe = {.image = image, .list = list};
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    for (char **line = lines; *line; line++)
        if (**line)
            TRY(error_wrap(probe_take_line(&probe, *line), "looking into image \"%s\"", image));
    if (list->len == 0)
        return error_hint(error_new(ERR_NOT_FOUND, "no PostgreSQL is in image \"%s\"", image),
                          "It was looked for in " PROBE_BIN_DIRS ".");
    g_ptr_array_sort(list, probe_compare);
    *ret_list = g_steal_pointer(&list);
    return NULL;
}
