/*
 * The table. A row that is not stored has no reader yet; one that is stored names its field, and
 * the compiler checks that the field's type is the row's. Rows stand in the order of the reference
 * manual.
 *
 * OPTION_NOT_BUILT on a section covers what is beneath it, with one warning for all of it. It
 * stands on the single options instead where many people keep harmless defaults in their files.
 */
#include "config/options.h"

#include <glib.h>
#include <string.h>

#include "config/config.h"
#include "config/defaults.h"

/* offsetof() that does not compile when the member has another type. */
#define FIELD(ctype, member)                                                                       \
    (offsetof(Config, member) +                                                                    \
     0 * sizeof(struct {                                                                           \
         _Static_assert(__builtin_types_compatible_p(__typeof__(((Config *)NULL)->member), ctype), \
                        "the option's type is not the field's");                                   \
         int unused;                                                                               \
     }))

#define STRING(member)    .type = OPTION_STRING, .offset = FIELD(char *, member)
#define INT(member)       .type = OPTION_INT, .offset = FIELD(int64_t, member)
#define BOOL(member)      .type = OPTION_BOOL, .offset = FIELD(bool, member)
#define LIST(member)      .type = OPTION_LIST, .offset = FIELD(json_t *, member)
#define MAP(member)       .type = OPTION_MAP, .offset = FIELD(json_t *, member)
#define DATABASES(member) .type = OPTION_DATABASES, .offset = FIELD(json_t *, member)
#define UNUSED(kind)      .type = OPTION_##kind, .offset = OPTION_NOT_STORED
#define SECTION           UNUSED(SECTION)

#define RELOADS   OPTION_RELOADABLE
#define SECRET    OPTION_SECRET
#define EXPANDS   OPTION_EXPANDS
#define NOT_BUILT OPTION_NOT_BUILT
#define MASKS     (OPTION_NOT_BUILT | OPTION_CHANGES_DATA)

#define ANY_PORT     .min = 1, .max = 65535
#define UP_TO(limit) .min = 0, .max = (limit)
#define MINUTES      .min = 0, .max = 10 * 366 * 24 * 60, .unit = "minutes"
#define SECONDS      .min = 0, .max = 24 * 60 * 60, .unit = "s"
#define PERCENT      .min = 1, .max = 100, .unit = "percent"
#define WORKERS      .min = 1, .max = 1024

#define DUMP     "retrieval.spec.logicalDump.options"
#define RESTORE  "retrieval.spec.logicalRestore.options"
#define SNAPSHOT "retrieval.spec.logicalSnapshot.options"
#define PHYSICAL "retrieval.spec.physicalRestore.options"
#define PROMOTED "retrieval.spec.physicalSnapshot.options"

/* The rows that several jobs share. */
/* clang-format off */
#define CONTAINER_ROWS(prefix)                                                                     \
    {prefix ".dockerImage", UNUSED(STRING), .flags = RELOADS | NOT_BUILT,                          \
     .help = "Image of the container that the job runs in."},                                      \
    {prefix ".containerConfig", UNUSED(MAP), .flags = RELOADS | NOT_BUILT,                         \
     .help = "Limits of that container, such as `shm-size: 1gb`."}

#define HEALTH_ROWS(prefix)                                                                        \
    {prefix ".interval", UNUSED(INT), .fallback = "5", SECONDS, .flags = RELOADS,                  \
     .help = "Time between two checks."},                                                          \
    {prefix ".maxRetries", UNUSED(INT), .fallback = "200", UP_TO(1000000), .flags = RELOADS,       \
     .help = "Failed checks before the job is given up."}
/* clang-format on */

static const char *const engine_choices[] = {"postgres", NULL};
static const char *const driver_choices[] = {"oci", "docker", "process", NULL};
static const char *const network_choices[] = {"none", "host", NULL};
static const char *const source_choices[] = {"", "local", "remote", "rdsIam", NULL};
static const char *const tool_choices[] = {"walg", "pgbackrest", "customTool", NULL};
static const char *const format_choices[] = {"directory", "custom", "plain", NULL};
static const char *const compression_choices[] = {"no", "gzip", "bzip2", NULL};

const Option options_table[] = {
    /* --- server --- */
    {"server", SECTION, .help = "The HTTP API."},
    {"server.host", STRING(server.host), .help = "Address to listen on; empty = all interfaces."},
    {"server.port", INT(server.port), .fallback = "2345", ANY_PORT, .help = "Port to listen on."},
    {"server.verificationToken", STRING(server.verification_token), .flags = SECRET | EXPANDS,
     .help = "Token that every request but those to `/healthz` must bring. Keep it out of the "
             "file: `\"${RAMET_TOKEN}\"`."},
    {"server.allowNoToken", BOOL(server.allow_no_token),
     .help = "Accept an empty verificationToken: whoever reaches the port may do everything. "
             "Ramet's own."},
    {"server.disableConfigModification", BOOL(server.disable_config_modification), .flags = RELOADS,
     .help = "Accepted, without effect: the API cannot change the configuration."},
    {"server.stateDir", STRING(server.state_dir), .fallback = "/var/lib/ramet",
     .help = "Directory of the server's own state: database, sockets and logs of clones. "
             "Ramet's own."},

    /* --- provision --- */
    {"provision", SECTION, .help = "How clones are made."},
    {"provision.portPool.from", INT(provision.port_from), UP_TO(65535),
     .help = "First port given to clones. Required."},
    {"provision.portPool.to", INT(provision.port_to), UP_TO(65535),
     .help = "Last port given to clones. Required."},
    {"provision.keepUserPasswords", BOOL(provision.keep_user_passwords), .flags = RELOADS,
     .help = "Leave the source's users their passwords in clones; otherwise these are replaced by "
             "random ones."},
    {"provision.cloneAccessAddresses", STRING(provision.clone_access_addresses),
     .help = "Addresses on which clones accept connections, separated by commas, IPv6 in "
             "brackets; empty = all."},
    {"provision.dockerImage", STRING(provision.docker_image),
     .help = "Image of all instances' containers, when `runtime.driver` is `docker`: it holds "
             "PostgreSQL of the source's major. Pulled at the start if it is not there."},
    {"provision.containerConfig", MAP(provision.container_config), .flags = RELOADS,
     .help = "What one clone may use, in the words of `docker run`: `cpus`, `nano-cpus`, `memory`, "
             "`shm-size`, `pids-limit`, `ulimit: nofile=N`; with `docker` also those that "
             "docs/runtimes.md lists. `disk` is what a clone alone may hold in its pool (`zfs`, "
             "`btrfs`). Others are refused; `process` sets no limits but `disk`. A "
             "reload applies limits alone, at each clone's next start."},
    {"provision.useSudo", UNUSED(BOOL), .flags = NOT_BUILT,
     .help = "Run programs through sudo. The server runs as root, or without privileges."},

    /* --- cloning --- */
    {"cloning", SECTION, .help = "What users get."},
    {"cloning.accessHost", STRING(cloning.access_host), .fallback = "localhost", .flags = RELOADS,
     .help = "Host name in the connection data shown to users."},
    {"cloning.maxIdleMinutes", INT(cloning.max_idle_minutes), MINUTES, .flags = RELOADS,
     .help = "Clones without a connection or activity for so long, as this run of rametd has seen, "
             "are deleted, unless they are protected or snapshots of them exist; 0 = never."},
    {"cloning.protectionLeaseDurationMinutes", INT(cloning.protection_lease_minutes), MINUTES,
     .flags = RELOADS,
     .help = "How long a protection of a clone lasts when the request does not say; 0 = for ever."},
    {"cloning.protectionMaxDurationMinutes", INT(cloning.protection_max_minutes), MINUTES,
     .flags = RELOADS,
     .help = "Longest protection of a clone; a longer one is cut to it. 0 = no limit."},
    {"cloning.protectionExpiryWarningMinutes", UNUSED(INT), .fallback = "1440", MINUTES,
     .flags = RELOADS | NOT_BUILT,
     .help = "How long before its end a protection is announced by a webhook."},

    /* --- global --- */
    {"global", SECTION, .help = "The database engine and the log."},
    {"global.engine", UNUSED(STRING), .fallback = "postgres", .choices = engine_choices,
     .help = "The database engine."},
    {"global.debug", BOOL(global.debug), .flags = RELOADS, .help = "Log debug lines too."},
    {"global.database.username", STRING(global.database_username), .fallback = "postgres",
     .flags = RELOADS, .help = "Superuser inside the data that the server itself logs in as."},
    {"global.database.dbname", STRING(global.database_dbname), .fallback = "postgres",
     .flags = RELOADS, .help = "Database that the server itself connects to."},

    /* --- poolManager --- */
    {"poolManager", SECTION, .help = "Where the storage pools are."},
    {"poolManager.mountDir", STRING(pool_manager.mount_dir),
     .help = "Directory under which the pools are mounted, one directory each. Required, "
             "absolute."},
    {"poolManager.dataSubDir", STRING(pool_manager.data_sub_dir), .fallback = "data",
     .help = "Name of the data directory in each volume and snapshot of a pool."},
    {"poolManager.selectedPool", STRING(pool_manager.selected_pool),
     .help = "Use this pool alone; empty = all that `rametd pool list` shows."},
    {"poolManager.reserve", INT(pool_manager.reserve_percent), .fallback = "5", .min = 0, .max = 50,
     .unit = "percent", .flags = RELOADS,
     .help = "Part of a pool that stays free: clones and refreshes that would take it are refused. "
             "Ramet's own."},
    {"poolManager.warnPercent", INT(pool_manager.warn_percent), .fallback = "80", PERCENT,
     .flags = RELOADS,
     .help = "So much of a pool in use is a warning in the log and in the status. Ramet's own."},
    {"poolManager.alarmPercent", INT(pool_manager.alarm_percent), .fallback = "90", PERCENT,
     .flags = RELOADS,
     .help = "So much of a pool in use is an alarm: an error in the log. Ramet's own."},
    {"poolManager.clonesMountSubDir", UNUSED(STRING), .fallback = "clones",
     .help = "Accepted, without effect: the driver decides where clones are."},
    {"poolManager.socketSubDir", UNUSED(STRING), .fallback = "sockets",
     .help = "Accepted, without effect: sockets are under server.stateDir."},
    {"poolManager.observerSubDir", UNUSED(STRING), .fallback = "observer", .flags = NOT_BUILT,
     .help = "Directory of observation sessions inside a clone's data."},
    {"poolManager.preSnapshotSuffix", UNUSED(STRING), .fallback = "_pre", .flags = NOT_BUILT,
     .help = "Ending of the names of snapshots before their promotion."},

    /* --- runtime, postgres: Ramet's own --- */
    {"runtime", SECTION, .help = "How PostgreSQL instances are run. Ramet's own."},
    {"runtime.driver", STRING(runtime.driver), .fallback = "oci", .choices = driver_choices,
     .help = "`oci`: each instance in a container of its own, by crun or runc; needs root. "
             "`docker`: the same by Docker Engine or Podman, from an image. "
             "`process`: an ordinary process of an unprivileged user, without isolation."},
    {"runtime.ociProgram", STRING(runtime.oci_program),
     .help = "crun or runc, by name or path; empty = the one that is there, crun first."},
    {"runtime.root", STRING(runtime.root),
     .help = "Of `oci`: directory of a root file system that instances run in, such as an unpacked "
             "image; empty = the programs of this machine."},
    {"runtime.dockerHost", STRING(runtime.docker_host),
     .help = "Of `docker`: socket of the engine, as `unix:///path`; empty = DOCKER_HOST of the "
             "environment, or else the usual place of Docker's or Podman's."},
    {"runtime.trusted", BOOL(runtime.is_trusted),
     .help = "Your word that all users of clones are trusted. `process` starts nothing without it, "
             "because a superuser of a clone can run any program as postgres.osUser."},
    {"runtime.network", STRING(runtime.network), .fallback = "none", .choices = network_choices,
     .help =
         "What an instance in a container reaches. `none`: nobody; ramet-gateway listens on the "
         "clones' ports and carries the bytes. `host`: all that the machine does, and it listens "
         "itself; less isolated, a little faster."},
    {"runtime.gatewayUser", STRING(runtime.gateway_user), .fallback = DEFAULT_GATEWAY_USER,
     .help = "Unprivileged operating-system user of ramet-gateway, best of nothing else; not "
             "postgres.osUser. The default one is made at the first start."},
    {"runtime.connectionsPerClone", INT(runtime.connections_per_clone), .fallback = "1000",
     UP_TO(1000000),
     .help = "Connections to one clone that the gateway carries at once; 0 = no limit."},
    {"runtime.logSize", STRING(runtime.log_size), .fallback = "16MB",
     .help = "How much is kept of the log of each instance, and of the gateway's: 64KB to 64GB."},
    {"runtime.logDays", INT(runtime.log_days), .fallback = "7", UP_TO(3650), .unit = "days",
     .help = "How long lines of these logs are kept; 0 = as long as the size allows."},
    {"runtime.memoryPercent", INT(runtime.memory_percent), .fallback = "100", UP_TO(10000),
     .unit = "percent", .flags = RELOADS,
     .help =
         "Of the machine's memory that may be promised to clones, as the sum of their limits; a "
         "create beyond it is refused. 0 = no check. Clones without a limit do not count."},
    {"postgres", SECTION, .help = "The PostgreSQL programs. Ramet's own."},
    {"postgres.binDirs", LIST(postgres.bin_dirs),
     .help = "Further directories with PostgreSQL programs, or with a `bin` that holds them; the "
             "distribution's own are found anyway."},
    {"postgres.osUser", STRING(postgres.os_user), .fallback = "postgres",
     .help = "Unprivileged operating-system user that all instances run as."},

    /* --- databaseConfigs, databaseContainer --- */
    {"databaseConfigs", SECTION,
     .help = "PostgreSQL settings of all clones; usually an anchor that jobs merge too."},
    {"databaseConfigs.configs", MAP(database_configs), .flags = RELOADS,
     .help = "Setting → value, as in postgresql.conf."},
    {"databaseContainer", UNUSED(ANYTHING),
     .help = "Carries an anchor for the parts of other sections; not read by itself."},

    /* --- retrieval --- */
    {"retrieval", SECTION, .help = "How the full-size copy is made and renewed."},
    {"retrieval.refresh.timetable", STRING(retrieval.timetable), .flags = RELOADS | NOT_BUILT,
     .help = "When to refresh, as five fields of cron in the server's local time; empty = by "
             "request alone."},
    {"retrieval.refresh.skipStartRefresh", BOOL(retrieval.skip_start_refresh),
     .help = "Do not refresh when the server starts without any snapshot."},
    {"retrieval.jobs", LIST(retrieval.jobs), .flags = RELOADS,
     .help = "Names of the jobs to run, in this order; the others' specs are not used."},

    /* --- logicalDump --- */
    {"retrieval.spec.logicalDump", SECTION, .help = "Job: dumps the databases of a live source."},
    CONTAINER_ROWS(DUMP),
    {DUMP ".dumpLocation", STRING(retrieval.dump.dump_location), .flags = RELOADS,
     .help = "Directory for the dumps, created when missing. A dump goes as soon as it is "
             "restored. Required, absolute."},
    {DUMP ".source.type", STRING(retrieval.dump.source_type), .fallback = "remote",
     .choices = source_choices, .flags = RELOADS,
     .help = "Where the source is. `rdsIam` is not built yet."},
    {DUMP ".source.connectionString", STRING(retrieval.dump.connection_string), .flags = RELOADS,
     .help = "Connection URI or `key=value` string of libpq, without a password and with one host; "
             "wins over `connection`."},
    {DUMP ".source.connection.host", STRING(retrieval.dump.host), .flags = RELOADS,
     .help = "Host of the source. Required without connectionString."},
    {DUMP ".source.connection.port", INT(retrieval.dump.port), .fallback = "5432", ANY_PORT,
     .flags = RELOADS, .help = "Port of the source."},
    {DUMP ".source.connection.dbname", STRING(retrieval.dump.dbname), .fallback = "postgres",
     .flags = RELOADS, .help = "Database to connect to for finding the others."},
    {DUMP ".source.connection.username", STRING(retrieval.dump.username), .fallback = "postgres",
     .flags = RELOADS, .help = "User at the source."},
    {DUMP ".source.connection.password", STRING(retrieval.dump.password), .flags = RELOADS | SECRET,
     .help = "Password at the source. Better is PGPASSWORD in the server's environment, which wins "
             "over this."},
    {DUMP ".source.rdsIam", SECTION, .flags = NOT_BUILT, .help = "Log in to Amazon RDS by IAM."},
    {DUMP ".source.rdsIam.awsRegion", UNUSED(STRING), .flags = RELOADS, .help = "AWS region."},
    {DUMP ".source.rdsIam.dbInstanceIdentifier", UNUSED(STRING), .flags = RELOADS,
     .help = "Name of the RDS instance."},
    {DUMP ".source.rdsIam.sslRootCert", UNUSED(STRING),
     .fallback = "/cert/ssl-combined-ca-bundle.pem", .flags = RELOADS,
     .help = "Root certificates of RDS."},
    {DUMP ".databases", DATABASES(retrieval.dump.databases), .flags = RELOADS,
     .help = "Databases to dump; empty = all that the user may connect to."},
    {DUMP ".databases.*.tables", UNUSED(LIST), .flags = RELOADS,
     .help = "Tables to dump; empty = all."},
    {DUMP ".databases.*.excludeTables", UNUSED(LIST), .flags = RELOADS,
     .help = "Tables to leave out."},
    {DUMP ".databases.*.format", UNUSED(STRING), .fallback = "directory", .flags = RELOADS,
     .choices = format_choices, .help = "Accepted, without effect: dumps have directory format."},
    {DUMP ".databases.*.compression", UNUSED(STRING), .fallback = "no", .flags = RELOADS,
     .choices = compression_choices, .help = "Accepted, without effect."},
    {DUMP ".parallelJobs", INT(retrieval.dump.parallel_jobs), .fallback = "1", WORKERS,
     .flags = RELOADS, .help = "Tables dumped at the same time."},
    {DUMP ".immediateRestore", SECTION, .flags = NOT_BUILT,
     .help = "Restore while dumping, without files in between."},
    {DUMP ".immediateRestore.enabled", BOOL(retrieval.dump.is_immediate_restore), .flags = RELOADS,
     .help = "Switches it on."},
    {DUMP ".immediateRestore.configs", UNUSED(MAP), .flags = RELOADS,
     .help = "PostgreSQL settings during the restore."},
    {DUMP ".immediateRestore.customOptions", UNUSED(LIST), .flags = RELOADS,
     .help = "Further options of pg_restore."},
    {DUMP ".customOptions", LIST(retrieval.dump.custom_options), .flags = RELOADS,
     .help = "Further options of pg_dump: letters, digits, `-`, `_`, `=` and `\"` alone."},
    {DUMP ".ignoreErrors", UNUSED(BOOL), .flags = RELOADS | NOT_BUILT,
     .help = "Go on when a dump fails."},

    /* --- logicalRestore --- */
    {"retrieval.spec.logicalRestore", SECTION,
     .help = "Job: restores dumps into the full-size copy."},
    CONTAINER_ROWS(RESTORE),
    {RESTORE ".dumpLocation", STRING(retrieval.restore.dump_location), .flags = RELOADS,
     .help = "Directory of the dumps. Required, absolute."},
    {RESTORE ".databases", DATABASES(retrieval.restore.databases), .flags = RELOADS,
     .help = "Databases to restore; empty = all that were dumped."},
    {RESTORE ".databases.*.tables", UNUSED(LIST), .flags = RELOADS,
     .help = "Tables to restore; empty = all."},
    {RESTORE ".databases.*.excludeTables", UNUSED(LIST), .flags = RELOADS,
     .help = "Accepted, without effect: tables are left out of the dump."},
    {RESTORE ".databases.*.format", UNUSED(STRING), .fallback = "directory",
     .choices = format_choices, .flags = RELOADS | NOT_BUILT, .help = "Format of the dump."},
    {RESTORE ".databases.*.compression", UNUSED(STRING), .fallback = "no",
     .choices = compression_choices, .flags = RELOADS | NOT_BUILT,
     .help = "Compression of a plain dump."},
    {RESTORE ".parallelJobs", INT(retrieval.restore.parallel_jobs), .fallback = "1", WORKERS,
     .flags = RELOADS, .help = "Tables and indexes restored at the same time."},
    {RESTORE ".configs", MAP(retrieval.restore.configs), .flags = RELOADS,
     .help = "PostgreSQL settings of the full-size copy, during the restore too."},
    {RESTORE ".customOptions", LIST(retrieval.restore.custom_options), .flags = RELOADS,
     .help = "Further options of pg_restore: letters, digits, `-`, `_`, `=` and `\"` alone."},
    {RESTORE ".queryPreprocessing.queryPath", STRING(retrieval.restore.query_path),
     .flags = RELOADS | NOT_BUILT, .help = "Directory of SQL files to run before the restore."},
    {RESTORE ".queryPreprocessing.inline", STRING(retrieval.restore.query_inline),
     .flags = RELOADS | NOT_BUILT, .help = "SQL to run before the restore, to create roles say."},
    {RESTORE ".queryPreprocessing.maxParallelWorkers", INT(retrieval.restore.query_workers),
     .fallback = "2", WORKERS, .flags = RELOADS | NOT_BUILT,
     .help = "SQL files run at the same time."},
    {RESTORE ".ignoreErrors", BOOL(retrieval.restore.ignore_errors), .flags = RELOADS,
     .help = "Errors of pg_restore do not fail the job."},
    {RESTORE ".skipPolicies", BOOL(retrieval.restore.skip_policies), .flags = RELOADS | NOT_BUILT,
     .help = "Leave out policies of row security."},

    /* --- logicalSnapshot --- */
    {"retrieval.spec.logicalSnapshot", SECTION, .help = "Job: takes a snapshot of the copy."},
    CONTAINER_ROWS(SNAPSHOT),
    {SNAPSHOT ".configs", MAP(retrieval.snapshot.configs), .flags = RELOADS,
     .help = "PostgreSQL settings of all clones of the snapshot."},
    {SNAPSHOT ".preprocessingScript", STRING(retrieval.snapshot.preprocessing_script),
     .flags = RELOADS | MASKS, .help = "Shell command to run before the snapshot."},
    CONTAINER_ROWS(SNAPSHOT ".dataPatching"),
    {SNAPSHOT ".dataPatching.queryPreprocessing.queryPath",
     STRING(retrieval.snapshot.patch_query_path), .flags = RELOADS | MASKS,
     .help = "Directory of SQL files to run on the copy, to mask data say."},
    {SNAPSHOT ".dataPatching.queryPreprocessing.inline",
     STRING(retrieval.snapshot.patch_query_inline), .flags = RELOADS | MASKS,
     .help = "SQL to run on the copy."},
    {SNAPSHOT ".dataPatching.queryPreprocessing.maxParallelWorkers",
     INT(retrieval.snapshot.patch_workers), .fallback = "2", WORKERS, .flags = RELOADS | NOT_BUILT,
     .help = "SQL files run at the same time."},
    {SNAPSHOT ".databaseRename", MAP(retrieval.snapshot.database_rename),
     .flags = RELOADS | NOT_BUILT, .help = "Old name → new name of databases."},
    {SNAPSHOT ".schedule", UNUSED(ANYTHING), .help = "Accepted, without effect."},

    /* --- physicalRestore --- */
    {"retrieval.spec.physicalRestore", SECTION, .flags = NOT_BUILT,
     .help = "Job: restores a physical backup."},
    CONTAINER_ROWS(PHYSICAL),
    {PHYSICAL ".tool", UNUSED(STRING), .choices = tool_choices, .flags = RELOADS,
     .help = "The backup tool."},
    {PHYSICAL ".envs", UNUSED(MAP), .flags = RELOADS | SECRET, .help = "Environment of the tool."},
    {PHYSICAL ".walg.backupName", UNUSED(STRING), .flags = RELOADS,
     .help = "Backup of WAL-G, or `LATEST`."},
    {PHYSICAL ".pgbackrest.stanza", UNUSED(STRING), .flags = RELOADS,
     .help = "Stanza of pgBackRest."},
    {PHYSICAL ".pgbackrest.delta", UNUSED(BOOL), .flags = RELOADS,
     .help = "Restore only what differs."},
    {PHYSICAL ".customTool.command", UNUSED(STRING), .flags = RELOADS,
     .help = "Command that restores the backup."},
    {PHYSICAL ".customTool.restore_command", UNUSED(STRING), .flags = RELOADS,
     .help = "Command that fetches WAL."},
    {PHYSICAL ".sync.enabled", UNUSED(BOOL), .flags = RELOADS,
     .help = "Keep the copy up to date by replaying WAL."},
    HEALTH_ROWS(PHYSICAL ".sync.healthCheck"),
    {PHYSICAL ".sync.configs", UNUSED(MAP), .flags = RELOADS,
     .help = "PostgreSQL settings of the replaying instance."},
    {PHYSICAL ".sync.recovery", UNUSED(MAP), .flags = RELOADS, .help = "Its recovery settings."},

    /* --- physicalSnapshot --- */
    {"retrieval.spec.physicalSnapshot", SECTION, .flags = NOT_BUILT,
     .help = "Job: takes promoted snapshots of a physical copy."},
    CONTAINER_ROWS(PROMOTED),
    {PROMOTED ".skipStartSnapshot", UNUSED(BOOL), .flags = RELOADS,
     .help = "Take no snapshot when the server starts."},
    {PROMOTED ".promotion.enabled", UNUSED(BOOL), .flags = RELOADS,
     .help = "Promote before the snapshot."},
    CONTAINER_ROWS(PROMOTED ".promotion"),
    HEALTH_ROWS(PROMOTED ".promotion.healthCheck"),
    {PROMOTED ".promotion.queryPreprocessing.queryPath", UNUSED(STRING), .flags = RELOADS | MASKS,
     .help = "Directory of SQL files to run after the promotion."},
    {PROMOTED ".promotion.queryPreprocessing.inline", UNUSED(STRING), .flags = RELOADS | MASKS,
     .help = "SQL to run after the promotion."},
    {PROMOTED ".promotion.queryPreprocessing.maxParallelWorkers", UNUSED(INT), .fallback = "2",
     WORKERS, .flags = RELOADS, .help = "SQL files run at the same time."},
    {PROMOTED ".promotion.configs", UNUSED(MAP), .flags = RELOADS,
     .help = "PostgreSQL settings during the promotion."},
    {PROMOTED ".promotion.recovery", UNUSED(MAP), .flags = RELOADS,
     .help = "Recovery settings where there is no replaying instance."},
    {PROMOTED ".preprocessingScript", UNUSED(STRING), .flags = RELOADS | MASKS,
     .help = "Shell command to run before the snapshot."},
    {PROMOTED ".configs", UNUSED(MAP), .flags = RELOADS,
     .help = "PostgreSQL settings of all clones."},
    {PROMOTED ".sysctls", UNUSED(MAP), .flags = RELOADS,
     .help = "Kernel settings of the promotion's container."},
    {PROMOTED ".envs", UNUSED(MAP), .flags = RELOADS | SECRET,
     .help = "Environment of the promotion's container."},
    {PROMOTED ".databaseRename", UNUSED(MAP), .flags = RELOADS,
     .help = "Old name → new name of databases."},
    {PROMOTED ".scheduler.snapshot.timetable", UNUSED(STRING), .flags = RELOADS,
     .help = "When to take snapshots, as five fields of cron."},
    {PROMOTED ".scheduler.retention.timetable", UNUSED(STRING), .flags = RELOADS,
     .help = "When to delete old snapshots, as five fields of cron."},
    {PROMOTED ".scheduler.retention.limit", UNUSED(INT), UP_TO(1000000), .flags = RELOADS,
     .help = "Snapshots to keep."},

    /* --- retention --- */
    {"retention", SECTION, .help = "Deletion of unused snapshots and branches."},
    {"retention.unusedSnapshotMinutes", UNUSED(INT), MINUTES, .flags = RELOADS | NOT_BUILT,
     .help = "Delete a user's snapshot that nothing depended on for so long; 0 = never."},
    {"retention.unusedBranchMinutes", UNUSED(INT), MINUTES, .flags = RELOADS | NOT_BUILT,
     .help = "The same for branches."},
    {"retention.checkIntervalMinutes", UNUSED(INT), .fallback = "5", MINUTES, .flags = NOT_BUILT,
     .help = "Time between two sweeps."},
    {"retention.maxDeletionsPerTick", UNUSED(INT), .fallback = "50", UP_TO(1000000),
     .flags = RELOADS | NOT_BUILT, .help = "Most deletions in one sweep."},
    {"retention.protectionMaxDurationMinutes", UNUSED(INT), MINUTES, .flags = RELOADS | NOT_BUILT,
     .help = "Longest protection of a snapshot or branch; 0 = no limit."},

    /* --- platform --- */
    {"platform", SECTION, .flags = NOT_BUILT, .help = "The Postgres.ai platform."},
    {"platform.url", UNUSED(STRING), .flags = RELOADS, .help = "Address of its API."},
    {"platform.orgKey", UNUSED(STRING), .flags = RELOADS | SECRET,
     .help = "Key of the organisation."},
    {"platform.projectName", UNUSED(STRING), .flags = RELOADS, .help = "Name of the project."},
    {"platform.accessToken", UNUSED(STRING), .flags = RELOADS | SECRET | EXPANDS,
     .help = "Access token."},
    {"platform.enablePersonalTokens", UNUSED(BOOL), .flags = RELOADS,
     .help = "Accept personal tokens of the platform."},
    {"platform.enableTelemetry", UNUSED(BOOL), .flags = RELOADS, .help = "Send telemetry."},
    {"platform.bindClonesToUser", UNUSED(BOOL), .flags = RELOADS,
     .help = "Users reach their own clones alone."},

    /* --- embeddedUI, diagnostic, observer, webhooks --- */
    {"embeddedUI", SECTION, .flags = NOT_BUILT, .help = "The web UI."},
    {"embeddedUI.enabled", UNUSED(BOOL), .flags = RELOADS, .help = "Switches it on."},
    {"embeddedUI.dockerImage", UNUSED(STRING), .flags = RELOADS, .help = "Its image."},
    {"embeddedUI.host", UNUSED(STRING), .flags = RELOADS,
     .help = "Address to listen on; empty = all interfaces."},
    {"embeddedUI.port", UNUSED(INT), UP_TO(65535), .flags = RELOADS, .help = "Its port."},
    {"diagnostic", SECTION, .help = "Logs of failed instances."},
    {"diagnostic.logsRetentionDays", UNUSED(INT), .fallback = "7", .min = 0, .max = 36500,
     .unit = "days", .flags = RELOADS | NOT_BUILT, .help = "How long logs are kept."},
    {"observer", SECTION, .flags = NOT_BUILT, .help = "Observation of SQL in clones."},
    {"observer.replacementRules", UNUSED(MAP),
     .help = "Regular expression → replacement, applied to observed SQL."},
    {"webhooks", SECTION, .flags = NOT_BUILT, .help = "Calls of other systems upon events."},
    {"webhooks.hooks[].url", UNUSED(STRING), .flags = RELOADS, .help = "Address to call."},
    {"webhooks.hooks[].secret", UNUSED(STRING), .flags = RELOADS | SECRET | EXPANDS,
     .help = "Secret sent along."},
    {"webhooks.hooks[].trigger", UNUSED(LIST), .flags = RELOADS,
     .help = "Names of the events to call upon."},
};

const size_t options_count = G_N_ELEMENTS(options_table);

const Option *options_find(const char *path)
{
    for (size_t i = 0; i < options_count; i++)
        if (strcmp(options_table[i].path, path) == 0)
            return &options_table[i];
    return NULL;
}

bool options_has_parts(const char *path, const char *separator)
{
    g_autofree char *prefix = g_strconcat(path, separator, NULL);

    for (size_t i = 0; i < options_count; i++)
        if (g_str_has_prefix(options_table[i].path, prefix))
            return true;
    return false;
}

bool options_is_built(const Option *option)
{
    for (size_t i = 0; i < options_count; i++) {
        const Option *other = &options_table[i];
        size_t length = strlen(other->path);
        bool is_around = strncmp(option->path, other->path, length) == 0 &&
                         strchr(".[", option->path[length]) != NULL; /* or the option itself */
        if (is_around && (other->flags & OPTION_NOT_BUILT))
            return false;
    }
    return true;
}

char **options_names(const char *path)
{
    g_autofree char *prefix = g_strconcat(path, path[0] ? "." : "", NULL);
    g_autoptr(GStrvBuilder) names = g_strv_builder_new();

    for (size_t i = 0; i < options_count; i++) {
        if (!g_str_has_prefix(options_table[i].path, prefix))
            continue;
        const char *name = options_table[i].path + strlen(prefix);
        g_autofree char *first = g_strndup(name, strcspn(name, ".["));
        g_strv_builder_add(names, first);
    }
    return g_strv_builder_end(names);
}
