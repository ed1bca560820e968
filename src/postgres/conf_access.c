/*
 * Who may connect: pg_hba.conf and pg_ident.conf. Users come by password from anywhere; the manager
 * comes over the Unix socket alone, as an operating-system user that the kernel vouches for.
 */
#include <string.h>
#include <unistd.h>

#include "base/user.h"
#include "postgres/conf.h"

#define IDENT_MAP "ramet"

/* Both files quote alike: a quote within is doubled. Even a name like "all" means itself then. */
static char *access_quote(const char *name)
{
    g_auto(GStrv) pieces = g_strsplit(name, "\"", -1);
    g_autofree char *doubled = g_strjoinv("\"\"", pieces);

    return g_strdup_printf("\"%s\"", doubled);
}

char *conf_hba(const ConfAccess *access)
{
    g_autofree char *name = access_quote(access->manager);
    const bool is_own = g_strcmp0(access->user, access->manager) == 0;
    const char *method = access->accepts_md5 ? "md5" : "scram-sha-256"; /* md5 takes both */
    GString *text = g_string_new("# Written by ramet. The first line that fits decides.\n");

    if (!is_own)
        g_string_append_printf(text,
                               "host all %1$s 0.0.0.0/0 reject\n"
                               "host all %1$s ::/0 reject\n",
                               name);
    g_string_append_printf(text,
                           "local %1$s %2$s peer map=" IDENT_MAP "\n"
                           "local all all %3$s\n"
                           "host all all 0.0.0.0/0 %3$s\n"
                           "host all all ::/0 %3$s\n",
                           is_own ? CONF_MANAGER_DB : "all", name, method);
    return g_string_free(text, FALSE);
}

static void access_add_manager(GString *text, const char *os_user, const char *manager)
{
    g_autofree char *user_name = access_quote(os_user);
    g_autofree char *manager_name = access_quote(manager);

    g_string_append_printf(text, IDENT_MAP " %s %s\n", user_name, manager_name);
}

char *conf_ident(const ConfAccess *access)
{
    g_autofree char *self = user_name(geteuid());
    GString *text =
        g_string_new("# Written by ramet: map, operating-system user, database user.\n");

    if (self)
        access_add_manager(text, self, access->manager);
    if (access->tool_user && g_strcmp0(self, access->tool_user) != 0)
        access_add_manager(text, access->tool_user, access->manager);
    return g_string_free(text, FALSE);
}
