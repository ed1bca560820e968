/*
 * Sources: release notes 9.6 … 18; src/include/catalog/pg_control.h of each. The offsets of
 * checksums were found in files that initdb of each major wrote, 9.6 excepted.
 */
#include "postgres/version.h"

#include <string.h>

#include "base/text.h"

#define PROGRAM_LABEL "(PostgreSQL) "
#define OLDEST_NAME   "9.6"

typedef struct VersionRow {
    int64_t major;
    int64_t control; /* PG_CONTROL_VERSION               */
    size_t crc;      /* offset in pg_control; 0 = unknown */
} VersionRow;

static const VersionRow version_rows[] = {
    {9, 960, 0},     {10, 1002, 288}, {11, 1100, 280}, {12, 1201, 288}, {13, 1300, 288},
    {14, 1300, 288}, {15, 1300, 288}, {16, 1300, 288}, {17, 1700, 288}, {18, 1800, 292},
};

/* From the first to the last major, 0 = to this day. */
typedef struct VersionSpan {
    int64_t first;
    int64_t last;
} VersionSpan;

static const VersionSpan version_features[] = {
    [VERSION_HAS_PID_STATUS] = {10, 0},
    [VERSION_HAS_SCRAM] = {10, 0},
    [VERSION_HAS_PG_MONITOR] = {10, 0},
    [VERSION_HAS_STATISTICS] = {10, 0},
    [VERSION_HAS_ROUTINE] = {11, 0},
    [VERSION_HAS_MULTIRANGE_OWNER] = {14, 16},
    [VERSION_HAS_COPY_PROGRESS] = {14, 0},
    [VERSION_HAS_SESSION_COUNTER] = {14, 0},
    [VERSION_HAS_PARAMETER_RIGHTS] = {15, 0},
    [VERSION_HAS_MEMBERSHIP_OPTIONS] = {16, 0},
    [VERSION_HAS_CHECKSUMS_BY_DEFAULT] = {18, 0},
};

/* Of the settings that we write (conf.c). */
static const struct {
    const char *name;
    VersionSpan span;
} version_settings[] = {
    {"client_connection_check_interval", {14, 0}},
    {"max_logical_replication_workers", {10, 0}},
    {"password_encryption", {10, 0}}, /* 9.6 has it as a boolean */
    {"recovery_init_sync_method", {14, 0}},
    {"wal_init_zero", {12, 0}},
    {"wal_recycle", {12, 0}},
};

/* recovery.conf until 11; from 12 on the signals, and a recovery.conf is fatal. */
const char *const version_recovery_files[] = {
    "recovery.conf",
    "standby.signal",
    "recovery.signal",
    NULL,
};

static bool version_is_in(int64_t major, VersionSpan span)
{
    return major >= span.first && (span.last == 0 || major <= span.last);
}

bool version_has(int64_t major, VersionFeature feature)
{
    return version_is_in(major, version_features[feature]);
}

bool version_has_setting(int64_t major, const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(version_settings); i++)
        if (strcmp(version_settings[i].name, name) == 0)
            return version_is_in(major, version_settings[i].span);
    return true;
}

/* --- names and numbers --- */

char *version_name(int64_t major)
{
    return major == VERSION_OLDEST ? g_strdup(OLDEST_NAME)
                                   : g_strdup_printf("%" G_GINT64_FORMAT, major);
}

Error *version_parse(const char *text, int64_t *ret_major)
{
    g_autoptr(GRegex) regex = g_regex_new("^(9\\.[0-9]+|[0-9]+)(?![0-9])", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    if (!g_regex_match(regex, text, 0, &match))
        return error_new(ERR_INVALID, "\"%s\" is no version of PostgreSQL", text);
    g_autofree char *name = g_match_info_fetch(match, 1);
    if (strcmp(name, OLDEST_NAME) == 0) {
        *ret_major = VERSION_OLDEST;
        return NULL;
    }
    g_autoptr(Error) e = text_parse_int(name, VERSION_OLDEST + 1, VERSION_NEWEST, ret_major);
    return e ? error_new(ERR_INVALID, "PostgreSQL %s is not supported: %s is the oldest that is",
                         name, OLDEST_NAME)
             : NULL;
}

Error *version_parse_program(const char *text, int64_t *ret_major)
{
    const char *found = strstr(text, PROGRAM_LABEL);

    if (!found)
        return error_detail(error_new(ERR_EXTERNAL, "it tells no version"), "%s", text);
    return version_parse(found + strlen(PROGRAM_LABEL), ret_major);
}

int64_t version_of_number(int64_t number)
{
    return number / 10000;
}

/* --- pg_control --- */

static const VersionRow *version_row(int64_t major)
{
    for (size_t i = 0; i < G_N_ELEMENTS(version_rows); i++)
        if (version_rows[i].major == major)
            return &version_rows[i];
    return NULL;
}

int64_t version_control(int64_t major)
{
    const VersionRow *row = version_row(major);

    return row ? row->control : 0;
}

size_t version_control_crc_offset(int64_t major)
{
    const VersionRow *row = version_row(major);

    return row ? row->crc : 0;
}
