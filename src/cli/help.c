/*
 * Help texts for a terminal, made from the table of commands.
 */
#include "cli/help.h"

#include <string.h>

typedef struct HelpRow {
    char *left;
    const char *right;
} HelpRow;

static void help_clear_row(void *data)
{
    HelpRow *row = data;

    g_free(row->left);
}

static GArray *help_new_rows(void)
{
    GArray *rows = g_array_new(FALSE, FALSE, sizeof(HelpRow));

    g_array_set_clear_func(rows, help_clear_row);
    return rows;
}

/* "  left   right" lines under a title; nothing when there are no rows. */
static void help_append_rows(GString *out, const char *title, const GArray *rows)
{
    size_t width = 0;

    if (rows->len == 0)
        return;
    for (guint i = 0; i < rows->len; i++)
        width = MAX(width, strlen(g_array_index(rows, HelpRow, i).left));
    g_string_append_printf(out, "\n%s:\n", title);
    for (guint i = 0; i < rows->len; i++) {
        const HelpRow *row = &g_array_index(rows, HelpRow, i);

        g_string_append_printf(out, "  %-*s  %s\n", (int)width, row->left, row->right);
    }
}

/* "-p, --protected[=TIME]" */
static char *help_option_form(const Option *option)
{
    GString *form = g_string_new(NULL);

    if (option->letter)
        g_string_append_printf(form, "-%c, ", option->letter);
    else
        g_string_append(form, "    ");
    g_string_append_printf(form, "--%s", option->name);
    if (option->kind == OPTION_PROTECTION)
        g_string_append_printf(form, "[=%s]", option->value_name);
    else if (option_has_value(option))
        g_string_append_printf(form, " %s", option->value_name);
    return g_string_free(form, FALSE);
}

static void help_append_options(GString *out, const char *title, const Option *options)
{
    g_autoptr(GArray) rows = help_new_rows();

    for (const Option *option = options; option && option->name; option++) {
        HelpRow row = {.right = option->help};

        if (option->is_hidden)
            continue;
        row.left = help_option_form(option);
        g_array_append_val(rows, row);
    }
    help_append_rows(out, title, rows);
}

static void help_append_children(GString *out, const Command *group)
{
    g_autoptr(GArray) rows = help_new_rows();

    for (const Command *command = commands; command->name; command++) {
        HelpRow row = {.right = command->summary};

        if (command->is_hidden || !command_is_child(command, group))
            continue;
        row.left = g_strdup(command_word(command));
        g_array_append_val(rows, row);
    }
    help_append_rows(out, "Commands", rows);
}

static void help_append_root(GString *out)
{
    g_string_append(out, "ramet - thin clones of PostgreSQL databases\n\n"
                         "Usage: ramet [options] COMMAND\n");
    help_append_children(out, NULL);
    help_append_options(out, "Options for all commands", global_options);
    g_string_append(out, "\n\"ramet help COMMAND\" says more about a command.\n");
}

char *help_format(const Command *command)
{
    GString *out = g_string_new(NULL);
    g_autofree char *usage = command ? command_usage(command) : NULL;

    if (!command) {
        help_append_root(out);
        return g_string_free(out, FALSE);
    }
    g_string_append_printf(out, "ramet %s - %s\n\nUsage: ramet %s\n", command->name,
                           command->summary, usage);
    if (command->details)
        g_string_append_printf(out, "\n%s\n", command->details);
    if (command_is_group(command))
        help_append_children(out, command);
    help_append_options(out, "Options", command->options);
    g_string_append(out, "\nOptions for all commands: see \"ramet help\".\n");
    return g_string_free(out, FALSE);
}
