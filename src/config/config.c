/*
 * From a file to a Config: read, parse, take over by the table, check. Each stage adds to one
 * report, and a Config comes out only when that holds no error.
 */
#include "config/read.h"

#include <string.h>
#include <sys/stat.h>

#include "base/environment.h"
#include "config/check.h"
#include "config/options.h"
#include "config/report.h"
#include "config/walk.h"
#include "config/yaml.h"

#define CONFIG_MAX_BYTES (1024 * 1024)

static const struct {
    const char *name;
    size_t is_set; /* offset of the field */
} config_jobs[] = {
    {"logicalDump", offsetof(Config, retrieval.dump.is_set)},
    {"logicalRestore", offsetof(Config, retrieval.restore.is_set)},
    {"logicalSnapshot", offsetof(Config, retrieval.snapshot.is_set)},
};

static void *config_field(Config *config, const Option *option)
{
    return (char *)config + option->offset;
}

static Config *config_new(void)
{
    Config *config = g_new0(Config, 1);

    g_atomic_ref_count_init(&config->references);
    for (size_t i = 0; i < options_count; i++) {
        const Option *option = &options_table[i];
        const char *fallback = option->fallback;
        if (option->offset == OPTION_NOT_STORED)
            continue;
        if (option->type == OPTION_STRING)
            *(char **)config_field(config, option) = g_strdup(fallback ? fallback : "");
        else if (option->type == OPTION_INT && fallback)
            *(int64_t *)config_field(config, option) = g_ascii_strtoll(fallback, NULL, 10);
    }
    return config;
}

Config *config_ref(const Config *config)
{
    Config *counted = (Config *)(uintptr_t)config; /* to count it is no change */

    g_atomic_ref_count_inc(&counted->references);
    return counted;
}

void config_unref(Config *config)
{
    if (!config || !g_atomic_ref_count_dec(&config->references))
        return;
    for (size_t i = 0; i < options_count; i++) {
        const Option *option = &options_table[i];
        if (option->offset == OPTION_NOT_STORED)
            continue;
        if (option->type == OPTION_STRING)
            g_free(*(char **)config_field(config, option));
        else if (option->type != OPTION_INT && option->type != OPTION_BOOL)
            json_decref(*(json_t **)config_field(config, option));
    }
    g_free(config);
}

static int config_line_of(const char *text, const char *end)
{
    int line = 1;

    for (const char *c = text; c < end; c++)
        line += *c == '\n';
    return line;
}

/* The whole file as UTF-8 text; NULL when it is not fit to be one, and the report says why. */
static char *config_load_text(const char *path, Report *report)
{
    g_autoptr(GError) failure = NULL;
    g_autofree char *text = NULL;
    const char *bad = NULL;
    gsize length = 0;
    struct stat about = {0};

    if (stat(path, &about) == 0 && S_ISDIR(about.st_mode))
        report_error(report, "", "Name the file in it.", "is a directory");
    else if (!S_ISREG(about.st_mode))
        report_error(report, "", NULL, "is not a regular file");
    else if (about.st_size > CONFIG_MAX_BYTES)
        report_error(report, "", NULL, "is larger than 1 MiB");
    else if (!g_file_get_contents(path, &text, &length, &failure))
        report_error(report, "", NULL, "could not be read: %s", failure->message);
    else if (!g_utf8_validate_len(text, length, &bad)) {
        report_place(report, "", config_line_of(text, bad));
        report_error(report, "", "Save the file as UTF-8.", "is not UTF-8 text");
    } else
        return g_steal_pointer(&text);
    return NULL;
}

static YamlTree *config_parse_text(const char *text, Report *report)
{
    g_autoptr(YamlTree) tree = NULL;
    YamlPlace place = {0};
    g_autoptr(Error) error = yaml_parse(text, &place, &tree);

    if (error) {
        report_place(report, "", place.line);
        report_error(report, "", NULL, "column %d: %s", place.column, error->message);
        return NULL;
    }
    if (!yaml_root(tree) || yaml_kind(yaml_root(tree)) != YAML_MAPPING) {
        report_error(report, "", "See the configuration reference.",
                     yaml_root(tree) ? "must hold sections such as \"server:\"" : "is empty");
        return NULL;
    }
    return g_steal_pointer(&tree);
}

/* A job is set when it is listed and has a spec. */
static void config_mark_jobs(Config *config, const Report *report)
{
    size_t i;
    json_t *listed;

    json_array_foreach (config->retrieval.jobs, i, listed) {
        for (size_t job = 0; job < G_N_ELEMENTS(config_jobs); job++) {
            const char *name = config_jobs[job].name;
            g_autofree char *spec = g_strconcat("retrieval.spec.", name, NULL);
            if (g_str_equal(name, json_string_value(listed)) && report_has_key(report, spec))
                *(bool *)((char *)config + config_jobs[job].is_set) = true;
        }
    }
}

static void config_take_environment(Config *config)
{
    const char *password = environment_get("PGPASSWORD");

    if (password && password[0]) {
        g_free(config->retrieval.dump.password);
        config->retrieval.dump.password = g_strdup(password);
    }
}

static void config_fill(Config *config, const char *path, Report *report)
{
    g_autofree char *text = config_load_text(path, report);
    g_autoptr(YamlTree) tree = text ? config_parse_text(text, report) : NULL;

    if (!tree)
        return;
    walk_file(yaml_root(tree), config, report);
    config_mark_jobs(config, report);
    config_take_environment(config);
    check_config(config, report);
}

static Error *config_error(const char *path, size_t count, const GPtrArray *problems)
{
    g_autoptr(GString) lines = g_string_new(NULL);
    size_t listed = 0;

    for (guint i = 0; i < problems->len; i++) {
        const ConfigProblem *problem = g_ptr_array_index(problems, i);
        if (problem->is_warning)
            continue;
        g_autofree char *line = config_problem_text(path, problem);
        g_string_append_printf(lines, "%s%s", listed++ ? "\n" : "", line);
    }
    if (count > listed)
        g_string_append_printf(lines, "\n… and %zu more", count - listed);
    return error_detail(error_new(ERR_INVALID, "configuration \"%s\" has %zu error%s", path, count,
                                  count == 1 ? "" : "s"),
                        "%s", lines->str);
}

Error *config_read(const char *path, GPtrArray **ret_problems, Config **ret_config)
{
    g_auto(Report) report = {0};
    g_autoptr(Config) config = config_new();
    bool is_missing = !g_file_test(path, G_FILE_TEST_EXISTS);

    report_init(&report);
    if (!is_missing)
        config_fill(config, path, &report);
    *ret_problems = report_steal_problems(&report);

    if (is_missing)
        return error_hint(error_new(ERR_NOT_FOUND, "configuration \"%s\" does not exist", path),
                          "Name the file with --config.");
    if (report.error_count)
        return config_error(path, report.error_count, *ret_problems);
    *ret_config = g_steal_pointer(&config);
    return NULL;
}

/* Several messages of the compatibility contract name the option themselves. */
char *config_problem_text(const char *file, const ConfigProblem *problem)
{
    g_autoptr(GString) text = g_string_new(file);
    bool has_path = problem->path && problem->path[0] && !strstr(problem->message, problem->path);

    if (problem->line > 0)
        g_string_append_printf(text, ":%d", problem->line);
    g_string_append_printf(text, ": %s%s%s%s", problem->is_warning ? "warning: " : "",
                           has_path ? problem->path : "", has_path ? ": " : "", problem->message);
    if (problem->hint)
        g_string_append_printf(text, " (%s)", problem->hint);
    return g_string_free(g_steal_pointer(&text), FALSE);
}
