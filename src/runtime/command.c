/*
 * What an instance is started with.
 */
#include "runtime/command.h"

#include <string.h>

static void command_add_setting(GPtrArray *argv, const char *setting, const char *value)
{
    g_ptr_array_add(argv, g_strdup("-c"));
    g_ptr_array_add(argv, g_strconcat(setting, value, NULL));
}

char **instance_argv(const InstanceSpec *spec, const char *data_dir, const char *socket_dir)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new();

    g_ptr_array_add(argv, g_build_filename(spec->bin_dir, "postgres", NULL));
    g_ptr_array_add(argv, g_strdup("-D"));
    g_ptr_array_add(argv, g_strdup(data_dir));
    for (const char *const *setting = spec->settings; setting && *setting; setting++)
        command_add_setting(argv, *setting, "");
    command_add_setting(argv, COMMAND_SOCKETS, socket_dir); /* last: the last one wins */
    g_ptr_array_add(argv, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&argv), FALSE);
}

/*
 * When memory is short the kernel ends a backend rather than the postmaster. Source: PostgreSQL's
 * documentation, "Linux Memory Overcommit".
 */
char **instance_env(const char *bin_dir, const char *const *further)
{
    static const char *const usual[] = {
        "LC_ALL=C.UTF-8",
        "HOME=/tmp",
        "PG_OOM_ADJUST_FILE=/proc/self/oom_score_adj",
        "PG_OOM_ADJUST_VALUE=500",
    };
    g_autofree char *path = g_strdup_printf("PATH=%s:/usr/local/bin:/usr/bin:/bin", bin_dir);
    g_autoptr(GStrvBuilder) env = g_strv_builder_new();

    g_strv_builder_add(env, path);
    for (size_t i = 0; i < G_N_ELEMENTS(usual); i++)
        g_strv_builder_add(env, usual[i]);
    for (; further && *further; further++)
        if (strchr(*further, '='))
            g_strv_builder_add(env, *further);
    return g_strv_builder_end(env);
}
