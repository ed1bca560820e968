/*
 * The generated configuration file. A table of defaults for the purpose, then the layers of the
 * operator and the user; the last value of a name is written once. Values are quoted so that
 * PostgreSQL reads back every byte of them.
 */
#include "postgres/conf.h"

#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"
#include "postgres/conf_name.h"
#include "postgres/version.h"

#define CONF_MARKER   "# RAMET_INITIALIZED"
#define CONF_FILE_MAX (1024 * 1024)
#define MIB           (INT64_C(1024) * 1024)

typedef struct ConfDefault {
    ConfPurpose purpose;
    const char *name;  /* left out where the major has no such setting, see version.c */
    const char *value; /* NULL = sized from the machine's memory, see conf_memory */
} ConfDefault;

static const ConfDefault conf_defaults[] = {
    /* What initdb writes on any machine; before 15 the built-in value is smaller. */
    {CONF_CLONE, "shared_buffers", "128MB"},
    /* Huge pages are few and reserved for someone; clones come and go by the hundred. */
    {CONF_CLONE, "huge_pages", "off"},
    /*
     * On copy-on-write storage a new WAL file costs nothing, and an old one written over costs as
     * much: without these a fresh clone grows by 16 MiB of zeroes as soon as it is written to.
     */
    {CONF_CLONE, "wal_init_zero", "off"},
    {CONF_CLONE, "wal_recycle", "off"},
    /* Recovery syncs one file system instead of opening each file of the data directory. */
    {CONF_CLONE, "recovery_init_sync_method", "syncfs"},
    /*
     * Subscriptions come along with the data: a clone must not take the changes meant for its
     * origin. One process fewer at start, too.
     */
    {CONF_CLONE, "max_logical_replication_workers", "0"},
    /* So do the jobs of pg_cron. Older ones know no switch: they find nobody to connect to. */
    {CONF_CLONE, "cron.launch_active_jobs", "off"},
    {CONF_CLONE, "cron.use_background_workers", "off"},
    {CONF_CLONE, "cron.host", "/nonexistent"},
    /*
     * The launcher starts a process for each database and period, used or not. At the usual minute,
     * 200 idle clones start ten a second, and a create costs twice as much (docs/benchmarks.md).
     */
    {CONF_CLONE, "autovacuum_naptime", "5min"},
    /* Freezing old data again in each clone would rewrite, and so copy, all of it. */
    {CONF_CLONE, "autovacuum_freeze_max_age", "1000000000"},
    {CONF_CLONE, "autovacuum_multixact_freeze_max_age", "1000000000"},
    /* Fewer full-page images; a clone that crashes has little to recover. */
    {CONF_CLONE, "checkpoint_timeout", "15min"},
    /* EXPLAIN (ANALYZE, BUFFERS) tells the time of I/O: clones are for tuning. */
    {CONF_CLONE, "track_io_timing", "on"},
    /* A query whose client is gone ends: the gateway passes on that it is. */
    {CONF_CLONE, "client_connection_check_interval", "10s"},
    /* Until 13 the default is md5, and who sets a password so in a clone could not log in. */
    {CONF_CLONE, "password_encryption", "scram-sha-256"},
    /* A clone takes part in nothing of its origin's. */
    {CONF_CLONE, "archive_mode", "off"},

    /* Lost at a crash, and done again: nothing of a load is waited for. */
    {CONF_LOAD, "fsync", "off"},
    {CONF_LOAD, "synchronous_commit", "off"},
    {CONF_LOAD, "full_page_writes", "off"},
    /* COPY into a table of the same transaction, and CREATE INDEX, write no WAL. */
    {CONF_LOAD, "wal_level", "minimal"},
    {CONF_LOAD, "max_wal_senders", "0"},
    {CONF_LOAD, "archive_mode", "off"},
    {CONF_LOAD, "max_logical_replication_workers", "0"},
    {CONF_LOAD, "max_wal_size", "32GB"},
    {CONF_LOAD, "checkpoint_timeout", "1h"},
    {CONF_LOAD, "autovacuum", "off"}, /* one ANALYZE of all comes at the end */
    {CONF_LOAD, "huge_pages", "off"},
    {CONF_LOAD, "shared_buffers", NULL},
    {CONF_LOAD, "maintenance_work_mem", NULL},
};

/*
 * Memory of a load, as parts of the machine's. Indexes are built by several jobs at once, each with
 * workers that share its maintenance_work_mem; the rest is for the kernel's cache and the clones
 * that run meanwhile.
 */
static const struct {
    const char *name;
    int64_t divisor;
    int64_t min_mib;
    int64_t max_mib;
} conf_memory[] = {
    {"shared_buffers", 16, 128, 4096},
    {"maintenance_work_mem", 32, 64, 2047},
};

/* initdb's choices of locale and time zone stay when a data directory becomes ours. */
static const char kept_settings[] =
    "^[ \t]*(lc_(messages|monetary|numeric|time)|datestyle|timezone|"
    "log_timezone|default_text_search_config)[ \t=].*$";

/* --- text --- */

static char *conf_sized(const char *name)
{
    int64_t memory_mib = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE) / MIB;

    for (size_t i = 0; i < G_N_ELEMENTS(conf_memory); i++)
        if (strcmp(conf_memory[i].name, name) == 0)
            return g_strdup_printf("%" G_GINT64_FORMAT "MB",
                                   CLAMP(memory_mib / conf_memory[i].divisor,
                                         conf_memory[i].min_mib, conf_memory[i].max_mib));
    g_assert_not_reached();
}

/* Later values win whatever the case of their names; null takes a setting out again. */
static void conf_set(json_t *settings, const char *name, json_t *value)
{
    g_autofree char *key = g_ascii_strdown(name, -1);

    json_object_del(settings, key);
    if (!json_is_null(value))
        json_object_set(settings, key, value);
}

static void conf_add_defaults(json_t *settings, ConfPurpose purpose, int64_t major)
{
    for (size_t i = 0; i < G_N_ELEMENTS(conf_defaults); i++) {
        const ConfDefault *row = &conf_defaults[i];
        if (row->purpose != purpose || !version_has_setting(major, row->name))
            continue;
        g_autofree char *sized = row->value ? NULL : conf_sized(row->name);
        json_object_set_new(settings, row->name, json_string(sized ? sized : row->value));
    }
}

/* 'value' for a configuration file: quotes and backslashes doubled, control characters octal. */
static void conf_append_quoted(GString *text, const char *value)
{
    g_string_append_c(text, '\'');
    for (const char *c = value; *c; c++) {
        if (*c == '\'' || *c == '\\')
            g_string_append_printf(text, "%c%c", *c, *c);
        else if (g_ascii_iscntrl(*c))
            g_string_append_printf(text, "\\%03o", (unsigned char)*c);
        else
            g_string_append_c(text, *c);
    }
    g_string_append_c(text, '\'');
}

char *conf_format_settings(const json_t *settings)
{
    json_t *borrowed = (json_t *)(uintptr_t)settings; /* jansson's iterators are not const */
    GString *text = g_string_new(NULL);

    for (void *at = json_object_iter(borrowed); at; at = json_object_iter_next(borrowed, at)) {
        const char *name = json_object_iter_key(at);
        g_autofree char *value = conf_value_text(json_object_iter_value(at));

        if (value == NULL || !conf_name_is_valid(name))
            continue; /* it would break the file; callers have refused it before */
        g_string_append_printf(text, "%s = ", name);
        conf_append_quoted(text, value);
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

static void conf_add_layer(json_t *settings, const json_t *layer)
{
    json_t *borrowed = (json_t *)(uintptr_t)layer;

    for (void *at = json_object_iter(borrowed); at; at = json_object_iter_next(borrowed, at))
        conf_set(settings, json_object_iter_key(at), json_object_iter_value(at));
}

char *conf_format(const ConfSpec *spec)
{
    g_autoptr(json_t) settings = json_object();

    conf_add_defaults(settings, spec->purpose, spec->major);
    for (size_t i = 0; i < G_N_ELEMENTS(spec->layers); i++)
        conf_add_layer(settings, spec->layers[i]);

    g_autofree char *lines = conf_format_settings(settings);
    return g_strconcat("# Written by ramet anew for each start: changes are lost.\n", lines, NULL);
}

/* --- files --- */

static Error *conf_write_file(const char *data_dir, const char *os_user, const char *name,
                              const char *text)
{
    g_autofree char *path = g_build_filename(data_dir, name, NULL);
    FsWrite how = {.user = os_user};

    return fs_write_file(path, text, &how);
}

static char *conf_kept_lines(const char *original)
{
    g_autoptr(GRegex) regex =
        g_regex_new(kept_settings, G_REGEX_MULTILINE | G_REGEX_CASELESS, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;
    GString *kept = g_string_new(NULL);

    g_regex_match(regex, original, 0, &match);
    for (; g_match_info_matches(match); g_match_info_next(match, NULL)) {
        g_autofree char *line = g_match_info_fetch(match, 0);
        g_string_append_printf(kept, "%s\n", line);
    }
    return g_string_free(kept, FALSE);
}

/* The main file is ours when it begins with the marker; what it kept is found in it again. */
static Error *conf_take_main_file(const char *data_dir, const char *os_user)
{
    g_autofree char *path = g_build_filename(data_dir, "postgresql.conf", NULL);
    g_autofree char *original = NULL;

    Error *e = fs_read_plain_file(path, CONF_FILE_MAX, &original);
    if (e && e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);

    g_autofree char *kept = conf_kept_lines(original ? original : "");
    g_autofree char *text = g_strdup_printf(CONF_MARKER "\n%sinclude '" CONF_FILE "'\n", kept);
    return conf_write_file(data_dir, os_user, "postgresql.conf", text);
}

bool conf_is_taken_over(const char *data_dir)
{
    g_autofree char *path = g_build_filename(data_dir, "postgresql.conf", NULL);
    g_autofree char *text = NULL;
    g_autoptr(Error) e = fs_read_plain_file(path, CONF_FILE_MAX, &text);

    return !e && g_str_has_prefix(text, CONF_MARKER);
}

Error *conf_write_access(const char *data_dir, const char *os_user, const ConfAccess *access)
{
    g_autofree char *hba = conf_hba(access);
    g_autofree char *ident = conf_ident(access);

    TRY(conf_write_file(data_dir, os_user, "pg_hba.conf", hba));
    return conf_write_file(data_dir, os_user, "pg_ident.conf", ident);
}

Error *conf_end_recovery(const char *data_dir)
{
    for (const char *const *name = version_recovery_files; *name; name++) {
        g_autofree char *path = g_build_filename(data_dir, *name, NULL);
        TRY(fs_remove_tree(path));
    }
    return NULL;
}

Error *conf_take_over(const char *data_dir, const char *os_user, const ConfAccess *access)
{
    TRY(conf_write_access(data_dir, os_user, access));
    TRY(conf_write_file(data_dir, os_user, "postgresql.auto.conf", ""));
    TRY(conf_write_file(data_dir, os_user, CONF_FILE, ""));
    return conf_take_main_file(data_dir, os_user);
}

Error *conf_write(const char *data_dir, const char *os_user, const ConfSpec *spec)
{
    g_autofree char *text = conf_format(spec);

    return conf_write_file(data_dir, os_user, CONF_FILE, text);
}
