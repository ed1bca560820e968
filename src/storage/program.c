/*
 * What programs of storage find in their environment.
 */
#include "storage/program.h"

#include "base/fs.h"

const char *program_udev_socket = "/run/udev/control";

/*
 * LVM complains of descriptors that others left open, in the words that we read; and it waits for
 * device nodes that only udev makes, where nobody tells it that there is none, as in a container.
 */
Error *program_run(const char *const *argv, int64_t timeout_ms, ProcResult *ret_result)
{
    const bool has_udev = fs_exists(program_udev_socket) && !g_getenv("DM_DISABLE_UDEV");
    const char *const env[] = {"LC_ALL=C", "LVM_SUPPRESS_FD_WARNINGS=1",
                               has_udev ? NULL : "DM_DISABLE_UDEV=1", NULL};

    return proc_run(&(ProcSpec){.argv = argv, .env = env, .timeout_ms = timeout_ms}, ret_result);
}

Error *program_ask(const char *const *argv, int64_t timeout_ms, char **ret_output)
{
    g_auto(ProcResult) result = {0};

    TRY(program_run(argv, timeout_ms, &result));
    if (ret_output)
        *ret_output = g_strdup(g_strstrip(result.output));
    return NULL;
}

Error *program_run_on(const char *const *argv, const char *last, int64_t timeout_ms)
{
    g_autoptr(GPtrArray) words = g_ptr_array_new();

    for (size_t i = 0; argv[i]; i++)
        g_ptr_array_add(words, (gpointer)(uintptr_t)argv[i]);
    g_ptr_array_add(words, (gpointer)(uintptr_t)last);
    g_ptr_array_add(words, NULL);
    return program_run((const char *const *)words->pdata, timeout_ms, NULL);
}
