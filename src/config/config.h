/*
 * The configuration as plain values. It is read from server.yml by one table of options
 * (options.c): path, type, default, unit, reloadable, secret, built or not yet. A Config is counted,
 * and never changed after it is made: a reload puts another in its place, and who works with the
 * first keeps it to the end of his work.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * Maps and lists of the file are JSON: an object or an array, or NULL. Settings keep their kind
 * (text, integer, real, boolean); names and words are texts. Texts are never NULL, and "" means not
 * given. A job is_set when retrieval.jobs lists it and it has a spec: only then were its options
 * read. "Ours" is what only Ramet has.
 */
typedef struct ServerConfig {
    char *host; /* "" = all interfaces */
    int64_t port;
    char *verification_token;
    bool allow_no_token; /* ours: an empty token is refused unless this is true */
    bool disable_config_modification;
    char *state_dir; /* ours: store, sockets, logs of instances */
} ServerConfig;

typedef struct ProvisionConfig {
    int64_t port_from;
    int64_t port_to;
    bool keep_user_passwords;
    char *clone_access_addresses; /* comma-separated, "" = all */
    char *docker_image;
    json_t *container_config;
} ProvisionConfig;

typedef struct CloningConfig {
    char *access_host;
    int64_t max_idle_minutes; /* 0 = off */
    int64_t protection_lease_minutes;
    int64_t protection_max_minutes;
} CloningConfig;

typedef struct GlobalConfig {
    bool debug;
    char *database_username; /* the management superuser inside the data */
    char *database_dbname;
} GlobalConfig;

typedef struct PoolManagerConfig {
    char *mount_dir;
    char *data_sub_dir;
    char *selected_pool;
    int64_t reserve_percent; /* ours: of a pool, left alone by creates and refreshes */
    int64_t warn_percent;    /* ours: used, from which on there is a warning         */
    int64_t alarm_percent;   /* ours                                                 */
} PoolManagerConfig;

typedef struct RuntimeConfig { /* ours; the words are in options.c */
    char *driver, *oci_program, *root, *docker_host, *network, *gateway_user, *log_size;
    bool is_trusted;
    int64_t connections_per_clone, memory_percent, log_days; /* 0 = no limit */
} RuntimeConfig;

typedef struct PostgresConfig { /* ours */
    json_t *bin_dirs;           /* further directories with bin/postgres or postgres in them */
    char *os_user;              /* unprivileged operating-system user of every instance */
} PostgresConfig;

typedef struct LogicalDumpConfig {
    bool is_set;
    char *dump_location;
    char *source_type;
    char *connection_string; /* wins over the single fields */
    char *host;
    int64_t port;
    char *dbname;
    char *username;
    char *password;    /* PGPASSWORD of the environment wins */
    json_t *databases; /* name → {tables, excludeTables}; NULL or empty = all */
    int64_t parallel_jobs;
    bool is_immediate_restore;
    json_t *custom_options;
} LogicalDumpConfig;

typedef struct LogicalRestoreConfig {
    bool is_set;
    char *dump_location;
    json_t *databases;
    int64_t parallel_jobs;
    json_t *configs;
    json_t *custom_options;
    char *query_path; /* queryPreprocessing */
    char *query_inline;
    int64_t query_workers;
    bool ignore_errors;
    bool skip_policies;
} LogicalRestoreConfig;

typedef struct LogicalSnapshotConfig {
    bool is_set;
    char *preprocessing_script;
    json_t *configs;
    json_t *database_rename;
    char *patch_query_path;
    char *patch_query_inline;
    int64_t patch_workers;
} LogicalSnapshotConfig;

typedef struct RetrievalConfig {
    char *timetable;
    bool skip_start_refresh;
    json_t *jobs; /* array of names, in order */
    LogicalDumpConfig dump;
    LogicalRestoreConfig restore;
    LogicalSnapshotConfig snapshot;
} RetrievalConfig;

typedef struct Config {
    gatomicrefcount references;
    ServerConfig server;
    ProvisionConfig provision;
    CloningConfig cloning;
    GlobalConfig global;
    PoolManagerConfig pool_manager;
    RuntimeConfig runtime;
    PostgresConfig postgres;
    RetrievalConfig retrieval;
    json_t *database_configs; /* databaseConfigs.configs: PostgreSQL settings of all clones */
} Config;

/* The same configuration, one reference more. */
Config *config_ref(const Config *config);

/* NULL is fine. */
void config_unref(Config *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Config, config_unref)
