/*
 * Faults on demand: one is set by the environment, read once.
 */
#include "operation/fault.h"

#include <signal.h>
#include <stdbool.h>
#include <unistd.h>

#include "base/text.h"

typedef struct Fault {
    char *kind;
    int64_t step;
    char *action;
} Fault;

static void *fault_parse(void *unused)
{
    const char *text = g_getenv("RAMET_FAULT");
    g_auto(GStrv) parts = text ? g_strsplit(text, ":", 3) : NULL;

    if (!parts || g_strv_length(parts) != 3)
        return NULL;
    Fault *fault = g_new0(Fault, 1);
    Error *e = text_parse_int(parts[1], 0, 99, &fault->step);
    error_ignore(e, "RAMET_FAULT names no step");
    fault->kind = g_strdup(parts[0]);
    fault->action = g_strdup(parts[2]);
    return fault;
}

static bool fault_is(const char *kind, int64_t step, const char *action)
{
    static GOnce once = G_ONCE_INIT;
    const Fault *fault = g_once(&once, fault_parse, NULL);

    return fault && fault->step == step && g_str_equal(fault->kind, kind) &&
           g_str_equal(fault->action, action);
}

Error *fault_before(const char *kind, int64_t step)
{
    if (fault_is(kind, step, "kill"))
        kill(getpid(), SIGKILL);
    if (fault_is(kind, step, "fail"))
        return error_new(ERR_EXTERNAL, "fault on demand");
    return NULL;
}

void fault_after(const char *kind, int64_t step)
{
    if (fault_is(kind, step, "kill-after"))
        kill(getpid(), SIGKILL);
}
