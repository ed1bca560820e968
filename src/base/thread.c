/*
 * The one place that starts threads.
 */
#include "base/thread.h"

Error *thread_start(const char *name, GThreadFunc run, void *data, GThread **ret_thread)
{
    g_autoptr(GError) error = NULL;
    GThread *thread = g_thread_try_new(name, run, data, &error);

    if (!thread)
        return error_hint(
            error_new(ERR_BUSY, "could not start thread \"%s\": %s", name, error->message),
            "The limit of processes is reached, or memory is short: see TasksMax= of the service, "
            "ulimit -u, and pids.max of the control group.");
    *ret_thread = thread;
    return NULL;
}
