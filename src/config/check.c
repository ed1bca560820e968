/*
 * One small function a rule. They run after the walk, so each value has its type and range.
 */
#include "config/check.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "config/connection_string.h"
#include "config/container_limits.h"
#include "config/cron.h"
#include "config/defaults.h"
#include "config/docker_options.h"

#define CHECK_DUMP    "retrieval.spec.logicalDump.options."
#define CHECK_RESTORE "retrieval.spec.logicalRestore.options."

#define CHECK_PORT_OF_ALL       1024 /* below it ports are for root */
#define CHECK_LOG_MIN_BYTES     (UINT64_C(64) << 10)
#define CHECK_LOG_MAX_BYTES     (UINT64_C(64) << 30)
#define CHECK_OPTION_CHARACTERS G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS "-_=\""

static const struct {
    const char *name;
    bool is_physical;
} check_jobs_known[] = {
    {"logicalDump", false},    {"logicalRestore", false},  {"logicalSnapshot", false},
    {"physicalRestore", true}, {"physicalSnapshot", true},
};

static void check_error(Report *report, const char *path, const char *hint, const char *fmt, ...)
    G_GNUC_PRINTF(4, 5);

static void check_error(Report *report, const char *path, const char *hint, const char *fmt, ...)
{
    g_autofree char *message = NULL;
    va_list args;

    va_start(args, fmt);
    message = g_strdup_vprintf(fmt, args);
    va_end(args);
    if (!report_has_error(report, path))
        report_error(report, path, hint, "%s", message);
}

static void check_absolute(Report *report, const char *path, const char *value)
{
    if (value[0] == '\0')
        check_error(report, path, "Write an absolute path.", "must be set");
    else if (!g_path_is_absolute(value))
        check_error(report, path, "Begin it with \"/\".", "must be an absolute path");
}

/* One component of a path: what we join to a directory must not lead out of it. */
static void check_plain_name(Report *report, const char *path, const char *value)
{
    if (value[0] == '\0' || strchr(value, '/') || value[0] == '.')
        check_error(report, path, NULL, "must be the name of a directory, without \"/\"");
}

static void check_not_empty(Report *report, const char *path, const char *value)
{
    if (value[0] == '\0')
        check_error(report, path, NULL, "must not be empty");
}

static void check_server(const Config *config, Report *report)
{
    if (config->server.verification_token[0] == '\0' && !config->server.allow_no_token)
        check_error(report, "server.verificationToken",
                    "Set a token, or server.allowNoToken: true if everyone who reaches the port "
                    "may do everything.",
                    "an empty token lets everyone in");
    check_absolute(report, "server.stateDir", config->server.state_dir);
}

static bool check_uses_gateway(const RuntimeConfig *runtime)
{
    return !g_str_equal(runtime->driver, "process") && g_str_equal(runtime->network, "none");
}

static void check_port_pool(const Config *config, Report *report)
{
    const ProvisionConfig *provision = &config->provision;
    const char *hint = "For example from: 6000, to: 6099.";

    if (provision->port_from == 0)
        check_error(report, "provision.portPool.from", hint,
                    "\"portPool.from\" must be defined and be greater than 0");
    if (provision->port_to == 0)
        check_error(report, "provision.portPool.to", hint,
                    "\"portPool.to\" must be defined and be greater than 0");
    if (provision->port_from == 0 || provision->port_to == 0)
        return;
    if (provision->port_to < provision->port_from)
        check_error(report, "provision.portPool", hint,
                    "\"portPool\" must include at least one port");
    else if (config->server.port >= provision->port_from &&
             config->server.port <= provision->port_to)
        check_error(report, "provision.portPool", NULL,
                    "\"portPool\" must not include the server's own port %" G_GINT64_FORMAT,
                    config->server.port);
    else if (provision->port_from < CHECK_PORT_OF_ALL && check_uses_gateway(&config->runtime))
        check_error(report, "provision.portPool.from", "Begin at 1024 or above.",
                    "ports below 1024 are for root, and ramet-gateway runs as \"%s\"",
                    config->runtime.gateway_user);
}

static bool check_is_address(const char *text)
{
    unsigned char address[sizeof(struct in6_addr)];
    size_t length = strlen(text);

    if (length < 2 || text[0] != '[' || text[length - 1] != ']')
        return inet_pton(AF_INET, text, address) == 1;
    g_autofree char *inner = g_strndup(text + 1, length - 2);
    return inet_pton(AF_INET6, inner, address) == 1;
}

static void check_access_addresses(const Config *config, Report *report)
{
    g_auto(GStrv) addresses = g_strsplit(config->provision.clone_access_addresses, ",", -1);

    for (char **address = addresses; *address; address++) {
        if (check_is_address(g_strstrip(*address)))
            continue;
        g_autofree char *shown = text_printable(*address, 60);
        check_error(report, "provision.cloneAccessAddresses",
                    "Write addresses separated by commas: \"127.0.0.1,[::1]\".",
                    "\"%s\" is no address", shown);
    }
}

static void check_pools(const Config *config, Report *report)
{
    const PoolManagerConfig *pools = &config->pool_manager;

    check_absolute(report, "poolManager.mountDir", pools->mount_dir);
    check_plain_name(report, "poolManager.dataSubDir", pools->data_sub_dir);
    if (pools->selected_pool[0])
        check_plain_name(report, "poolManager.selectedPool", pools->selected_pool);
}

static void check_runtime(const Config *config, Report *report)
{
    if (g_str_equal(config->runtime.driver, "process") && !config->runtime.is_trusted)
        check_error(report, "runtime.trusted",
                    "Set runtime.trusted: true if whoever gets a clone may also run programs on "
                    "this machine as postgres.osUser.",
                    "the \"process\" runtime does not isolate clones, so all users must be "
                    "trusted");
    check_not_empty(report, "runtime.gatewayUser", config->runtime.gateway_user);
    if (g_str_equal(config->runtime.gateway_user, "root"))
        check_error(report, "runtime.gatewayUser", NULL, "the gateway needs no privileges");
    if (g_str_equal(config->runtime.gateway_user, config->postgres.os_user))
        check_error(report, "runtime.gatewayUser", "The default, " DEFAULT_GATEWAY_USER ", does.",
                    "must not be the user whom all clones' data belongs to");
}

static void check_log_size(const Config *config, Report *report)
{
    uint64_t bytes = 0;
    g_autoptr(Error) e = text_parse_size(config->runtime.log_size, &bytes);

    if (e)
        check_error(report, "runtime.logSize", e->hint, "%s", e->message);
    else if (bytes < CHECK_LOG_MIN_BYTES || bytes > CHECK_LOG_MAX_BYTES)
        check_error(report, "runtime.logSize", "For example 16MB.",
                    "must be from 64KB to 64GB, not %s", config->runtime.log_size);
}

static void check_container_config(const Config *config, Report *report)
{
    const json_t *options = config->provision.container_config;
    bool is_docker = g_str_equal(config->runtime.driver, "docker");
    LimitsConfig limits;
    g_autoptr(json_t) others = NULL;
    g_autoptr(Error) e = limits_parse(options, is_docker, &limits);

    if (!e && is_docker)
        e = docker_options_parse(options, &others);
    if (e)
        check_error(report, "provision.containerConfig", e->hint, "%s", e->message);
}

/* What an operator may do, and should know. */
static void check_isolation(const Config *config, Report *report)
{
    static const char *const names[] = {"network", "runtime", "security-opt", "volume"};

    if (!g_str_equal(config->runtime.driver, "docker"))
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (json_object_get(config->provision.container_config, names[i]))
            report_warning(report, "provision.containerConfig", NULL,
                           "\"%s\" can take away what keeps clones apart: docs/security.md",
                           names[i]);
}

static void check_image(const Config *config, Report *report)
{
    bool is_docker = g_str_equal(config->runtime.driver, "docker");

    if (is_docker && config->provision.docker_image[0] == '\0')
        check_error(report, "provision.dockerImage",
                    "Name an image that holds PostgreSQL of the source's major.",
                    "the \"docker\" runtime needs an image");
    if (!is_docker && config->provision.docker_image[0] != '\0')
        report_warning(report, "provision.dockerImage", "Set runtime.driver: docker to use it.",
                       "has no effect with the \"%s\" runtime", config->runtime.driver);
    if (config->runtime.root[0] != '\0' && !g_str_equal(config->runtime.driver, "oci"))
        check_error(report, "runtime.root", NULL, "is for the \"oci\" runtime alone");
    if (config->runtime.root[0] != '\0')
        check_absolute(report, "runtime.root", config->runtime.root);
}

static void check_postgres(const Config *config, Report *report)
{
    size_t i;
    json_t *dir;

    json_array_foreach (config->postgres.bin_dirs, i, dir)
        check_absolute(report, "postgres.binDirs", json_string_value(dir));
    check_not_empty(report, "postgres.osUser", config->postgres.os_user);
    if (g_str_equal(config->postgres.os_user, "root"))
        check_error(report, "postgres.osUser", NULL, "PostgreSQL refuses to run as root");
    check_not_empty(report, "global.database.username", config->global.database_username);
    check_not_empty(report, "global.database.dbname", config->global.database_dbname);
}

/* Names become the left side of lines in a configuration file of PostgreSQL. */
static void check_settings(Report *report, const char *path, json_t *settings)
{
    const char *name;
    json_t *value;

    json_object_foreach (settings, name, value) {
        if (g_regex_match_simple("^[A-Za-z_][A-Za-z0-9_$]*(\\.[A-Za-z_][A-Za-z0-9_$]*)?\\z", name,
                                 0, 0))
            continue;
        g_autofree char *shown = text_printable(name, 60);
        check_error(report, path, NULL, "\"%s\" cannot be the name of a PostgreSQL setting", shown);
    }
}

static void check_all_settings(const Config *config, Report *report)
{
    check_settings(report, "databaseConfigs.configs", config->database_configs);
    check_settings(report, CHECK_RESTORE "configs", config->retrieval.restore.configs);
    check_settings(report, "retrieval.spec.logicalSnapshot.options.configs",
                   config->retrieval.snapshot.configs);
}

static void check_timetable(const Config *config, Report *report)
{
    if (config->retrieval.timetable[0] == '\0')
        return;
    g_autoptr(Error) error = cron_check(config->retrieval.timetable);
    if (error)
        check_error(report, "retrieval.refresh.timetable",
                    "Minute, hour, day of the month, month, day of the week: \"0 4 * * 1-5\".",
                    "invalid timetable: %s", error->message);
}

static const char *check_nearest_job(const char *name)
{
    const char *names[G_N_ELEMENTS(check_jobs_known) + 1] = {NULL};

    for (size_t i = 0; i < G_N_ELEMENTS(check_jobs_known); i++)
        names[i] = check_jobs_known[i].name;
    return text_nearest(name, names);
}

static void check_job(Report *report, const char *name, GString *without_spec)
{
    g_autofree char *spec = g_strconcat("retrieval.spec.", name, NULL);
    const char *nearest = check_nearest_job(name);
    g_autofree char *hint = nearest ? g_strdup_printf("Did you mean \"%s\"?", nearest) : NULL;

    if (!report_has_key(report, spec))
        g_string_append_printf(without_spec, "%s%s", without_spec->len ? ", " : "", name);
    else if (!nearest || !g_str_equal(nearest, name))
        report_warning(report, "retrieval.jobs", hint, "unknown job \"%s\", ignored", name);
}

static bool check_has_job(const Config *config, bool is_physical)
{
    size_t i;
    json_t *job;

    json_array_foreach (config->retrieval.jobs, i, job)
        for (size_t known = 0; known < G_N_ELEMENTS(check_jobs_known); known++)
            if (check_jobs_known[known].is_physical == is_physical &&
                g_str_equal(check_jobs_known[known].name, json_string_value(job)))
                return true;
    return false;
}

static void check_jobs(const Config *config, Report *report)
{
    g_autoptr(GString) without_spec = g_string_new(NULL);
    size_t i;
    json_t *job;

    json_array_foreach (config->retrieval.jobs, i, job) {
        g_autofree char *name = text_printable(json_string_value(job), 60);
        check_job(report, name, without_spec);
    }
    if (without_spec->len)
        check_error(report, "retrieval.jobs",
                    "Each job in the list needs a spec of the same name under retrieval.spec.",
                    "config contains jobs without specification: %s", without_spec->str);
    if (check_has_job(config, true) && check_has_job(config, false))
        report_error(report, "retrieval.jobs", NULL,
                     "must not contain physical and logical jobs simultaneously");
}

/* The options end in an argv, but some of them would still write files or name other hosts. */
static void check_custom_options(Report *report, const char *path, const char *what,
                                 json_t *options)
{
    size_t i;
    json_t *option;

    json_array_foreach (options, i, option) {
        const char *text = json_string_value(option);
        if (text[0] && strspn(text, CHECK_OPTION_CHARACTERS) == strlen(text))
            continue;
        g_autofree char *shown = text_printable(text, 60);
        check_error(report, path, NULL,
                    "invalid custom %s options: invalid option \"%s\": due to security reasons, "
                    "current implementation of custom options supports only letters, numbers, "
                    "hyphen, underscore, equal sign, and double quotes",
                    what, shown);
    }
}

static void check_source(const LogicalDumpConfig *dump, Report *report)
{
    if (g_str_equal(dump->source_type, "rdsIam")) {
        report_warning(report, CHECK_DUMP "source.type",
                       "Use \"remote\" with a user and a password.",
                       "\"rdsIam\" is not built yet: the job will fail");
        return;
    }
    if (dump->connection_string[0] == '\0') {
        if (dump->host[0] == '\0')
            check_error(report, CHECK_DUMP "source.connection.host",
                        "Set it, or source.connectionString.", "must be set");
        return;
    }
    g_autoptr(Error) error = connection_string_check(dump->connection_string);
    if (error)
        check_error(report, CHECK_DUMP "source.connectionString", error->hint, "%s",
                    error->message);
}

static void check_logical_jobs(const Config *config, Report *report)
{
    const LogicalDumpConfig *dump = &config->retrieval.dump;
    const LogicalRestoreConfig *restore = &config->retrieval.restore;

    if (dump->is_set) {
        check_absolute(report, CHECK_DUMP "dumpLocation", dump->dump_location);
        check_source(dump, report);
        check_custom_options(report, CHECK_DUMP "customOptions", "dump", dump->custom_options);
    }
    if (restore->is_set) {
        check_absolute(report, CHECK_RESTORE "dumpLocation", restore->dump_location);
        check_custom_options(report, CHECK_RESTORE "customOptions", "restore",
                             restore->custom_options);
    }
}

void check_config(const Config *config, Report *report)
{
    static void (*const rules[])(const Config *config, Report *report) = {
        check_server,    check_port_pool,    check_access_addresses, check_pools,
        check_runtime,   check_log_size,     check_container_config, check_image,
        check_isolation, check_postgres,     check_all_settings,     check_timetable,
        check_jobs,      check_logical_jobs,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        rules[i](config, report);
}
