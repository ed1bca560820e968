/*
 * A connection to PostgreSQL: the only user of libpq. Rows are plain text tables.
 */
#pragma once

#include <gio/gio.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Conn Conn;

/* Opens a connected socket for conn_open(), which closes it. */
typedef Error *(*ConnDial)(void *data, int *ret_fd);

/*
 * Where to, and as whom. A server that is dialled is a stranger, whoever it says it is: nothing but
 * what is here goes into the connection (no environment, no password file, no service), it gets no
 * password, and what it sends is bounded in bytes and time.
 */
typedef struct ConnSpec {
    ConnDial dial; /* or NULL: libpq connects by what follows */
    void *dial_data;
    size_t max_bytes; /* that a server which is dialled may send for one statement; 0 = 16 MiB */
    const char *const *environment; /* "NAME=value" for libpq, all else wins over it; or NULL */
    const char *conninfo; /* URI or key/value string; the fields below win over it; may be NULL */
    const char *host;     /* name, address, or absolute path of a socket directory */
    int64_t port;         /* 0 = default */
    const char *user;
    const char *dbname;
    const char *password;
    const char *application;  /* NULL = "ramet" */
    const char *options;      /* settings of the session: "-c name=value …"; may be NULL */
    int64_t timeout_ms;       /* for connecting; 0 = 10 s */
    int64_t query_timeout_ms; /* for each query; 0 = none, 10 min where it is dialled. Past it only
                                 closing is left */
    GCancellable *cancel; /* borrowed by the connection, or NULL; cancelled: as past a timeout */
} ConnSpec;

/*
 * Options of the manager's own sessions in a clone; only a superuser may give them. Statements,
 * which may hold verifiers, reach neither the server's log nor pg_stat_statements (that has to hold
 * from the start: log_statement is looked at before the first statement of a script runs); no
 * setting, function or trigger that came with the data gets in the way; nothing runs for ever.
 */
#define CONN_MANAGER                                                                               \
    "-c log_statement=none -c log_min_duration_statement=-1 -c log_min_error_statement=panic "     \
    "-c pgaudit.log=none -c pg_stat_statements.track=none -c search_path=pg_catalog "              \
    "-c session_replication_role=replica -c default_transaction_read_only=off "                    \
    "-c statement_timeout=600000 -c lock_timeout=0 -c role=none"

/*
 * conn_open - connect.
 *
 * Blocks at most timeout_ms; only the look-up of a host's name is the resolver's, and keeps its own
 * time.
 *
 * Errors: ERR_INVALID malformed connection string;
 *         ERR_TIMEOUT;
 *         ERR_DENIED password or pg_hba.conf refused it (SQLSTATE class 28), or it asks for a
 *         password and there is none;
 *         ERR_NOT_FOUND `database "x" does not exist` (3D000);
 *         ERR_BUSY starting up or too many connections (57P03, 53300);
 *         ERR_EXTERNAL not reachable, it sends too much, other; those of dial().
 *         Detail: the server's or libpq's words, without any password.
 */
MUST_CHECK Error *conn_open(const ConnSpec *spec, Conn **ret_conn);
void conn_close(Conn *conn);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Conn, conn_close)

/* A result: n_rows × n_columns of text; NULL for SQL NULL. */
typedef struct Rows Rows;
void rows_free(Rows *rows);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Rows, rows_free)
int rows_count(const Rows *rows);
int rows_columns(const Rows *rows);
const char *rows_text(const Rows *rows, int row, int column); /* "" for SQL NULL */
bool rows_is_null(const Rows *rows, int row, int column);
int64_t rows_int(const Rows *rows, int row, int column); /* 0 when NULL or no number */

/*
 * conn_query - one statement with text parameters ($1 …), NULL-terminated list.
 *
 *   ret_rows   NULL when not wanted
 *
 * Errors: by SQLSTATE: ERR_INVALID 22…; ERR_NOT_FOUND 42P01 42883 3D000 …; ERR_CONFLICT 42710 42P07
 *         …; ERR_BUSY 53200 53300 55P03 …; ERR_NO_SPACE 53100; ERR_DENIED 42501; ERR_TIMEOUT 57014;
 *         else ERR_EXTERNAL. ERR_TIMEOUT also past query_timeout_ms, ERR_INVALID for a COPY.
 *         Message: the server's; detail: SQLSTATE, DETAIL, CONTEXT. The text of the statement,
 *         which may hold a secret, is in neither.
 */
MUST_CHECK Error *conn_query(Conn *conn, Rows **ret_rows, const char *sql,
                             ...) G_GNUC_NULL_TERMINATED;

/* Several statements at once, no parameters, no results (simple protocol). Errors: the same. */
MUST_CHECK Error *conn_script(Conn *conn, const char *sql);

/* Quoted identifier / literal, by libpq. Caller frees. */
char *conn_quote_name(Conn *conn, const char *name);
char *conn_quote_text(Conn *conn, const char *text);

/* The server's major, as version.h has it. */
int64_t conn_major(const Conn *conn);

/* What the server has told of itself ("TimeZone", "in_hot_standby"); "" = nothing. Borrowed. */
const char *conn_parameter(const Conn *conn, const char *name);

/*
 * conn_password_secret - the verifier of a password, as CREATE ROLE … PASSWORD takes it: of
 * SCRAM-SHA-256, or md5 for a major that has nothing better. Computed by libpq without any server; 3–5 ms of CPU (4096 rounds), so do it while something else
 * is waited for. Caller frees.
 */
MUST_CHECK Error *conn_password_secret(int64_t major, const char *user, const char *password,
                                       char **ret_secret);

/* The parts of a connection string; what is absent is "". */
typedef struct ConnParts {
    char *host; /* or else hostaddr */
    char *port;
    char *user;
    char *dbname;
    bool has_password;
} ConnParts;
void conn_parts_clear(ConnParts *parts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ConnParts, conn_parts_clear)

/* ERR_INVALID malformed. Clear with conn_parts_clear(). */
MUST_CHECK Error *conn_parse(const char *conninfo, ConnParts *ret_parts);

/* Adds keyword=value to a key/value connection string, quoted where libpq wants it. */
void conn_append_option(GString *conninfo, const char *keyword, const char *value);

/* The connection string with its database replaced, all else kept. ERR_INVALID. Caller frees. */
MUST_CHECK Error *conn_with_dbname(const char *conninfo, const char *dbname, char **ret_conninfo);
