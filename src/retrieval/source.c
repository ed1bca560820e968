/*
 * The source: connection and inspection. Each database is looked into before anything long begins,
 * so that what cannot work is said at once.
 */
#include "retrieval/source.h"

#include <string.h>

#include "base/environment.h"

#define SOURCE_CONNECT_TIMEOUT_MS 10000
#define SOURCE_QUERY_TIMEOUT_MS   300000 /* the sizes of very many tables; a dead network */

/*
 * A database that is locked by somebody must not hold a refresh up for ever; a role that ALTER
 * DATABASE … SET role gives must not take the user's own rights away.
 */
#define SOURCE_SESSION                                                                             \
    "SET ROLE NONE; SET statement_timeout = '5min'; SET lock_timeout = '1min'; SET "               \
    "default_transaction_read_only = on"

/* --- making and freeing --- */

static void source_extension_free(void *data)
{
    SourceExtension *extension = data;

    g_free(extension->name);
    g_free(extension->version);
    g_free(extension);
}

static void source_object_free(void *data)
{
    SourceObject *object = data;

    g_free(object->name);
    g_free(object->tag);
    g_free(object);
}

static void source_database_free(void *data)
{
    SourceDatabase *database = data;

    g_free(database->name);
    g_free(database->encoding);
    g_free(database->collate);
    g_free(database->ctype);
    json_decref(database->tables);
    json_decref(database->exclude_tables);
    g_ptr_array_unref(database->extensions);
    g_ptr_array_unref(database->objects);
    g_free(database);
}

void source_free(Source *source)
{
    if (!source)
        return;
    g_free(source->conninfo);
    g_free(source->password);
    g_ptr_array_unref(source->databases);
    g_ptr_array_unref(source->others);
    g_free(source);
}

static void source_append_part(GString *conninfo, const char *key, const char *value)
{
    if (value && *value)
        conn_append_option(conninfo, key, value);
}

static char *source_join_parts(const LogicalDumpConfig *config)
{
    GString *conninfo = g_string_new(NULL);
    g_autofree char *port = g_strdup_printf("%" G_GINT64_FORMAT, config->port);

    source_append_part(conninfo, "host", config->host);
    source_append_part(conninfo, "port", port);
    source_append_part(conninfo, "user", config->username);
    source_append_part(conninfo, "dbname", config->dbname);
    return g_string_free(conninfo, FALSE);
}

static bool source_has_string(const LogicalDumpConfig *config)
{
    return config->connection_string && *config->connection_string;
}

static const char *source_password(const LogicalDumpConfig *config)
{
    const char *password = environment_get("PGPASSWORD");

    if (!password || !*password)
        password = config->password;
    return password && *password ? password : NULL;
}

Error *source_new(const LogicalDumpConfig *config, Source **ret_source)
{
    if (config->source_type && g_str_equal(config->source_type, "rdsIam"))
        return error_hint(
            error_new(ERR_INVALID, "sources of type \"rdsIam\" are not supported yet"),
            "Use source type \"remote\" with a user and a password.");
    Source *source = g_new0(Source, 1);
    source->conninfo =
        source_has_string(config) ? g_strdup(config->connection_string) : source_join_parts(config);
    source->password = g_strdup(source_password(config));
    source->databases = g_ptr_array_new_with_free_func(source_database_free);
    source->others = g_ptr_array_new_with_free_func(source_database_free);
    *ret_source = source;
    return NULL;
}

Error *source_conninfo(const Source *source, const char *dbname, char **ret_conninfo)
{
    return conn_with_dbname(source->conninfo, dbname, ret_conninfo);
}

/* --- connecting --- */

/*
 * What a person can do about a refused or impossible connection. The first row counts that has the
 * code, and whose text the server or libpq has said; what is not known gets no hint.
 */
static const struct {
    ErrorCode code;
    const char *text;
    const char *hint;
} source_hints[] = {
    {ERR_DENIED, "28P01",
     "Check user and password in retrieval.spec.logicalDump.options.source (PGPASSWORD in the "
     "server's environment wins)."},
    {ERR_DENIED, "asks for a password",
     "The source asks for a password: set it in retrieval.spec.logicalDump.options.source."},
    {ERR_DENIED, "pg_hba.conf", "Let this host and user in, in the source's pg_hba.conf."},
    {ERR_DENIED, "28000",
     "Check the user in retrieval.spec.logicalDump.options.source: is there such a role, may it "
     "log "
     "in, and does pg_hba.conf let it in the way it comes?"},
    {ERR_DENIED, "permission denied for database",
     "Give the source's user the right to connect: GRANT CONNECT ON DATABASE … TO …"},
    {ERR_NOT_FOUND, "",
     "Check the name of the database in retrieval.spec.logicalDump.options.source."},
    {ERR_TIMEOUT, "", "Check that host and port are right and that no firewall is in between."},
    {ERR_BUSY, "too many connections for role",
     "The source's user has a connection limit; a refresh needs parallelJobs + 3."},
    {ERR_BUSY, "53300", "The source has no free connection; try again later."},
    {ERR_BUSY, "", "The source is starting or stopping; try again later."},
    {ERR_EXTERNAL, "could not translate host name",
     "Check the name of the host in retrieval.spec.logicalDump.options.source."},
    {ERR_EXTERNAL, "SSL", "Check sslmode and the certificates in source.connectionString."},
    {ERR_EXTERNAL, "unsupported startup parameter",
     "This is a pooler: give the address of the server itself."},
    {ERR_EXTERNAL, "could not connect",
     "Check that the source runs, and its host and port in "
     "retrieval.spec.logicalDump.options.source."},
};

static Error *source_explain(Error *e)
{
    g_autofree char *words = g_strconcat(e->message, "\n", e->detail, NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(source_hints); i++)
        if (source_hints[i].code == e->code && strstr(words, source_hints[i].text))
            return error_hint(e, "%s", source_hints[i].hint);
    return e;
}

Error *source_connect(const Source *source, const char *dbname, Conn **ret_conn)
{
    const ConnSpec spec = {
        .environment = environment_taken(),
        .conninfo = source->conninfo,
        .dbname = dbname,
        .password = source->password,
        .timeout_ms = SOURCE_CONNECT_TIMEOUT_MS,
        .query_timeout_ms = SOURCE_QUERY_TIMEOUT_MS,
        .cancel = source->cancel,
    };
    g_autoptr(Conn) conn = NULL;

    Error *e = conn_open(&spec, &conn);
    if (e)
        return source_explain(e);
    TRY(conn_script(conn, SOURCE_SESSION));
    *ret_conn = g_steal_pointer(&conn);
    return NULL;
}

/*
 * Names as their bytes are: those of databases have no encoding, and those in a database of SQL_ASCII
 * need not have one. The server would convert the first as if they had this database's, and refuse
 * to tell the second.
 */
#define SOURCE_BYTES "SET client_encoding = 'SQL_ASCII'"

/* --- databases --- */

#define DATABASES_SQL                                                                              \
    "SELECT datname, datallowconn, has_database_privilege(oid, 'CONNECT'),"                        \
    "       datistemplate,"                                                                        \
    "       CASE WHEN has_database_privilege(oid, 'CONNECT') THEN pg_database_size(oid) ELSE 0 "   \
    "END,"                                                                                         \
    "       pg_encoding_to_char(encoding), datcollate, datctype"                                   \
    "  FROM pg_database"                                                                           \
    " WHERE datconnlimit <> -2" /* left over from an interrupted DROP DATABASE */                  \
    " ORDER BY 5 DESC, 1"

static SourceDatabase *source_database_new(const Rows *rows, int row)
{
    SourceDatabase *database = g_new(SourceDatabase, 1);
    const char *name = rows_text(rows, row, 0);

    *database = (SourceDatabase){
        .name = g_utf8_make_valid(name, -1),
        .is_misnamed = !g_utf8_validate(name, -1, NULL),
        .is_open = g_str_equal(rows_text(rows, row, 1), "t"),
        .may_connect = g_str_equal(rows_text(rows, row, 2), "t"),
        .is_template = g_str_equal(rows_text(rows, row, 3), "t"),
        .bytes = rows_int(rows, row, 4),
        .encoding = g_strdup(rows_text(rows, row, 5)),
        .collate = g_strdup(rows_text(rows, row, 6)),
        .ctype = g_strdup(rows_text(rows, row, 7)),
        .extensions = g_ptr_array_new_with_free_func(source_extension_free),
        .objects = g_ptr_array_new_with_free_func(source_object_free),
    };
    return database;
}

static json_t *source_patterns(const json_t *options, const char *name)
{
    json_t *list = json_object_get(options, name);

    return json_array_size(list) > 0 ? json_incref(list) : NULL;
}

static bool source_takes(const LogicalDumpConfig *config, SourceDatabase *database)
{
    const json_t *options = json_object_get(config->databases, database->name);

    if (database->is_misnamed)
        return false;
    if (json_object_size(config->databases) == 0)
        return database->is_open && database->may_connect && !database->is_template;
    if (!options)
        return false;
    database->tables = source_patterns(options, "tables");
    database->exclude_tables = source_patterns(options, "excludeTables");
    return true;
}

static void source_append_names(GString *names, const GPtrArray *databases)
{
    for (unsigned i = 0; i < databases->len; i++) {
        const SourceDatabase *database = databases->pdata[i];
        if (!database->is_template)
            g_string_append_printf(names, "%s\"%s\"", names->len ? ", " : "", database->name);
    }
}

static Error *source_no_database(const Source *source, const char *name)
{
    g_autoptr(GString) names = g_string_new(NULL);
    Error *e = error_new(ERR_NOT_FOUND, "database \"%s\" does not exist at the source", name);

    source_append_names(names, source->databases);
    source_append_names(names, source->others);
    e = error_detail(e, "Databases there: %s.", names->str);
    return error_hint(e, "Check retrieval.spec.logicalDump.options.databases.");
}

static SourceDatabase *source_find(const GPtrArray *databases, const char *name)
{
    for (unsigned i = 0; i < databases->len; i++)
        if (g_str_equal(((SourceDatabase *)databases->pdata[i])->name, name))
            return databases->pdata[i];
    return NULL;
}

static Error *source_check_open(const SourceDatabase *database)
{
    if (!database->is_open)
        return error_hint(
            error_new(ERR_DENIED, "database \"%s\" is closed to everybody", database->name),
            "Open it at the source (ALTER DATABASE … ALLOW_CONNECTIONS true), or take "
            "it out of retrieval.spec.logicalDump.options.databases.");
    if (!database->may_connect)
        return error_hint(error_new(ERR_DENIED, "database \"%s\" does not let the source's user in",
                                    database->name),
                          "Give the user the right: GRANT CONNECT ON DATABASE … TO …");
    return NULL;
}

static Error *source_check_wanted(const Source *source, const LogicalDumpConfig *config)
{
    const char *name;
    json_t *options;

    json_object_foreach (config->databases, name, options) {
        const SourceDatabase *database = source_find(source->databases, name);
        if (!database)
            return source_no_database(source, name);
        TRY(source_check_open(database));
    }
    if (source->databases->len == 0)
        return error_hint(error_new(ERR_NOT_FOUND, "the source has no database that we may read"),
                          "Give the source's user the right to connect to them.");
    return NULL;
}

static Error *source_read_databases(Source *source, Conn *conn, const LogicalDumpConfig *config)
{
    g_autoptr(Rows) rows = NULL;

    source->is_chosen = json_object_size(config->databases) > 0;
    TRY(conn_script(conn, SOURCE_BYTES));
    TRY(conn_query(conn, &rows, DATABASES_SQL, NULL));
    for (int i = 0; i < rows_count(rows); i++) {
        SourceDatabase *database = source_database_new(rows, i);
        g_ptr_array_add(source_takes(config, database) ? source->databases : source->others,
                        database);
    }
    TRY(source_check_wanted(source, config));
    source->defaults = source_find(source->databases, "postgres");
    if (!source->defaults)
        source->defaults = source_find(source->others, "postgres");
    if (!source->defaults)
        source->defaults = source->databases->pdata[0];
    return NULL;
}

/* --- what is in a database --- */

static Error *source_read_extensions(SourceDatabase *database, Conn *conn)
{
    g_autoptr(Rows) rows = NULL;

    TRY(conn_query(conn, &rows, "SELECT extname, extversion FROM pg_extension ORDER BY 1", NULL));
    for (int i = 0; i < rows_count(rows); i++) {
        SourceExtension *extension = g_new(SourceExtension, 1);
        *extension = (SourceExtension){
            .name = g_utf8_make_valid(rows_text(rows, i, 0), -1),
            .version = g_utf8_make_valid(rows_text(rows, i, 1), -1),
        };
        g_ptr_array_add(database->extensions, extension);
    }
    return NULL;
}

/* Names and tags as pg_dump and pg_restore print them: see progress_expect(). */
#define OBJECTS_SQL                                                                                \
    "SELECT 0, n.nspname || '.' || c.relname, c.relname, pg_table_size(c.oid)"                     \
    "  FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"                              \
    " WHERE c.relkind = 'r' AND c.relpersistence <> 't'"                                           \
    "   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema' "                            \
    "UNION ALL "                                                                                   \
    "SELECT 1, n.nspname || '.' || coalesce(t.relname || ' ' || k.conname, i.relname),"            \
    "       coalesce(t.relname || ' ' || k.conname, i.relname), pg_relation_size(i.oid)"           \
    "  FROM pg_index x"                                                                            \
    "  JOIN pg_class i ON i.oid = x.indexrelid"                                                    \
    "  JOIN pg_class t ON t.oid = x.indrelid"                                                      \
    "  JOIN pg_namespace n ON n.oid = i.relnamespace"                                              \
    "  LEFT JOIN pg_constraint k ON k.conindid = i.oid AND k.contype IN ('p', 'u', 'x')"           \
    " WHERE i.relkind = 'i' AND i.relpersistence <> 't'"                                           \
    "   AND n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'"

static Error *source_read_objects(SourceDatabase *database, Conn *conn)
{
    g_autoptr(Rows) rows = NULL;

    TRY(conn_query(conn, &rows, OBJECTS_SQL, NULL));
    for (int i = 0; i < rows_count(rows); i++) {
        SourceObject *object = g_new(SourceObject, 1);
        *object = (SourceObject){
            .kind = rows_int(rows, i, 0) == 0 ? PROGRESS_TABLE : PROGRESS_INDEX,
            .name = g_utf8_make_valid(rows_text(rows, i, 1), -1),
            .tag = g_utf8_make_valid(rows_text(rows, i, 2), -1),
            .bytes = rows_int(rows, i, 3),
        };
        g_ptr_array_add(database->objects, object);
    }
    return NULL;
}

static Error *source_read_database(const Source *source, SourceDatabase *database)
{
    g_autoptr(Conn) conn = NULL;

    TRY(source_connect(source, database->name, &conn));
    if (g_str_equal(database->encoding, "SQL_ASCII"))
        TRY(conn_script(conn, SOURCE_BYTES));
    TRY(source_read_extensions(database, conn));
    return source_read_objects(database, conn);
}

static Error *source_read_checksums(Source *source, Conn *conn)
{
    g_autoptr(Rows) rows = NULL;

    TRY(conn_query(conn, &rows, "SELECT pg_catalog.current_setting('data_checksums')", NULL));
    source->has_checksums = g_str_equal(rows_text(rows, 0, 0), "on");
    return NULL;
}

Error *source_inspect(Source *source, const LogicalDumpConfig *config)
{
    g_autoptr(Conn) conn = NULL;

    TRY(source_connect(source, NULL, &conn));
    source->major = conn_major(conn);
    TRY(source_read_checksums(source, conn));
    TRY(source_read_databases(source, conn, config));
    for (unsigned i = 0; i < source->databases->len; i++) {
        SourceDatabase *database = source->databases->pdata[i];
        Error *e = source_read_database(source, database);
        if (e)
            return error_wrap(e, "database \"%s\"", database->name);
    }
    return NULL;
}

int64_t source_total_bytes(const Source *source)
{
    int64_t bytes = 0;

    for (unsigned i = 0; i < source->databases->len; i++) {
        const SourceDatabase *database = source->databases->pdata[i];
        if (!database->tables && !database->exclude_tables)
            bytes += database->bytes;
    }
    return bytes;
}
