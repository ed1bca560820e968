/*
 * Shell completion scripts. Both shells get the same small machine: walk over the words before the
 * cursor to learn the command ("where") and whether an option waits for its value ("option"), then
 * put what may follow into the array "items". Only the frame around it differs.
 */
#include "cli/completion.h"

#include <string.h>

#include "cli/commands.h"

typedef struct CompletionShell {
    const char *name;
    const char *head;  /* up to the walk; sets cur, the word at the cursor, and the words before */
    const char *value; /* in "--name=value" only the value is completed from here on             */
    const char *files; /* offers file names                                                      */
    const char *tail;  /* offers the items                                                       */
    bool has_help;     /* an item is "word:help"                                                 */
} CompletionShell;

/*
 * The items are compared here and not by "compgen -W", which expands what it is given: an id of
 * "$(…)" would be run.
 *
 * bash takes "@", ":" and "=" for word breaks, and ids are full of them: the words are taken from
 * the line itself, and what bash believes to be done already is cut off the replies.
 */
static const CompletionShell completion_bash = {
    .name = "bash",
    .head = "# bash completion for ramet, made by \"ramet completion bash\"\n"
            "_ramet() {\n"
            "    local line=${COMP_LINE:0:COMP_POINT} cur= where= option= word typed\n"
            "    local -a words items\n"
            "    read -ra words <<<\"$line\"\n"
            "    if [[ $line == *[![:space:]] ]]; then\n"
            "        cur=${words[${#words[@]} - 1]}\n"
            "        unset \"words[${#words[@]} - 1]\"\n"
            "    fi\n"
            "    for word in \"${words[@]:1}\"; do\n",
    .value = "        cur=${cur#*=}\n",
    .files = "compopt -o default; return",
    .tail = "    typed=${cur%\"${COMP_WORDS[COMP_CWORD]}\"}\n"
            "    [[ ${COMP_WORDS[COMP_CWORD]} == [=:@] ]] && typed=$cur\n"
            "    COMPREPLY=()\n"
            "    for word in \"${items[@]}\"; do\n"
            "        [[ $word == \"$cur\"* ]] && COMPREPLY+=(\"${word#\"$typed\"}\")\n"
            "    done\n"
            "}\n"
            "complete -F _ramet ramet\n",
};

/* In zsh "path" is not ours to use, and "words" is given. */
static const CompletionShell completion_zsh = {
    .name = "zsh",
    .head = "#compdef ramet\n"
            "# zsh completion for ramet, made by \"ramet completion zsh\"\n"
            "_ramet() {\n"
            "    local cur=${words[CURRENT]} where= option= word\n"
            "    local -a items\n"
            "    for word in \"${(@)words[2,CURRENT-1]}\"; do\n",
    .value = "        compset -P '*='\n",
    .files = "_files; return",
    .tail = "    _describe 'ramet' items\n"
            "}\n"
            "if [[ $funcstack[1] == _ramet ]]; then\n"
            "    _ramet \"$@\"\n"
            "else\n"
            "    compdef _ramet ramet\n"
            "fi\n",
    .has_help = true,
};

static const CompletionShell *const completion_shells[] = {&completion_bash, &completion_zsh};

/* What "ramet ids" can look up, by the name that the table gives to values and arguments. */
static const struct {
    const char *value_name;
    const char *kind;
} completion_ids[] = {
    {"CLONE_ID", "clones"},
    {"SNAPSHOT_ID", "snapshots"},
    {"ENVIRONMENT_ID", "environments"},
};

/* --- single pieces --- */

static void completion_append_ids(GString *out, const char *kind)
{
    g_string_append_printf(
        out, "items+=($(ramet ids %s --request-timeout 2s </dev/null 2>/dev/null))", kind);
}

static void completion_append_item(GString *out, const CompletionShell *shell, const char *word,
                                   const char *help)
{
    g_auto(GStrv) parts = g_strsplit(help, "'", -1);
    g_autofree char *quoted = g_strjoinv("'\\''", parts);

    if (shell->has_help)
        g_string_append_printf(out, "'%s:%s' ", word, quoted);
    else
        g_string_append_printf(out, "%s ", word);
}

/* What may stand where the table says "CLONE_ID", "json|table" or "FILE"; false = who knows. */
static bool completion_append_values(GString *out, const CompletionShell *shell, const char *name)
{
    g_auto(GStrv) choices = g_strsplit(name, "|", -1);
    g_autofree char *words = g_strjoinv(" ", choices);

    for (size_t i = 0; i < G_N_ELEMENTS(completion_ids); i++) {
        if (strcmp(completion_ids[i].value_name, name) == 0) {
            completion_append_ids(out, completion_ids[i].kind);
            return true;
        }
    }
    if (strcmp(name, "FILE") == 0)
        g_string_append(out, shell->files);
    else if (choices[0] && choices[1])
        g_string_append_printf(out, "items+=(%s)", words);
    else
        return false;
    return true;
}

/* --- options: each name once, though several commands may have it --- */

static void completion_add_option(GHashTable *seen, GPtrArray *options, const Option *option)
{
    if (g_hash_table_add(seen, g_strdup(option->name)))
        g_ptr_array_add(options, g_memdup2(option, sizeof(*option)));
}

static GPtrArray *completion_collect_options(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    GPtrArray *options = g_ptr_array_new_with_free_func(g_free);

    for (const Option *option = global_options; option->name; option++)
        completion_add_option(seen, options, option);
    for (const Command *command = commands; command->name; command++)
        for (const Option *option = command->options; option && option->name; option++)
            completion_add_option(seen, options, option);
    return options;
}

static bool completion_waits_for_value(const Option *option)
{
    return option_has_value(option) && option->kind != OPTION_PROTECTION;
}

/* "--output|-o" */
static char *completion_pattern(const Option *option)
{
    return option->letter ? g_strdup_printf("--%s|-%c", option->name, option->letter)
                          : g_strdup_printf("--%s", option->name);
}

/* "--url|--token|…": all options that take the next word for themselves. */
static char *completion_value_patterns(const GPtrArray *options)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) patterns = NULL;

    for (guint i = 0; i < options->len; i++) {
        g_autofree char *pattern = completion_pattern(options->pdata[i]);

        if (completion_waits_for_value(options->pdata[i]))
            g_strv_builder_add(builder, pattern);
    }
    patterns = g_strv_builder_end(builder);
    return g_strjoinv("|", patterns);
}

/* "\"init\"|\"clone\"|\"clone list\"|…"; what follows "help" is completed as if it stood alone. */
static char *completion_command_patterns(void)
{
    g_autoptr(GStrvBuilder) builder = g_strv_builder_new();
    g_auto(GStrv) names = NULL;
    g_autofree char *joined = NULL;

    for (const Command *command = commands; command->name; command++)
        if (command->run != cmd_help)
            g_strv_builder_add(builder, command->name);
    names = g_strv_builder_end(builder);
    joined = g_strjoinv("\"|\"", names);
    return g_strdup_printf("\"%s\"", joined);
}

/* --- the machine --- */

static void completion_append_walk(GString *out, const CompletionShell *shell,
                                   const GPtrArray *options)
{
    g_autofree char *value_patterns = completion_value_patterns(options);
    g_autofree char *command_patterns = completion_command_patterns();

    g_string_append_printf(out,
                           "        if [[ -n $option ]]; then\n"
                           "            option=\n"
                           "            continue\n"
                           "        fi\n"
                           "        case $word in\n"
                           "        %s) option=$word ;;\n"
                           "        -*) ;;\n"
                           "        *)\n"
                           "            case \"${where:+$where }$word\" in\n"
                           "            %s) where=\"${where:+$where }$word\" ;;\n"
                           "            esac\n"
                           "            ;;\n"
                           "        esac\n"
                           "    done\n",
                           value_patterns, command_patterns);
    g_string_append_printf(out,
                           "    if [[ -z $option && $cur == --*=* ]]; then\n"
                           "        option=${cur%%%%=*}\n"
                           "%s"
                           "    fi\n",
                           shell->value);
}

static void completion_append_option_values(GString *out, const CompletionShell *shell,
                                            const GPtrArray *options)
{
    for (guint i = 0; i < options->len; i++) {
        const Option *option = options->pdata[i];
        g_autofree char *pattern = completion_pattern(option);
        g_autoptr(GString) values = g_string_new(NULL);

        if (option->value_name && completion_append_values(values, shell, option->value_name))
            g_string_append_printf(out, "    %s) %s ;;\n", pattern, values->str);
    }
    g_string_append(out, "    ?*) ;;\n");
}

static void completion_append_options(GString *out, const CompletionShell *shell,
                                      const Option *options)
{
    g_string_append(out, "items+=(");
    for (; options->name; options++) {
        g_autofree char *word = g_strconcat("--", options->name, NULL);

        if (!options->is_hidden)
            completion_append_item(out, shell, word, options->help);
    }
    g_string_append_c(out, ')');
}

/* Offered once a dash is typed. */
static void completion_append_all_options(GString *out, const CompletionShell *shell)
{
    g_string_append(out, "            ");
    completion_append_options(out, shell, global_options);
    g_string_append(out, "\n            case $where in\n");
    for (const Command *command = commands; command->name; command++) {
        if (!command->options || command->run == cmd_help)
            continue;
        g_string_append_printf(out, "            \"%s\") ", command->name);
        completion_append_options(out, shell, command->options);
        g_string_append(out, " ;;\n");
    }
    g_string_append(out, "            esac\n");
}

/* The commands below a group, NULL being the root. */
static void completion_append_children(GString *out, const CompletionShell *shell,
                                       const Command *group)
{
    g_string_append_printf(out, "            \"%s\") items+=(", group ? group->name : "");
    for (const Command *command = commands; command->name; command++)
        if (!command->is_hidden && command_is_child(command, group))
            completion_append_item(out, shell, command_word(command), command->summary);
    g_string_append(out, ") ;;\n");
}

static void completion_append_all_words(GString *out, const CompletionShell *shell)
{
    g_string_append(out, "            case $where in\n");
    completion_append_children(out, shell, NULL);
    for (const Command *command = commands; command->name; command++) {
        g_autoptr(GString) values = g_string_new(NULL);

        if (command_is_group(command))
            completion_append_children(out, shell, command);
        else if (command->argument && completion_append_values(values, shell, command->argument))
            g_string_append_printf(out, "            \"%s\") %s ;;\n", command->name, values->str);
    }
    g_string_append(out, "            esac\n");
}

static char *completion_format_for(const CompletionShell *shell)
{
    GString *out = g_string_new(shell->head);
    g_autoptr(GPtrArray) options = completion_collect_options();

    completion_append_walk(out, shell, options);
    g_string_append(out, "    case $option in\n");
    completion_append_option_values(out, shell, options);
    g_string_append(out, "    *)\n"
                         "        if [[ $cur == -* ]]; then\n");
    completion_append_all_options(out, shell);
    g_string_append(out, "        else\n");
    completion_append_all_words(out, shell);
    g_string_append(out, "        fi\n"
                         "        ;;\n"
                         "    esac\n");
    g_string_append(out, shell->tail);
    return g_string_free(out, FALSE);
}

Error *completion_format(const char *shell, char **ret_script)
{
    for (size_t i = 0; i < G_N_ELEMENTS(completion_shells); i++) {
        if (strcmp(completion_shells[i]->name, shell) == 0) {
            *ret_script = completion_format_for(completion_shells[i]);
            return NULL;
        }
    }
    return error_new(ERR_INVALID, "no completion for shell \"%s\" (use bash or zsh)", shell);
}
