/*
 * Made as a package would. Source: useradd(8).
 */
#include "engine/gate/user.h"

#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/proc.h"
#include "config/defaults.h"

#define USER_FALLBACK   "nobody"
#define USER_TIMEOUT_MS 30000

static bool gate_user_exists(const char *name)
{
    uid_t uid;
    gid_t gid;
    Error *e = fs_find_user(name, &uid, &gid);

    error_free(e);
    return !e;
}

static Error *gate_user_make(const char *name)
{
    const char *const argv[] = {
        "useradd",    "--system",      "--user-group", "--no-create-home",
        "--home-dir", "/nonexistent",  "--shell",      "/usr/sbin/nologin",
        "--comment",  "Ramet gateway", name,           NULL,
    };

    return proc_run(&(ProcSpec){.argv = argv, .timeout_ms = USER_TIMEOUT_MS}, NULL);
}

char *gate_user_made(const char *name)
{
    if (gate_user_exists(name))
        return g_strdup(name);

    g_autoptr(Error) e = gate_user_make(name);

    if (gate_user_exists(name)) { /* another server may have been faster */
        log_info("an operating-system user was made for the gateway", "user", name);
        return g_strdup(name);
    }
    log_failure(LOG_LEVEL_WARN, e,
                "the gateway has no user of its own: other programs of its user can take its "
                "connections",
                "user", USER_FALLBACK, NULL);
    return g_strdup(USER_FALLBACK);
}

char *gate_user(const Config *config)
{
    const char *name = config->runtime.gateway_user;

    if (geteuid() != 0 || !g_str_equal(name, DEFAULT_GATEWAY_USER))
        return g_strdup(name);
    return gate_user_made(name);
}
