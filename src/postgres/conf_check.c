/*
 * Asking PostgreSQL itself whether it takes some settings: postgres -C reads a configuration file,
 * complains of all that is wrong in it, and ends before it looks for a cluster. It tells unknown
 * names first, and bad values only when there are none: so it is asked a second time without the
 * unknown ones.
 */
#include <errno.h>

#include "base/fs.h"
#include "base/proc.h"
#include "postgres/conf.h"
#include "postgres/conf_name.h"

#define CHECK_TIMEOUT_MS 30000

/* The settings in question must not decide where and how their own errors are printed. */
#define PLAIN_MESSAGES                                                                             \
    "-c", "log_line_prefix=", "-c", "log_destination=stderr", "-c", "lc_messages=C", "-c",         \
        "log_min_messages=notice", "-c", "log_error_verbosity=terse"

/*
 * Problems of one try, for people: what stands between "LOG:  " and ` in file "…" line 3`. What is
 * FATAL is a problem too, but for the one that only says that there were some.
 */
static GPtrArray *check_problems(const char *errors)
{
    GPtrArray *problems = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(GRegex) regex =
        g_regex_new("^(?:LOG|FATAL):  (?!configuration file )(.+?)( in file \".*\" line \\d+.*)?$",
                    G_REGEX_MULTILINE, G_REGEX_MATCH_DEFAULT, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    g_regex_match(regex, errors, 0, &match);
    for (; g_match_info_matches(match); g_match_info_next(match, NULL))
        g_ptr_array_add(problems, g_match_info_fetch(match, 1));
    return problems;
}

/* Takes the settings that a problem calls unknown out; returns whether there were any. */
static bool check_drop_unknown(json_t *settings, const GPtrArray *problems)
{
    g_autoptr(GRegex) regex =
        g_regex_new("^unrecognized configuration parameter \"(.+)\"$", 0, 0, NULL);
    bool is_dropped = false;

    for (guint i = 0; i < problems->len; i++) {
        g_autoptr(GMatchInfo) match = NULL;
        if (!g_regex_match(regex, g_ptr_array_index(problems, i), 0, &match))
            continue;
        g_autofree char *name = g_match_info_fetch(match, 1);
        is_dropped |= json_object_del(settings, name) == 0;
    }
    return is_dropped;
}

static Error *check_write(const char *dir, const char *os_user, const json_t *settings)
{
    g_autofree char *path = g_build_filename(dir, "postgresql.conf", NULL);
    g_autofree char *auto_path = g_build_filename(dir, "postgresql.auto.conf", NULL);
    g_autofree char *text = conf_format_settings(settings);
    FsWrite how = {.user = os_user};

    TRY(fs_write_file(auto_path, "", &how));
    return fs_write_file(path, text, &how);
}

typedef struct ConfCheck {
    const Installation *installation;
    const char *os_user;
    const ProgramRunner *runner;
    const char *dir; /* of the files it is asked about */
} ConfCheck;

/* One try: problems are empty when postgres takes them all. They are added to evidence, too. */
static Error *check_try(const ConfCheck *check, const json_t *settings, GString *evidence,
                        GPtrArray **ret_problems)
{
    g_autofree char *postgres = installation_own_program(check->installation, "postgres");
    const char *argv[] = {postgres, "-D", ".", PLAIN_MESSAGES, "-C", "data_directory", NULL};
    const char *env[] = {"LC_ALL=C", NULL};
    ProcSpec spec = {
        .argv = argv,
        .env = env,
        .cwd = check->dir,
        .timeout_ms = CHECK_TIMEOUT_MS,
    };
    g_auto(ProcResult) result = {};

    TRY(check_write(check->dir, check->os_user, settings));
    g_autoptr(Error) e = check->runner->run(&spec, &result, check->runner->data);
    g_autoptr(GPtrArray) problems = check_problems(e && result.errors ? result.errors : "");
    if (e && problems->len == 0)
        return g_steal_pointer(&e); /* it failed for another reason */
    for (guint i = 0; i < problems->len; i++)
        g_string_append_printf(evidence, "%s\n", (const char *)g_ptr_array_index(problems, i));
    *ret_problems = g_steal_pointer(&problems);
    return NULL;
}

static Error *check_verdict(const GPtrArray *problems, const GString *evidence)
{
    if (problems->len == 0)
        return NULL;
    const char *first = g_ptr_array_index(problems, 0);
    Error *e = problems->len == 1 ? error_new(ERR_INVALID, "invalid setting: %s", first)
                                  : error_new(ERR_INVALID, "invalid setting: %s (and %u more)",
                                              first, problems->len - 1);
    return error_detail(e, "%s", evidence->str);
}

static Error *check_in_dir(const ConfCheck *check, json_t *settings)
{
    g_autoptr(GPtrArray) problems = NULL;
    g_autoptr(GPtrArray) more = NULL;
    g_autoptr(GString) evidence = g_string_new(NULL);

    TRY(fs_make_dir(check->dir, 0700, check->os_user));
    TRY(check_try(check, settings, evidence, &problems));
    if (check_drop_unknown(settings, problems)) {
        TRY(check_try(check, settings, evidence, &more));
        g_ptr_array_extend_and_steal(problems, g_steal_pointer(&more));
    }
    return check_verdict(problems, evidence);
}

Error *conf_check_values(const Installation *installation, const char *os_user,
                         const ProgramRunner *runner, const json_t *settings)
{
    if (json_object_size(settings) == 0)
        return NULL;

    g_autofree char *dir = g_build_filename(runner->scratch, "ramet-conf-XXXXXX", NULL);
    if (!g_mkdtemp(dir))
        return error_errno(errno, "making a directory in \"%s\"", runner->scratch);

    const ConfCheck check = {installation, os_user, runner, dir};
    json_t *left = json_copy((json_t *)(uintptr_t)settings);
    Error *e = check_in_dir(&check, left);
    json_decref(left);
    error_ignore(fs_remove_tree(dir), "a temporary directory is left over");
    return e;
}
