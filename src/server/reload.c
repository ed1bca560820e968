/*
 * Reading server.yml again.
 */
#include "server/reload.h"

#include "base/log.h"
#include "config/container_limits.h"
#include "config/read.h"
#include "server/commands.h"

static void reload_tell(const GPtrArray *changed, const GPtrArray *waiting)
{
    for (unsigned i = 0; i < changed->len; i++)
        log_info("configuration: changed", "option", changed->pdata[i]);
    for (unsigned i = 0; i < waiting->len; i++)
        log_warn("configuration: a change waits for a restart", "option", waiting->pdata[i]);
    if (changed->len + waiting->len == 0)
        log_info("configuration: nothing has changed");
}

/* Each file is checked as it is. What it changes now must also fit what waits for a restart. */
static Error *reload_check(const Config *config)
{
    bool is_docker = g_str_equal(config->runtime.driver, "docker");
    LimitsConfig limits;

    return error_wrap(limits_parse(config->provision.container_config, is_docker, &limits),
                      "provision.containerConfig does not fit runtime.driver \"%s\", which holds "
                      "until a restart",
                      config->runtime.driver);
}

static Error *reload(Engine *engine, const ServerOptions *options)
{
    g_autoptr(Config) now = engine_config(engine);
    g_autoptr(Config) fresh = NULL;
    g_autoptr(GPtrArray) changed = g_ptr_array_new();
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();

    TRY(command_read_config(options, &fresh));
    log_set_level(now->global.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
    config_reload(now, fresh, changed, waiting);
    TRY(reload_check(fresh));
    log_set_level(fresh->global.debug ? LOG_LEVEL_DEBUG : LOG_LEVEL_INFO);
    log_add_secret(fresh->retrieval.dump.password);
    engine_set_config(engine, fresh);
    reload_tell(changed, waiting);
    return NULL;
}

void server_reload(Engine *engine, const ServerOptions *options)
{
    g_autoptr(Error) e = reload(engine, options);

    if (e)
        log_failure(LOG_LEVEL_ERROR, e, "what was read of the configuration before holds", NULL);
}
