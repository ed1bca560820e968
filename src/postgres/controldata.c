/*
 * pg_controldata's report. It is asked in LC_ALL=C and TZ=UTC, so that labels and times have one
 * form whatever the machine speaks.
 */
#include "postgres/controldata.h"

#include <string.h>
#include <time.h>

#include "base/proc.h"
#include "base/text.h"

#define CONTROL_DATA_TIMEOUT_MS 30000

void control_data_free(ControlData *data)
{
    if (data == NULL)
        return;
    g_free(data->state);
    g_free(data->checkpoint_lsn);
    g_free(data->system_identifier);
    g_free(data);
}

/* The value of the line "Label:   value". */
static Error *control_data_find(const char *output, const char *label, char **ret_value)
{
    g_autofree char *pattern = g_strdup_printf("^%s:[ \t]+(.+)$", label);
    g_autoptr(GRegex) regex = g_regex_new(pattern, G_REGEX_MULTILINE, G_REGEX_MATCH_DEFAULT, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    if (!g_regex_match(regex, output, 0, &match))
        return error_detail(error_new(ERR_EXTERNAL, "pg_controldata says nothing of \"%s\"", label),
                            "%s", output);
    *ret_value = g_strchomp(g_match_info_fetch(match, 1));
    return NULL;
}

/* "Sat Nov 22 07:32:57 2025" in UTC */
static Error *control_data_time(const char *text, int64_t *ret_at_ms)
{
    struct tm tm = {};
    const char *end = strptime(text, "%a %b %d %H:%M:%S %Y", &tm);

    if (end == NULL || *end != '\0')
        return error_new(ERR_EXTERNAL, "pg_controldata prints no time that can be read: \"%s\"",
                         text);
    *ret_at_ms = (int64_t)timegm(&tm) * 1000;
    return NULL;
}

Error *control_data_parse(const char *output, ControlData **ret_data)
{
    g_autoptr(ControlData) data = g_new0(ControlData, 1);
    g_autofree char *time = NULL;
    g_autofree char *timeline = NULL;
    g_autofree char *version = NULL;

    TRY(control_data_find(output, "Database cluster state", &data->state));
    TRY(control_data_find(output, "Database system identifier", &data->system_identifier));
    TRY(control_data_find(output, "Latest checkpoint location", &data->checkpoint_lsn));
    TRY(control_data_find(output, "Latest checkpoint's TimeLineID", &timeline));
    TRY(control_data_find(output, "Time of latest checkpoint", &time));
    TRY(control_data_find(output, "pg_control version number", &version));
    TRY(text_parse_int(version, 1, UINT32_MAX, &data->version));
    TRY(text_parse_int(timeline, 1, UINT32_MAX, &data->timeline));
    TRY(control_data_time(time, &data->checkpoint_at_ms));
    data->is_shut_down = strcmp(data->state, "shut down") == 0; /* not "shut down in recovery" */

    *ret_data = g_steal_pointer(&data);
    return NULL;
}

Error *control_data_read(const Installation *installation, const char *data_dir,
                         ControlData **ret_data)
{
    g_autofree char *program = g_build_filename(installation->bin_dir, "pg_controldata", NULL);
    const char *argv[] = {program, data_dir, NULL};
    const char *env[] = {"LC_ALL=C", "TZ=UTC", NULL};
    ProcSpec spec = {.argv = argv, .env = env, .timeout_ms = CONTROL_DATA_TIMEOUT_MS};
    g_auto(ProcResult) result = {};

    Error *e = proc_run(&spec, &result);
    if (e == NULL)
        e = control_data_parse(result.output, ret_data);
    return e ? error_wrap(e, "reading the control data of \"%s\"", data_dir) : NULL;
}
