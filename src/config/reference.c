/*
 * The reference manual in Markdown, from the table alone.
 */
#include <glib.h>
#include <string.h>

#include "config/options.h"
#include "config/read.h"

static const char *const reference_types[] = {
    [OPTION_STRING] = "text",        [OPTION_INT] = "number",
    [OPTION_BOOL] = "true or false", [OPTION_LIST] = "list of words",
    [OPTION_MAP] = "mapping",        [OPTION_DATABASES] = "mapping of databases",
    [OPTION_SECTION] = "section",    [OPTION_ANYTHING] = "anything",
};

static const char reference_introduction[] =
    "# Configuration\n"
    "\n"
    "<!-- Generated from src/config/options.c by `rametd --config-reference`; do not edit. -->\n"
    "\n"
    "`rametd` reads one file, `server.yml`, and reports everything that is wrong in it at once, "
    "each\n"
    "problem with its line and a hint.\n"
    "\n"
    "* Scalars are those of YAML 1.1: `yes`, `no`, `on`, `off` are booleans, and a number that "
    "begins\n"
    "  with 0 is octal. Quotes make a text of anything.\n"
    "* Anchors, aliases and merge keys work, also several `<<` in one mapping. A merge applies "
    "where it\n"
    "  stands: keys after it override it, keys before it are overridden by it. Top-level keys with "
    "an\n"
    "  anchor may have any name.\n"
    "* A key that the table does not know is ignored with a warning, and so is one whose feature "
    "is\n"
    "  *not built yet*. A key given twice is an error.\n"
    "* `$NAME` and `${NAME}` stand for environment variables in the options marked *env*, and "
    "nowhere\n"
    "  else. A variable that is not set is an error. `$$` is a dollar sign.\n"
    "* *Reload* marks what a SIGHUP applies, to all that begins after it. Any other change waits "
    "for\n"
    "  a restart, and the log names it. A file with errors changes nothing.\n"
    "* The environment's `PGPASSWORD` wins over the source's password in the file.\n"
    "* Specs of jobs that `retrieval.jobs` does not list are not read.\n";

/* "a | b" would end the cell. */
static void reference_cell(GString *out, const char *text)
{
    g_autoptr(GString) cell = g_string_new(text);

    g_string_replace(cell, "|", "\\|", 0);
    g_string_append_printf(out, " %s |", cell->str);
}

static char *reference_default(const Option *option)
{
    const char *const nothing[] = {[OPTION_INT] = "0", [OPTION_BOOL] = "false"};
    const char *value = option->fallback;

    if (!value && option->type <= OPTION_BOOL)
        value = nothing[option->type];
    return value && value[0] ? g_strdup_printf("`%s`", value) : g_strdup("–");
}

static char *reference_values(const Option *option)
{
    if (option->choices) {
        const char *const *named = option->choices + (option->choices[0][0] == '\0');
        g_autofree char *words = g_strjoinv("`, `", (char **)(uintptr_t)named);
        return g_strdup_printf("`%s`", words);
    }
    if (option->type == OPTION_INT)
        return g_strdup_printf("%" G_GINT64_FORMAT "–%" G_GINT64_FORMAT "%s%s", option->min,
                               option->max, option->unit ? " " : "",
                               option->unit ? option->unit : "");
    return g_strdup(reference_types[option->type]);
}

static char *reference_notes(const Option *option)
{
    g_autoptr(GStrvBuilder) notes = g_strv_builder_new();

    if (!options_is_built(option))
        g_strv_builder_add(notes, "*not built yet*");
    if (option->flags & OPTION_RELOADABLE)
        g_strv_builder_add(notes, "reload");
    if (option->flags & OPTION_EXPANDS)
        g_strv_builder_add(notes, "env");
    if (option->flags & OPTION_SECRET)
        g_strv_builder_add(notes, "secret");

    g_auto(GStrv) words = g_strv_builder_end(notes);
    return g_strjoinv(", ", words);
}

static void reference_section(GString *out, const Option *option)
{
    g_string_append_printf(out, "\n## %s\n\n%s%s\n", option->path, option->help,
                           options_is_built(option) ? "" : " *Not built yet.*");
}

static void reference_row(GString *out, const Option *option)
{
    g_autofree char *path = g_strdup_printf("`%s`", option->path);
    g_autofree char *values = reference_values(option);
    g_autofree char *fallback = reference_default(option);
    g_autofree char *notes = reference_notes(option);
    const char *const cells[] = {path, values, fallback, notes, option->help};

    g_string_append_c(out, '|');
    for (size_t i = 0; i < G_N_ELEMENTS(cells); i++)
        reference_cell(out, cells[i]);
    g_string_append_c(out, '\n');
}

/* Sections with a heading: the top ones and the jobs. Smaller ones are rows. */
static bool reference_is_heading(const Option *option)
{
    return !strchr(option->path, '.') ||
           (option->type == OPTION_SECTION && g_str_has_prefix(option->path, "retrieval.spec.") &&
            !strstr(option->path, ".options"));
}

char *config_reference(void)
{
    g_autoptr(GString) out = g_string_new(reference_introduction);
    bool is_table = false;

    for (size_t i = 0; i < options_count; i++) {
        const Option *option = &options_table[i];
        if (reference_is_heading(option)) {
            reference_section(out, option);
            is_table = false;
            continue;
        }
        if (!is_table)
            g_string_append(out, "\n| Option | Values | Default | Notes | Meaning |\n"
                                 "|---|---|---|---|---|\n");
        is_table = true;
        reference_row(out, option);
    }
    return g_string_free(g_steal_pointer(&out), FALSE);
}
