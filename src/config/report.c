/*
 * Problems are gathered, never returned one at a time: an operator repairs the file once.
 */
#include "config/report.h"

#include <string.h>

#include "config/read.h"

#define REPORT_MAX 200 /* listed problems of a kind */

static void report_problem_free(void *data)
{
    ConfigProblem *problem = data;

    g_free(problem->path);
    g_free(problem->message);
    g_free(problem->hint);
    g_free(problem);
}

void report_init(Report *report)
{
    *report = (Report){
        .problems = g_ptr_array_new_with_free_func(report_problem_free),
        .lines = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
    };
}

void report_clear(Report *report)
{
    g_clear_pointer(&report->problems, g_ptr_array_unref);
    g_clear_pointer(&report->lines, g_hash_table_unref);
}

void report_place(Report *report, const char *path, int line)
{
    g_hash_table_replace(report->lines, g_strdup(path), GINT_TO_POINTER(line));
}

bool report_has_key(const Report *report, const char *path)
{
    return g_hash_table_contains(report->lines, path);
}

bool report_has_error(const Report *report, const char *path)
{
    for (guint i = 0; i < report->problems->len; i++) {
        const ConfigProblem *problem = g_ptr_array_index(report->problems, i);
        if (!problem->is_warning && strcmp(problem->path, path) == 0)
            return true;
    }
    return false;
}

int report_line(const Report *report, const char *path)
{
    g_autofree char *around = g_strdup(path);

    while (!g_hash_table_contains(report->lines, around)) {
        char *dot = strrchr(around, '.');
        if (!dot)
            return 0;
        *dot = '\0';
    }
    return GPOINTER_TO_INT(g_hash_table_lookup(report->lines, around));
}

/* The key's own name, without the sections around it. */
static const char *report_name(const char *path)
{
    const char *dot = strrchr(path, '.');

    return dot ? dot + 1 : path;
}

static bool report_is_said(const Report *report, int line, const char *path, const char *message)
{
    for (guint i = 0; line > 0 && i < report->problems->len; i++) {
        const ConfigProblem *old = g_ptr_array_index(report->problems, i);
        if (old->line == line && g_str_equal(old->message, message) &&
            g_str_equal(report_name(old->path), report_name(path)))
            return true;
    }
    return false;
}

static void report_add(Report *report, bool is_warning, const char *path, const char *hint,
                       char *message_take)
{
    g_autofree char *message = message_take;
    size_t *count = is_warning ? &report->warning_count : &report->error_count;
    int line = report_line(report, path);

    if (report_is_said(report, line, path, message) || ++*count > REPORT_MAX)
        return;

    ConfigProblem *problem = g_new0(ConfigProblem, 1);
    problem->is_warning = is_warning;
    problem->line = line;
    problem->path = g_strdup(path);
    problem->message = g_steal_pointer(&message);
    problem->hint = g_strdup(hint);
    g_ptr_array_add(report->problems, problem);
}

void report_error(Report *report, const char *path, const char *hint, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    report_add(report, false, path, hint, g_strdup_vprintf(fmt, args));
    va_end(args);
}

void report_warning(Report *report, const char *path, const char *hint, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    report_add(report, true, path, hint, g_strdup_vprintf(fmt, args));
    va_end(args);
}

static int report_compare(const void *a, const void *b)
{
    const ConfigProblem *left = *(ConfigProblem *const *)a;
    const ConfigProblem *right = *(ConfigProblem *const *)b;

    return left->line - right->line;
}

GPtrArray *report_steal_problems(Report *report)
{
    g_ptr_array_sort(report->problems, report_compare); /* stable */
    return g_steal_pointer(&report->problems);
}
