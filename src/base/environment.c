/*
 * Variables that were taken out of the environment.
 */
#include "base/environment.h"

#include <glib.h>

static char **environment_own; /* "NAME=value"; never freed, as others borrow from it */

void environment_take(const char *prefix, const char *const *shared)
{
    g_autoptr(GPtrArray) own = g_ptr_array_new();
    g_auto(GStrv) names = g_listenv();

    for (char **name = names; *name; name++) {
        if (!g_str_has_prefix(*name, prefix))
            continue;
        g_ptr_array_add(own, g_strdup_printf("%s=%s", *name, g_getenv(*name)));
        if (!shared || !g_strv_contains(shared, *name))
            g_unsetenv(*name);
    }
    g_ptr_array_add(own, NULL);
    environment_own = (char **)g_ptr_array_free(g_steal_pointer(&own), FALSE);
}

const char *const *environment_taken(void)
{
    static const char *const none[] = {NULL};

    return environment_own ? (const char *const *)environment_own : none;
}

const char *environment_get(const char *name)
{
    const char *value = environment_own ? g_environ_getenv(environment_own, name) : NULL;

    return value ? value : g_getenv(name);
}
