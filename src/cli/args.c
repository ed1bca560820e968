/*
 * The command line, parsed by the table of commands. One pass over the words: a word that starts
 * with a dash is an option, the first others name the command, the rest are its arguments.
 */
#include "cli/args.h"

#include <string.h>

#include "base/text.h"
#include "cli/protection.h"

#define ARGS_SHOWN_MAX 60

typedef struct ArgsParser {
    Args *args;
    const char *const *next; /* first word not looked at yet */
} ArgsParser;

static const char *const args_true[] = {"1", "t", "true", NULL};
static const char *const args_false[] = {"0", "f", "false", NULL};

Error *args_parse_flag(const char *text, bool *ret_flag)
{
    g_autofree char *lower = g_ascii_strdown(text, -1);

    if (!g_strv_contains(args_true, lower) && !g_strv_contains(args_false, lower))
        return error_new(ERR_INVALID, "\"%s\" is neither true nor false", text);
    *ret_flag = g_strv_contains(args_true, lower);
    return NULL;
}

static Error *args_hint_help(Error *e, const Command *command)
{
    const char *blank = command ? " " : "";

    return error_hint(e, "See \"ramet help%s%s\".", blank, command ? command->name : "");
}

/* --- values --- */

static Error *args_check_choice(const Option *option, const char *value)
{
    g_auto(GStrv) choices = g_strsplit(option->value_name, "|", -1);

    if (g_strv_contains((const char *const *)choices, value))
        return NULL;
    return error_new(ERR_INVALID, "it must be one of %s", option->value_name);
}

static Error *args_check_value(const Option *option, const char *value)
{
    bool flag = false;
    int64_t duration_ms = 0;
    Protection protection = {0};

    switch (option->kind) {
    case OPTION_FLAG:
        return args_parse_flag(value, &flag);
    case OPTION_DURATION:
        return strcmp(value, "0") == 0 ? NULL : text_parse_duration(value, &duration_ms);
    case OPTION_CHOICE:
        return args_check_choice(option, value);
    case OPTION_PROTECTION:
        return protection_parse(value, &protection);
    case OPTION_TEXT:
    case OPTION_LIST:
        break;
    }
    return NULL;
}

static void args_add_value(Args *args, const Option *option, const char *value)
{
    GPtrArray *values = g_hash_table_lookup(args->values, option->name);

    if (!values) {
        values = g_ptr_array_new_with_free_func(g_free);
        g_hash_table_insert(args->values, g_strdup(option->name), values);
    }
    g_ptr_array_add(values, g_strdup(value));
}

/* What is no UTF-8 cannot be sent as JSON: it would be left out without a word. */
static Error *args_check_text(const char *text)
{
    g_autofree char *shown = text_printable(text, ARGS_SHOWN_MAX);

    return g_utf8_validate(text, -1, NULL)
               ? NULL
               : error_new(ERR_INVALID, "\"%s\" is not valid UTF-8", shown);
}

static Error *args_take_value(Args *args, const Option *option, const char *value)
{
    Error *e = args_check_text(value);

    if (!e)
        e = args_check_value(option, value);
    /* A protection value's message is complete already, and known to users. */
    if (e && option->kind == OPTION_PROTECTION)
        return e;
    if (e)
        return args_hint_help(error_wrap(e, "option \"--%s\"", option->name), args->command);
    args_add_value(args, option, value);
    return NULL;
}

/* --- options --- */

static Error *args_unknown_option(const Command *command, const char *word)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) names = NULL;
    const char *nearest = NULL;
    Error *e = error_new(ERR_INVALID, "unknown option \"%s\"", word);

    for (const Option *o = command ? command->options : NULL; o && o->name; o++)
        g_strv_builder_add(builder, o->name);
    for (const Option *o = global_options; o->name; o++)
        g_strv_builder_add(builder, o->name);
    names = g_strv_builder_end(builder);
    nearest = text_nearest(word + strspn(word, "-"), (const char *const *)names);
    if (nearest)
        return error_hint(e, "Did you mean \"--%s\"?", nearest);
    if (command && command->passthrough)
        return error_hint(e, "Put %s's own options after \"--\".", command->name);
    return args_hint_help(e, command);
}

/*
 * "--protected" may stand alone. The next word is its value when it can be one; where the command
 * takes no argument it cannot be anything else.
 */
static bool args_is_protection_value(const ArgsParser *parser)
{
    const char *word = *parser->next;
    Protection protection = {0};
    Error *e = NULL;

    if (!word || word[0] == '-')
        return false;
    if (parser->args->command->argument_kind == ARGUMENT_NONE)
        return true;
    e = protection_parse(word, &protection);
    error_free(e);
    return !e;
}

static Error *args_parse_option_value(ArgsParser *parser, const Option *option)
{
    if (option->kind == OPTION_FLAG)
        return args_take_value(parser->args, option, "true");
    if (option->kind == OPTION_PROTECTION && !args_is_protection_value(parser))
        return args_take_value(parser->args, option, "true");
    if (!*parser->next)
        return args_hint_help(error_new(ERR_INVALID, "option \"--%s\" needs a value", option->name),
                              parser->args->command);
    return args_take_value(parser->args, option, *parser->next++);
}

static Error *args_parse_option(ArgsParser *parser, const char *word)
{
    const Command *command = parser->args->command;
    const char *name = word + (word[1] == '-' ? 2 : 1);
    const char *equals = strchr(name, '=');
    g_autofree char *key = equals ? g_strndup(name, (size_t)(equals - name)) : g_strdup(name);
    g_autofree char *shown = g_strndup(word, (size_t)(name - word) + strlen(key));
    const Option *option =
        strlen(key) == 1 ? option_find_letter(command, *key) : option_find(command, key);

    if (!option)
        return args_unknown_option(command, shown);
    return equals ? args_take_value(parser->args, option, equals + 1)
                  : args_parse_option_value(parser, option);
}

/* --- commands and arguments --- */

static Error *args_unknown_command(const Command *group, const char *word)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) names = NULL;
    const char *nearest = NULL;
    Error *e = error_new(ERR_INVALID, "command \"%s%s%s\" not found", group ? group->name : "",
                         group ? " " : "", word);

    for (const Command *command = commands; command->name; command++)
        if (command_is_child(command, group) && !command->is_hidden)
            g_strv_builder_add(builder, command_word(command));
    names = g_strv_builder_end(builder);
    nearest = text_nearest(word, (const char *const *)names);
    if (nearest)
        return error_hint(e, "Did you mean \"%s%s%s\"?", group ? group->name : "", group ? " " : "",
                          nearest);
    return args_hint_help(e, group);
}

static Error *args_parse_word(Args *args, const char *word)
{
    const Command *group = args->command;
    g_autofree char *name = NULL;

    TRY(args_check_text(word));
    if (group && !command_is_group(group)) {
        g_ptr_array_add(args->arguments, g_strdup(word));
        return NULL;
    }
    if (group && strcmp(word, "help") == 0) {
        args->wants_help = true;
        return NULL;
    }
    name = group ? g_strdup_printf("%s %s", group->name, word) : g_strdup(word);
    if (strchr(word, ' ') || !command_find(name))
        return args_unknown_command(group, word);
    args->command = command_find(name);
    return NULL;
}

static Error *args_parse_rest(ArgsParser *parser)
{
    Args *args = parser->args;

    for (; *parser->next; parser->next++) {
        if (args->command && args->command->passthrough)
            g_ptr_array_add(args->passthrough, g_strdup(*parser->next));
        else
            TRY(args_parse_word(args, *parser->next));
    }
    return NULL;
}

static Error *args_parse_words(ArgsParser *parser)
{
    while (*parser->next) {
        const char *word = *parser->next++;

        if (strcmp(word, "--") == 0)
            return args_parse_rest(parser);
        if (word[0] == '-' && word[1] != '\0')
            TRY(args_parse_option(parser, word));
        else
            TRY(args_parse_word(parser->args, word));
    }
    return NULL;
}

/* --- the environment, and what must be there --- */

static Error *args_read_variable(Args *args, const Option *option)
{
    static const char *const prefixes[] = {"RAMET_", "DBLAB_"};

    if (!option->env || g_hash_table_contains(args->values, option->name) ||
        option_find(args->command, option->name) != option)
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
        g_autofree char *name = g_strconcat(prefixes[i], option->env, NULL);
        const char *value = g_getenv(name);

        if (value && *value) {
            Error *e = args_take_value(args, option, value);

            return e ? error_wrap(e, "environment variable \"%s\"", name) : NULL;
        }
    }
    return NULL;
}

static Error *args_read_environment(Args *args)
{
    const Option *own = args->command ? args->command->options : NULL;

    for (const Option *option = own; option && option->name; option++)
        TRY(args_read_variable(args, option));
    for (const Option *option = global_options; option->name; option++)
        TRY(args_read_variable(args, option));
    return NULL;
}

static Error *args_check_arguments(const Args *args)
{
    const Command *command = args->command;
    const char *first = args_argument(args);
    guint max = command->argument_kind == ARGUMENT_NONE  ? 0
                : command->argument_kind == ARGUMENT_ANY ? G_MAXUINT
                                                         : 1;

    if (args->arguments->len > max)
        return args_hint_help(error_new(ERR_INVALID, "unexpected argument \"%s\"",
                                        (char *)args->arguments->pdata[max]),
                              command);
    if (command->argument_kind == ARGUMENT_REQUIRED && (!first || !*first))
        return args_hint_help(error_new(ERR_INVALID, "%s argument is required", command->argument),
                              command);
    return NULL;
}

static Error *args_check_required(const Args *args)
{
    const Command *command = args->command;

    for (const Option *option = command->options; option && option->name; option++)
        if (option->is_required && !args_text(args, option->name))
            return args_hint_help(
                error_new(ERR_INVALID, "required option \"--%s\" is not set", option->name),
                command);
    return NULL;
}

/* --- public --- */

static Args *args_new(void)
{
    Args *args = g_new0(Args, 1);

    args->arguments = g_ptr_array_new_with_free_func(g_free);
    args->passthrough = g_ptr_array_new_with_free_func(g_free);
    args->values =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)g_ptr_array_unref);
    return args;
}

void args_free(Args *args)
{
    if (!args)
        return;
    g_ptr_array_unref(args->arguments);
    g_ptr_array_unref(args->passthrough);
    g_hash_table_unref(args->values);
    g_free(args);
}

Error *args_parse(const char *const *argv, Args **ret_args)
{
    g_autoptr(Args) args = args_new();
    ArgsParser parser = {.args = args, .next = argv};

    TRY(args_parse_words(&parser));
    args->wants_help = args->wants_help || args_flag(args, "help");
    if (!args->wants_help && !args_flag(args, "version") && args->command &&
        !command_is_group(args->command)) {
        TRY(args_read_environment(args));
        TRY(args_check_arguments(args));
        TRY(args_check_required(args));
    }
    *ret_args = g_steal_pointer(&args);
    return NULL;
}

const GPtrArray *args_list(const Args *args, const char *option)
{
    return g_hash_table_lookup(args->values, option);
}

const char *args_text(const Args *args, const char *option)
{
    const GPtrArray *values = args_list(args, option);

    return values ? values->pdata[values->len - 1] : NULL;
}

bool args_flag(const Args *args, const char *option)
{
    const char *text = args_text(args, option);
    bool flag = false;
    Error *e = text ? args_parse_flag(text, &flag) : NULL;

    g_assert(!e); /* checked when it was parsed */
    return flag;
}

const char *args_argument(const Args *args)
{
    return args->arguments->len > 0 ? args->arguments->pdata[0] : NULL;
}
