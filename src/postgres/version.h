/*
 * What differs between majors of PostgreSQL: one table of majors, one of what came and went. Nobody
 * else compares majors.
 *
 * A major is one number: 15, and 9 for 9.6, the oldest that is known (and is not tested).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define VERSION_OLDEST 9
#define VERSION_NEWEST 99 /* newer ones than those that we know are taken to be like the last */

/* What a server has or has not. */
typedef enum VersionFeature {
    VERSION_HAS_PID_STATUS,           /* a line of postmaster.pid says "ready"                 */
    VERSION_HAS_SCRAM,                /* passwords can be kept as SCRAM-SHA-256                */
    VERSION_HAS_PG_MONITOR,           /* a role that sees all activity                         */
    VERSION_HAS_STATISTICS,           /* CREATE STATISTICS, pg_statistic_ext                   */
    VERSION_HAS_ROUTINE,              /* ALTER ROUTINE, for functions and aggregates alike     */
    VERSION_HAS_MULTIRANGE_OWNER,     /* ALTER TYPE takes a multirange                         */
    VERSION_HAS_COPY_PROGRESS,        /* pg_stat_progress_copy                                 */
    VERSION_HAS_SESSION_COUNTER,      /* pg_stat_database.sessions                             */
    VERSION_HAS_PARAMETER_RIGHTS,     /* GRANT … ON PARAMETER, pg_parameter_acl                */
    VERSION_HAS_MEMBERSHIP_OPTIONS,   /* INHERIT, SET of a membership; its grantor is checked */
    VERSION_HAS_CHECKSUMS_BY_DEFAULT, /* of initdb, which can be told not to */
} VersionFeature;

bool version_has(int64_t major, VersionFeature feature);

/* Whether a server starts with such a setting; true for those that all have, and for unknown ones. */
bool version_has_setting(int64_t major, const char *name);

/* "9.6", "15": as packages and directories are named. Caller frees. */
char *version_name(int64_t major);

/*
 * "15", "15.4 (Debian 15.4-1)", "17beta2", "9.6.24" → the major.
 *
 * Errors: ERR_INVALID it is none, or older than 9.6.
 */
MUST_CHECK Error *version_parse(const char *text, int64_t *ret_major);

/* The same of what a program says: "postgres (PostgreSQL) 15.4 (Debian 15.4-1)". ERR_EXTERNAL. */
MUST_CHECK Error *version_parse_program(const char *text, int64_t *ret_major);

/* 150018, as server_version_num has it → 15; 90624 → 9. */
int64_t version_of_number(int64_t number);

/*
 * Files that make a server start as a standby, or recover from an archive; NULL-terminated. A server
 * that has no use for one of them may refuse to start: all are listed for every major.
 */
extern const char *const version_recovery_files[];

/* The version of pg_control that the major writes; 0 = unknown. */
int64_t version_control(int64_t major);

/* Where its checksum is: what stands before is covered. 0 = unknown. */
size_t version_control_crc_offset(int64_t major);
