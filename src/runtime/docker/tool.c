/*
 * The engine is asked for its end, and then for what it has printed.
 */
#include "runtime/docker/tool.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "runtime/docker/lifecycle.h"

#define TOOL_TIMEOUT_MS (24 * 3600 * INT64_C(1000)) /* with a cancel alone */
#define TOOL_FRAME      8 /* bytes of a frame's header: stream, 0, 0, 0, size of the rest */
#define TOOL_OF_STDOUT  1

static Error *tool_wait(const char *socket, const char *name, const ProcSpec *spec, int *ret_status)
{
    g_autofree char *path = g_strdup_printf("/containers/%s/wait", name);
    const DockerCall call = {
        .timeout_ms = spec->timeout_ms > 0 ? spec->timeout_ms : TOOL_TIMEOUT_MS,
        .cancel = spec->cancel,
    };
    g_autoptr(json_t) answer = NULL;
    json_t *code;
    Error *e = NULL;

    TRY(docker_call(socket, "POST", path, &call, &answer));
    code = json_object_get(answer, "StatusCode");
    *ret_status = (int)json_integer_value(code);
    if (!json_is_integer(code))
        e = error_new(ERR_EXTERNAL, "the container engine does not tell how it ended");
    return e;
}

/* --- its output --- */

/* A log is a row of frames: header and bytes. */
static void tool_split(const HttpResponse *log, GString *output, GString *errors)
{
    size_t at = 0;

    while (at + TOOL_FRAME <= log->size) {
        const unsigned char *header = (const unsigned char *)log->body + at;
        size_t size =
            (size_t)header[4] << 24 | (size_t)header[5] << 16 | (size_t)header[6] << 8 | header[7];

        at += TOOL_FRAME;
        size = MIN(size, log->size - at);
        g_string_append_len(header[0] == TOOL_OF_STDOUT ? output : errors, log->body + at,
                            (gssize)size);
        at += size;
    }
}

static void tool_tell_lines(const ProcSpec *spec, const char *errors)
{
    g_auto(GStrv) lines = g_strsplit(errors, "\n", -1);

    for (char **line = lines; spec->on_error_line && *line; line++)
        if (**line)
            spec->on_error_line(*line, spec->on_error_line_data);
}

static Error *tool_read_output(const char *socket, const char *name, const ProcSpec *spec,
                               ProcResult *result)
{
    g_autofree char *path = g_strdup_printf("/containers/%s/logs?stdout=1&stderr=1", name);
    g_auto(HttpResponse) log = {0};
    g_autoptr(GString) output = g_string_new(NULL);
    g_autoptr(GString) errors = g_string_new(NULL);

    TRY(docker_call(socket, "GET", path, &(DockerCall){.ret_raw = &log}, NULL));
    tool_split(&log, output, errors);
    tool_tell_lines(spec, errors->str);
    result->output = g_string_free(g_steal_pointer(&output), FALSE);
    result->errors = text_tail(errors->str, PROC_ERRORS_MAX);
    return NULL;
}

/* --- the whole --- */

static Error *tool_verdict(const ProcSpec *spec, const ProcResult *result)
{
    g_autofree char *program = g_path_get_basename(spec->argv[0]);

    if (result->exit_status == 0)
        return NULL;
    return error_detail(error_new(ERR_EXTERNAL, "program \"%s\" failed with status %d", program,
                                  result->exit_status),
                        "%s", result->errors);
}

static Error *tool_run_to_end(const char *socket, const char *name, const ProcSpec *spec,
                              ProcResult *result)
{
    TRY(tool_wait(socket, name, spec, &result->exit_status));
    TRY(tool_read_output(socket, name, spec, result));
    return tool_verdict(spec, result);
}

Error *tool_run_container(const char *socket, const char *name, const ContainerSpec *container,
                          const ProcSpec *spec, ProcResult *ret_result)
{
    g_auto(ProcResult) unwanted = {0};
    Error *e = container_start(socket, name, container);

    if (!e)
        e = tool_run_to_end(socket, name, spec, ret_result ? ret_result : &unwanted);
    error_ignore(container_remove(socket, name), "it is removed at the next start");
    return e;
}
