/*
 * What a refresh would refuse of the configuration, told without one: jobs that make no refresh, and
 * settings that PostgreSQL does not take.
 */
#include <unistd.h>

#include "engine/instance/programs.h"
#include "postgres/conf.h"
#include "postgres/version.h"
#include "retrieval/work.h"

/* --- settings --- */

Error *settings_check_all(const Config *config, SettingsAsk ask, void *data)
{
    const struct {
        const char *path;
        const json_t *settings;
    } all[] = {
        {"databaseConfigs", config->database_configs},
        {"retrieval.spec.logicalRestore.options.configs", config->retrieval.restore.configs},
        {"retrieval.spec.logicalSnapshot.options.configs", config->retrieval.snapshot.configs},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(all); i++) {
        if (json_object_size(all[i].settings) == 0)
            continue;
        Error *e = ask(all[i].settings, data);
        if (e)
            return error_wrap(e, "%s", all[i].path);
    }
    return NULL;
}

/* --- asking without a server --- */

typedef struct ConfigAsk {
    const Config *config;
    const Installation *installation;
} ConfigAsk;

/* postgres refuses to run as root; who is nobody special asks as he is. */
static Error *config_run(const ProcSpec *spec, ProcResult *ret_result, void *data)
{
    const ConfigAsk *question = data;
    ProcSpec as_user = *spec;

    as_user.user = geteuid() == 0 ? question->config->postgres.os_user : NULL;
    return proc_run(&as_user, ret_result);
}

static Error *config_ask(const json_t *settings, void *data)
{
    const ConfigAsk *question = data;
    const ProgramRunner runner = {g_get_tmp_dir(), config_run, data};

    return conf_check_values(question->installation,
                             geteuid() == 0 ? question->config->postgres.os_user : NULL, &runner,
                             settings);
}

/* Of which major the source is nobody knows yet: settings that one of those here takes will do. */
static Error *config_ask_all(const Config *config, const GPtrArray *installations)
{
    g_autoptr(Error) refusal = NULL;

    for (unsigned i = installations->len; i > 0; i--) {
        ConfigAsk question = {config, installations->pdata[i - 1]};
        g_autofree char *version = version_name(question.installation->major);
        g_autoptr(Error) e = settings_check_all(config, config_ask, &question);

        if (!e)
            return NULL;
        if (!refusal)
            refusal = error_wrap(g_steal_pointer(&e), "PostgreSQL %s", version);
    }
    return g_steal_pointer(&refusal);
}

static Error *config_check_settings(const Config *config, const char **ret_left_out)
{
    g_auto(GStrv) bin_dirs = programs_bin_dirs(config);
    g_autoptr(GPtrArray) installations = NULL;

    if (config->provision.docker_image[0] != '\0' || config->runtime.root[0] != '\0') {
        *ret_left_out = "PostgreSQL is in an image, and is asked about settings by a refresh";
        return NULL;
    }
    TRY(installation_list((const char *const *)bin_dirs, &installations));
    if (installations->len == 0)
        *ret_left_out = "no PostgreSQL is installed here that could be asked about settings";
    return config_ask_all(config, installations);
}

Error *retrieval_check_config(const Config *config, const char **ret_left_out)
{
    *ret_left_out = NULL;
    if (json_array_size(config->retrieval.jobs) > 0)
        TRY(jobs_check(config));
    return config_check_settings(config, ret_left_out);
}
