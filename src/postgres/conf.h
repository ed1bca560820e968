/*
 * Configuration of instances: one generated file, included last by the data directory's
 * postgresql.conf. Layers, later ones win: our defaults for the purpose → databaseConfigs → the
 * snapshot's → the clone's own.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "postgres/installation.h"

typedef enum ConfPurpose {
    CONF_CLONE, /* an instance of a user: quick to start, cheap on copy-on-write storage  */
    CONF_LOAD,  /* filling the golden data: fsync off, much memory, checkpoints far apart */
} ConfPurpose;

typedef struct ConfSpec {
    ConfPurpose purpose;
    int64_t major;
    const json_t *layers[4]; /* JSON objects name → scalar, in order; NULL entries are skipped */
} ConfSpec;

/* Text of the file: `name = 'value'` lines, values quoted and escaped. Caller frees. */
char *conf_format(const ConfSpec *spec);

/* Name of the generated file inside a data directory. */
#define CONF_FILE "ramet.conf"

/* Who may connect. */
typedef struct ConfAccess {
    const char *manager;   /* the management superuser                                     */
    const char *user;      /* the clone's own; NULL = none is known yet                    */
    const char *tool_user; /* operating-system user that may be the manager beside us, for
                              PostgreSQL's tools while data is loaded; NULL = none         */
    bool accepts_md5;      /* old passwords are kept, or the server knows no other ones    */
} ConfAccess;

/*
 * conf_take_over - make a data directory ours, before its first snapshot: postgresql.conf becomes a
 * marker, initdb's choices of locale and time zone, and an include of CONF_FILE;
 * postgresql.auto.conf is emptied; pg_hba.conf and pg_ident.conf are written. May be repeated.
 *
 *   os_user   owner of the files
 */
MUST_CHECK Error *conf_take_over(const char *data_dir, const char *os_user,
                                 const ConfAccess *access);

/* True when conf_take_over() has come to its end. */
bool conf_is_taken_over(const char *data_dir);

/*
 * Writes pg_hba.conf and pg_ident.conf anew: the data may be a snapshot of a clone whose superuser
 * has changed them.
 */
MUST_CHECK Error *conf_write_access(const char *data_dir, const char *os_user,
                                    const ConfAccess *access);

/*
 * Removes what makes a server start as a standby or recover from an archive: a clone is a primary,
 * and its data may be a standby's, or hold what a superuser has put there.
 */
MUST_CHECK Error *conf_end_recovery(const char *data_dir);

/* Writes CONF_FILE. */
MUST_CHECK Error *conf_write(const char *data_dir, const char *os_user, const ConfSpec *spec);

/*
 * conf_check_names - settings that a clone may bring: names of the right form, none of those that
 * are ours (port, listen_addresses, unix_socket_directories, data_directory, hba_file, …), scalars
 * without control characters, at most 200 of them and 4 KiB each.
 *
 * Errors: ERR_INVALID with the name (hint).
 */
MUST_CHECK Error *conf_check_names(const json_t *settings);

/*
 * conf_check_values - ask PostgreSQL itself (postgres -C) whether it takes the settings; nothing is
 * started. Cost: 10-20 ms for each of one or two tries; in an image, that of a container.
 *
 * Errors: ERR_INVALID `invalid setting: invalid value for parameter "work_mem": "abc"`, with
 *         "(and 2 more)" when there are (detail: all of them, one a line); ERR_EXTERNAL postgres
 *         could not be asked.
 */
MUST_CHECK Error *conf_check_values(const Installation *installation, const char *os_user,
                                    const ProgramRunner *runner, const json_t *settings);

/*
 * pg_hba.conf: every user by password (scram; md5 too when old passwords are kept), the manager by
 * peer over the Unix socket, where the gateway comes from, too: the kernel tells them apart. Where
 * the manager is the clone's own user, only CONF_MANAGER_DB is for us. Caller frees.
 */
#define CONF_MANAGER_DB "template1"

char *conf_hba(const ConfAccess *access);

/* pg_ident.conf: the user that rametd runs as, and tool_user, may be the manager. Caller frees. */
char *conf_ident(const ConfAccess *access);
