/*
 * libpq lives here alone. Connecting and waiting for results are our own poll loops over libpq's
 * asynchronous calls, because only those keep a deadline in milliseconds. Nothing that can hold a
 * secret (a password, the text of a statement) finds its way into an error.
 */
#include "postgres/conn.h"

#include <errno.h>
#include <libpq-fe.h>
#include <poll.h>
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/outside.h"
#include "postgres/sqlstate.h"
#include "postgres/version.h"
#include "postgres/wire.h"

#define CONNECT_TIMEOUT_MS 10000
#define CONNECT_BYTES_MAX  65536 /* of a server that is dialled, until it is ready for a query */
#define DIALLED_QUERY_MS   600000
#define DIALLED_BYTES_MAX  (16 * 1024 * 1024)
#define NO_FILE            "/dev/null/none" /* there cannot be one */
#define PARAMETERS_MAX     16
#define KEYWORDS_MAX       64
#define SYNTAX_ERROR       "42601" /* the server quotes the statement in its message */

struct Conn {
    PGconn *pg;
    int64_t query_timeout_ms; /* 0 = none */
    GCancellable *cancel;     /* borrowed, or NULL */
    int cancel_fd;            /* of cancel; -1 without */
    Wire *wire;               /* to a server that was dialled; or NULL */
    size_t max_bytes;         /* over the wire, for one statement */
};

struct Rows {
    PGresult *result;
};

/* --- waiting --- */

/* Waits until the socket is ready for events; ERR_TIMEOUT past the deadline (0 = none) or when cancelled. */
static Error *conn_wait_socket(const Conn *conn, short events, int64_t deadline_ms)
{
    struct pollfd fds[] = {
        {.fd = PQsocket(conn->pg), .events = events},
        {.fd = conn->cancel_fd, .events = POLLIN},
    };

    outside_call("conn");
    if (conn->wire)
        return wire_wait(conn->wire, PQsocket(conn->pg), events, conn->cancel_fd, deadline_ms);
    for (;;) {
        int64_t left_ms = deadline_ms ? deadline_ms - clock_monotonic_ms() : -1;
        if (deadline_ms && left_ms <= 0)
            return error_new(ERR_TIMEOUT, "PostgreSQL did not answer in time");

        int n = poll(fds, G_N_ELEMENTS(fds), (int)MIN(left_ms, G_MAXINT));
        if (n > 0 && fds[1].revents)
            return error_new(ERR_TIMEOUT, "cancelled");
        if (n > 0)
            return NULL;
        if (n < 0 && errno != EINTR)
            return error_errno(errno, "waiting for PostgreSQL");
    }
}

/* --- connecting --- */

/* "host \"db.example.com\" port 5433", "socket directory \"/run/x\"", "its socket" */
static char *conn_place(const Conn *conn)
{
    const PGconn *pg = conn->pg;
    const char *host = PQhost(pg) ? PQhost(pg) : "";

    if (conn->wire)
        return g_strdup("its socket");
    if (g_path_is_absolute(host))
        return g_strdup_printf("socket directory \"%s\"", host);
    return g_strdup_printf("host \"%s\" port %s", host, PQport(pg) ? PQport(pg) : "");
}

/*
 * libpq's words about a failed connection, without the password should they hold it, and without the
 * lines of PostgreSQL's source that verbose mode names.
 */
static char *conn_words(const PGconn *pg)
{
    g_autoptr(GRegex) location = g_regex_new("\\nLOCATION:  [^\\n]*", G_REGEX_RAW, 0, NULL);
    g_autofree char *words =
        g_strchomp(g_regex_replace_literal(location, PQerrorMessage(pg), -1, 0, "", 0, NULL));
    const char *password = PQpass(pg);

    if (password == NULL || *password == '\0')
        return g_steal_pointer(&words);
    g_auto(GStrv) pieces = g_strsplit(words, password, -1);
    return g_strjoinv("********", pieces);
}

/*
 * libpq gives no SQLSTATE of a failed connection, but in verbose mode it is in the text:
 * "…: FATAL:  28P01: password authentication failed…\nLOCATION:  …". Severity may be translated.
 */
static void conn_split_words(const char *words, char **ret_sqlstate, char **ret_message)
{
    g_autoptr(GRegex) regex = g_regex_new(":  ([0-9A-Z]{5}): (.*)", 0, 0, NULL);
    g_autoptr(GMatchInfo) match = NULL;

    if (!g_regex_match(regex, words, 0, &match))
        return;
    *ret_sqlstate = g_match_info_fetch(match, 1);
    *ret_message = g_match_info_fetch(match, 2);
}

static Error *conn_refused(const Conn *conn)
{
    const PGconn *pg = conn->pg;
    g_autofree char *place = conn_place(conn);
    g_autofree char *words = conn_words(pg);
    g_autofree char *sqlstate = NULL;
    g_autofree char *message = NULL;

    if (PQconnectionNeedsPassword(pg))
        return error_new(ERR_DENIED, "PostgreSQL at %s asks for a password, and there is none",
                         place);
    conn_split_words(words, &sqlstate, &message);
    if (sqlstate && strcmp(sqlstate, "3D000") == 0)
        return error_detail(error_new(ERR_NOT_FOUND, "database \"%s\" does not exist", PQdb(pg)),
                            "%s", words);
    if (sqlstate)
        return error_detail(error_new(sqlstate_code(sqlstate),
                                      "PostgreSQL at %s refused the connection: %s", place,
                                      message),
                            "%s", words);
    return error_detail(error_new(ERR_EXTERNAL, "could not connect to PostgreSQL at %s", place),
                        "%s", words);
}

static Error *conn_poll(const Conn *conn, int64_t timeout_ms)
{
    PGconn *pg = conn->pg;
    int64_t deadline_ms = clock_monotonic_ms() + timeout_ms;
    PostgresPollingStatusType status = PGRES_POLLING_WRITING;

    while (PQstatus(pg) != CONNECTION_BAD && status != PGRES_POLLING_OK) {
        short events = status == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        Error *e = conn_wait_socket(conn, events, deadline_ms);
        if (e) {
            g_autofree char *place = conn_place(conn);
            return error_wrap(e, "connecting to %s within %" G_GINT64_FORMAT " ms", place,
                              timeout_ms);
        }
        status = PQconnectPoll(pg);
    }
    return PQstatus(pg) == CONNECTION_OK ? NULL : conn_refused(conn);
}

static void conn_ignore_notice(void *data, const char *message)
{
}

/* A connection string that does not parse is not quoted: it may be a password that libpq minds. */
static Error *conn_parse_options(const char *conninfo, PQconninfoOption **ret_options)
{
    char *words = NULL;
    PQconninfoOption *options = PQconninfoParse(conninfo, &words);

    PQfreemem(words);
    if (options == NULL)
        return error_hint(error_new(ERR_INVALID, "connection string is malformed"),
                          "Write it as postgresql://USER@HOST:PORT/DATABASE or as \"host=HOST "
                          "port=PORT user=USER dbname=DATABASE\".");
    *ret_options = options;
    return NULL;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(PQconninfoOption, PQconninfoFree)

/* One keyword for PQconnectStartParams(); an empty value leaves what the connection string says. */
typedef struct Keywords {
    const char *names[KEYWORDS_MAX];
    const char *values[KEYWORDS_MAX];
    size_t n;
} Keywords;

static void keywords_add(Keywords *keywords, const char *name, const char *value)
{
    if (value == NULL || *value == '\0')
        return;
    g_assert(keywords->n < G_N_ELEMENTS(keywords->names) - 1);
    keywords->names[keywords->n] = name;
    keywords->values[keywords->n++] = value;
}

/* What libpq would have read itself. Variables that are no options of a connection are left out. */
static void keywords_add_environment(Keywords *keywords, const char *const *environment,
                                     const PQconninfoOption *known)
{
    for (const PQconninfoOption *option = known; environment && option->keyword; option++)
        if (option->envvar)
            keywords_add(keywords, option->keyword,
                         g_environ_getenv((char **)(uintptr_t)environment, option->envvar));
}

/* libpq's own defaults are files of our home and the like: nothing of them is for a stranger. */
static void keywords_add_stranger(Keywords *keywords, const Wire *wire,
                                  const PQconninfoOption *known)
{
    keywords_add(keywords, "host", wire_place(wire));
    keywords_add(keywords, "port", WIRE_PORT);
    keywords_add(keywords, "passfile", NO_FILE);
    keywords_add(keywords, "sslmode", "disable");
    keywords_add(keywords, "gssencmode", "disable");
    for (const PQconninfoOption *option = known; option->keyword; option++)
        if (strcmp(option->keyword, "require_auth") == 0) /* from libpq 16 on */
            keywords_add(keywords, "require_auth", "none");
}

static PGconn *conn_start(const ConnSpec *spec, const Wire *wire)
{
    g_autofree char *port =
        spec->port ? g_strdup_printf("%" G_GINT64_FORMAT, spec->port) : g_strdup("");
    g_autoptr(PQconninfoOption) known = PQconndefaults();
    Keywords keywords = {};

    g_assert(known); /* NULL is out of memory */
    keywords_add_environment(&keywords, spec->environment, known);
    keywords_add(&keywords, "fallback_application_name", "ramet");
    keywords_add(&keywords, "dbname", spec->conninfo); /* expanded, as the first "dbname" */
    keywords_add(&keywords, "client_encoding", "UTF8");
    keywords_add(&keywords, "host", spec->host);
    keywords_add(&keywords, "port", port);
    keywords_add(&keywords, "user", spec->user);
    keywords_add(&keywords, "dbname", spec->dbname);
    keywords_add(&keywords, "password", spec->password);
    keywords_add(&keywords, "options", spec->options);
    keywords_add(&keywords, "application_name", spec->application);
    if (wire)
        keywords_add_stranger(&keywords, wire, known);
    return PQconnectStartParams(keywords.names, keywords.values, spec->conninfo && *spec->conninfo);
}

/* Nothing of it has been sent yet when libpq has begun to connect. */
static Error *conn_start_wire(Conn *conn, const ConnSpec *spec)
{
    int fd = -1;

    TRY(spec->dial(spec->dial_data, &fd));
    TRY(wire_open_take(fd, &conn->wire));
    conn->pg = conn_start(spec, conn->wire);
    g_assert(conn->pg); /* NULL is out of memory */
    if (PQpass(conn->pg) && *PQpass(conn->pg))
        return error_new(ERR_BUG, "a password was found for a server that shall get none");
    if (PQstatus(conn->pg) == CONNECTION_BAD)
        return conn_refused(conn);
    wire_allow(conn->wire, CONNECT_BYTES_MAX);
    return wire_accept(conn->wire);
}

Error *conn_open(const ConnSpec *spec, Conn **ret_conn)
{
    if (spec->conninfo && *spec->conninfo) {
        g_autoptr(PQconninfoOption) options = NULL;
        TRY(conn_parse_options(spec->conninfo, &options));
    }

    g_autoptr(Conn) conn = g_new0(Conn, 1);
    conn->query_timeout_ms = spec->query_timeout_ms;
    conn->cancel = spec->cancel;
    conn->cancel_fd = spec->cancel ? g_cancellable_get_fd(spec->cancel) : -1;
    conn->max_bytes = spec->max_bytes ? spec->max_bytes : DIALLED_BYTES_MAX;
    if (spec->dial) {
        conn->query_timeout_ms = spec->query_timeout_ms ? spec->query_timeout_ms : DIALLED_QUERY_MS;
        TRY(conn_start_wire(conn, spec));
    } else {
        conn->pg = conn_start(spec, NULL);
        g_assert(conn->pg);
    }
    PQsetNoticeProcessor(conn->pg, conn_ignore_notice, NULL);
    PQsetErrorVerbosity(conn->pg, PQERRORS_VERBOSE);
    TRY(conn_poll(conn, spec->timeout_ms ? spec->timeout_ms : CONNECT_TIMEOUT_MS));
    PQsetnonblocking(conn->pg, 1); /* a server that does not read must not hold us */
    *ret_conn = g_steal_pointer(&conn);
    return NULL;
}

void conn_close(Conn *conn)
{
    if (conn == NULL)
        return;
    PQfinish(conn->pg);
    wire_close(conn->wire);
    if (conn->cancel)
        g_cancellable_release_fd(conn->cancel);
    g_free(conn);
}

int64_t conn_major(const Conn *conn)
{
    return version_of_number(PQserverVersion(conn->pg));
}

const char *conn_parameter(const Conn *conn, const char *name)
{
    const char *value = PQparameterStatus(conn->pg, name);

    return value ? value : "";
}

/* --- results --- */

void rows_free(Rows *rows)
{
    if (rows == NULL)
        return;
    PQclear(rows->result);
    g_free(rows);
}

int rows_count(const Rows *rows)
{
    return PQntuples(rows->result);
}

int rows_columns(const Rows *rows)
{
    return PQnfields(rows->result);
}

const char *rows_text(const Rows *rows, int row, int column)
{
    return PQgetvalue(rows->result, row, column);
}

bool rows_is_null(const Rows *rows, int row, int column)
{
    return PQgetisnull(rows->result, row, column);
}

int64_t rows_int(const Rows *rows, int row, int column)
{
    return g_ascii_strtoll(rows_text(rows, row, column), NULL, 10);
}

/* Adds "NAME: field" when it is there. A CONTEXT with quotes may hold a statement: left out. */
static void result_append_field(GString *detail, const PGresult *result, const char *name,
                                int field)
{
    const char *value = PQresultErrorField(result, field);

    if (value == NULL || (field == PG_DIAG_CONTEXT && strchr(value, '"')))
        return;
    g_string_append_printf(detail, "%s%s: %s", detail->len ? "\n" : "", name, value);
}

static Error *result_error(const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *message = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *hint = PQresultErrorField(result, PG_DIAG_MESSAGE_HINT);
    g_autoptr(GString) detail = g_string_new(NULL);

    if (g_strcmp0(sqlstate, SYNTAX_ERROR) == 0)
        message = "syntax error in the statement";
    result_append_field(detail, result, "SQLSTATE", PG_DIAG_SQLSTATE);
    result_append_field(detail, result, "DETAIL", PG_DIAG_MESSAGE_DETAIL);
    result_append_field(detail, result, "CONTEXT", PG_DIAG_CONTEXT);
    result_append_field(detail, result, "AT CHARACTER", PG_DIAG_STATEMENT_POSITION);

    Error *e = error_new(sqlstate_code(sqlstate), "%s",
                         message ? message : "PostgreSQL closed the connection");
    if (detail->len)
        e = error_detail(e, "%s", detail->str);
    return hint ? error_hint(e, "%s", hint) : e;
}

static bool result_is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK || status == PGRES_EMPTY_QUERY;
}

/* COPY from and to a client has no place here. A COPY in is ended: the connection stays of use. */
static Error *conn_refuse_copy(Conn *conn, const PGresult *result)
{
    if (PQresultStatus(result) == PGRES_COPY_IN)
        PQputCopyEnd(conn->pg, "no data");
    return error_new(ERR_INVALID, "COPY FROM STDIN and COPY TO STDOUT are not possible here");
}

static bool result_is_copy(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);

    return status == PGRES_COPY_IN || status == PGRES_COPY_OUT || status == PGRES_COPY_BOTH;
}

/*
 * The next result of what was sent, NULL after the last one. Past the deadline the connection is of
 * no use any more, as its answer is still to come: the caller closes it.
 */
static Error *conn_next_result(Conn *conn, int64_t deadline_ms, PGresult **ret_result)
{
    while (PQisBusy(conn->pg)) {
        TRY(conn_wait_socket(conn, POLLIN, deadline_ms));
        if (!PQconsumeInput(conn->pg))
            break; /* the connection is lost: PQgetResult() tells */
    }
    *ret_result = PQgetResult(conn->pg);
    return NULL;
}

/* Hands on what libpq holds, reading what comes meanwhile: the server may wait for that. */
static Error *conn_flush(Conn *conn, int64_t deadline_ms)
{
    while (PQflush(conn->pg) == 1) {
        TRY(conn_wait_socket(conn, POLLIN | POLLOUT, deadline_ms));
        if (!PQconsumeInput(conn->pg))
            break; /* the connection is lost: PQgetResult() tells */
    }
    return NULL;
}

/* Takes all results of what was sent: the last one that is good, or else the first error. */
static Error *conn_collect(Conn *conn, Rows **ret_rows)
{
    int64_t deadline_ms =
        conn->query_timeout_ms ? clock_monotonic_ms() + conn->query_timeout_ms : 0;
    g_autoptr(Rows) rows = g_new0(Rows, 1);
    g_autoptr(Error) failure = NULL;

    TRY(conn_flush(conn, deadline_ms));
    for (;;) {
        PGresult *result = NULL;
        TRY(conn_next_result(conn, deadline_ms, &result));
        if (result == NULL)
            break;
        PQclear(rows->result);
        rows->result = result;
        if (result_is_copy(result) && !failure)
            failure = conn_refuse_copy(conn, result);
        else if (!result_is_good(result) && !failure)
            failure = result_error(result);
        if (PQstatus(conn->pg) == CONNECTION_BAD || PQresultStatus(result) == PGRES_COPY_OUT)
            break;
    }
    if (failure)
        return g_steal_pointer(&failure);
    if (rows->result == NULL)
        return error_new(ERR_EXTERNAL, "PostgreSQL closed the connection");
    if (ret_rows)
        *ret_rows = g_steal_pointer(&rows);
    return NULL;
}

/* --- statements --- */

static void conn_begin(Conn *conn)
{
    if (conn->wire)
        wire_allow(conn->wire, conn->max_bytes);
}

static Error *conn_answer(Conn *conn, int is_sent, Rows **ret_rows)
{
    if (is_sent)
        return conn_collect(conn, ret_rows);
    return error_detail(error_new(ERR_EXTERNAL, "PostgreSQL did not take the statement"), "%s",
                        PQerrorMessage(conn->pg));
}

Error *conn_query(Conn *conn, Rows **ret_rows, const char *sql, ...)
{
    const char *values[PARAMETERS_MAX];
    int n = 0;
    va_list args;

    va_start(args, sql);
    for (const char *value; (value = va_arg(args, const char *));) {
        g_assert(n < PARAMETERS_MAX);
        values[n++] = value;
    }
    va_end(args);
    conn_begin(conn);
    int is_sent = PQsendQueryParams(conn->pg, sql, n, NULL, values, NULL, NULL, 0);
    return conn_answer(conn, is_sent, ret_rows);
}

Error *conn_script(Conn *conn, const char *sql)
{
    conn_begin(conn);
    return conn_answer(conn, PQsendQuery(conn->pg, sql), NULL);
}

/* A copy of libpq's text in memory of GLib's; libpq refuses text that is not valid UTF-8. */
static char *conn_adopt(char *text)
{
    char *copy = g_strdup(text ? text : "");

    PQfreemem(text);
    return copy;
}

char *conn_quote_name(Conn *conn, const char *name)
{
    return conn_adopt(PQescapeIdentifier(conn->pg, name, strlen(name)));
}

char *conn_quote_text(Conn *conn, const char *text)
{
    return conn_adopt(PQescapeLiteral(conn->pg, text, strlen(text)));
}

/* --- without a server --- */

Error *conn_password_secret(int64_t major, const char *user, const char *password,
                            char **ret_secret)
{
    /*
     * libpq wants a connection object though it computes alone: one whose string does not parse
     * stays an object, and never opens a socket.
     */
    PGconn *offline = PQconnectStart("=");
    const char *algorithm = version_has(major, VERSION_HAS_SCRAM) ? "scram-sha-256" : "md5";
    char *secret = PQencryptPasswordConn(offline, password, user, algorithm);

    PQfinish(offline);
    if (secret == NULL)
        return error_new(ERR_EXTERNAL, "could not compute a password verifier");
    *ret_secret = conn_adopt(secret);
    return NULL;
}

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (strcmp(option->keyword, keyword) == 0 && option->val)
            return option->val;
    return "";
}

void conn_parts_clear(ConnParts *parts)
{
    g_free(parts->host);
    g_free(parts->port);
    g_free(parts->user);
    g_free(parts->dbname);
    *parts = (ConnParts){};
}

Error *conn_parse(const char *conninfo, ConnParts *ret_parts)
{
    g_autoptr(PQconninfoOption) options = NULL;

    TRY(conn_parse_options(conninfo, &options));
    const char *host = option_value(options, "host");
    *ret_parts = (ConnParts){
        .host = g_strdup(*host ? host : option_value(options, "hostaddr")),
        .port = g_strdup(option_value(options, "port")),
        .user = g_strdup(option_value(options, "user")),
        .dbname = g_strdup(option_value(options, "dbname")),
        .has_password = *option_value(options, "password") != '\0',
    };
    return NULL;
}

void conn_append_option(GString *conninfo, const char *keyword, const char *value)
{
    bool is_plain = *value && !strpbrk(value, " \t\r\n\f\v'\\");

    g_string_append_printf(conninfo, "%s%s=", conninfo->len ? " " : "", keyword);
    if (is_plain) {
        g_string_append(conninfo, value);
        return;
    }
    g_string_append_c(conninfo, '\'');
    for (const char *c = value; *c; c++) {
        if (*c == '\'' || *c == '\\')
            g_string_append_c(conninfo, '\\');
        g_string_append_c(conninfo, *c);
    }
    g_string_append_c(conninfo, '\'');
}

Error *conn_with_dbname(const char *conninfo, const char *dbname, char **ret_conninfo)
{
    g_autoptr(PQconninfoOption) options = NULL;
    g_autoptr(GString) text = g_string_new(NULL);

    TRY(conn_parse_options(conninfo, &options));
    for (const PQconninfoOption *option = options; option->keyword; option++)
        if (option->val && strcmp(option->keyword, "dbname") != 0)
            conn_append_option(text, option->keyword, option->val);
    conn_append_option(text, "dbname", dbname);
    *ret_conninfo = g_string_free(g_steal_pointer(&text), FALSE);
    return NULL;
}
