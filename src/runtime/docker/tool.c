/*
 * It is waited for by its process, as any other; its status and what it has printed come from the
 * engine.
 */
#include "runtime/docker/tool.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "runtime/docker/lifecycle.h"

#define TOOL_LOOK_MS   200 /* how soon a cancel is noticed */
#define TOOL_FRAME     8   /* bytes of a frame's header: stream, 0, 0, 0, size of the rest */
#define TOOL_OF_STDOUT 1

static Error *tool_wait(int pidfd, const ProcSpec *spec)
{
    int64_t deadline_ms =
        spec->timeout_ms > 0 ? clock_monotonic_ms() + spec->timeout_ms : INT64_MAX;

    while (!proc_wait_ended(pidfd, TOOL_LOOK_MS))
        if (g_cancellable_is_cancelled(spec->cancel) || clock_monotonic_ms() > deadline_ms)
            return error_new(ERR_TIMEOUT, "program \"%s\" was stopped: %s", spec->argv[0],
                             g_cancellable_is_cancelled(spec->cancel) ? "cancelled" : "too slow");
    return NULL;
}

static Error *tool_read_status(const char *socket, const char *name, int *ret_status)
{
    g_autofree char *path = g_strdup_printf("/containers/%s/wait", name);
    json_t *answer = NULL;

    TRY(docker_call(socket, "POST", path, NULL, &answer));
    *ret_status = (int)json_integer_value(json_object_get(answer, "StatusCode"));
    json_decref(answer);
    return NULL;
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

/* One that is quick has ended before it is looked for. */
static Error *tool_run_to_end(const char *socket, const char *name, const ProcSpec *spec,
                              ProcResult *result)
{
    g_auto(ContainerProcess) process = {.pidfd = -1};
    Error *e = container_find(socket, name, &process);

    if (!e)
        TRY(tool_wait(process.pidfd, spec));
    else if (e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    TRY(tool_read_status(socket, name, &result->exit_status));
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
