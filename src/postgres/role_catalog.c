/*
 * The catalog of roles. Source of what belongs to a role: pg_dumpall.c of PostgreSQL 10 to 18.
 */
#include "postgres/role_catalog.h"

#include <string.h>

#include "postgres/owners.h"
#include "postgres/role_grant.h"
#include "postgres/role_setting.h"
#include "postgres/version.h"

#define STATEMENTS_AT_ONCE 500

/* Names of ours, words of PostgreSQL as it writes them for programs, one moment for all queries. */
#define READING_SESSION                                                                            \
    "SET search_path = pg_catalog; SET datestyle = 'ISO'; SET timezone = 'UTC'; "                  \
    "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"

/* Where a statement goes, and what it is about. */
typedef struct RoleWriter {
    Conn *conn;
    const char *manager;
    Batch *batch;
    GPtrArray *grants; /* of RoleGrant *: memberships wait until all are known */
} RoleWriter;

/* Who is in the server already: what it is there, it stays. */
static bool role_is_there(const RoleWriter *writer, const char *role)
{
    return strcmp(role, writer->manager) == 0 || strcmp(role, OWNERS_SYSTEM) == 0 ||
           strcmp(role, OWNERS_GROUP) == 0;
}

/* --- attributes --- */

#define ROLES_SQL(password, catalog)                                                               \
    "SELECT rolname, rolsuper, rolinherit, rolcreaterole, rolcreatedb, rolcanlogin, "              \
    "rolreplication, rolbypassrls, rolconnlimit, rolvaliduntil, " password " FROM " catalog        \
    " WHERE rolname !~ '^pg_' ORDER BY 1"

enum {
    ROLE_NAME,
    ROLE_ATTRIBUTES,
    ROLE_LIMIT = 8,
    ROLE_VALID_UNTIL,
    ROLE_PASSWORD
};

/* In the order of the query's columns, from ROLE_ATTRIBUTES on. */
static const char *const role_attributes[] = {
    "SUPERUSER", "INHERIT", "CREATEROLE", "CREATEDB", "LOGIN", "REPLICATION", "BYPASSRLS",
};
G_STATIC_ASSERT(ROLE_ATTRIBUTES + G_N_ELEMENTS(role_attributes) == ROLE_LIMIT);

static bool row_is_true(const Rows *rows, int row, int column)
{
    return strcmp(rows_text(rows, row, column), "t") == 0;
}

static void role_append_text(Conn *conn, GString *sql, const char *keyword, const char *text)
{
    g_autofree char *literal = conn_quote_text(conn, text);

    g_string_append_printf(sql, " %s %s", keyword, literal);
}

static void role_add(const RoleWriter *writer, const Rows *rows, int row)
{
    const char *name = rows_text(rows, row, ROLE_NAME);
    g_autofree char *what = g_strdup_printf("role \"%s\"", name);
    g_autofree char *quoted = conn_quote_name(writer->conn, name);

    if (role_is_there(writer, name))
        return;
    GString *sql = g_string_new(NULL);
    g_string_append_printf(sql, "CREATE ROLE %s CONNECTION LIMIT %" G_GINT64_FORMAT, quoted,
                           rows_int(rows, row, ROLE_LIMIT));
    for (size_t i = 0; i < G_N_ELEMENTS(role_attributes); i++)
        g_string_append_printf(sql, " %s%s",
                               row_is_true(rows, row, ROLE_ATTRIBUTES + (int)i) ? "" : "NO",
                               role_attributes[i]);
    if (!rows_is_null(rows, row, ROLE_VALID_UNTIL))
        role_append_text(writer->conn, sql, "VALID UNTIL", rows_text(rows, row, ROLE_VALID_UNTIL));
    if (!rows_is_null(rows, row, ROLE_PASSWORD))
        role_append_text(writer->conn, sql, "PASSWORD", rows_text(rows, row, ROLE_PASSWORD));
    batch_add_take(writer->batch, what, g_string_free(sql, FALSE));
}

/* --- settings --- */

#define SETTINGS_SQL                                                                               \
    "SELECT rolname, substr(setting, 1, strpos(setting, '=') - 1), "                               \
    "substr(setting, strpos(setting, '=') + 1) "                                                   \
    "FROM pg_db_role_setting CROSS JOIN unnest(setconfig) WITH ORDINALITY AS s (setting, place) "  \
    "LEFT JOIN pg_roles r ON r.oid = setrole "                                                     \
    "WHERE setdatabase = 0 AND (setrole = 0 OR r.oid IS NOT NULL) ORDER BY 1, place"

/* A setting without a role is for all of them. */
static void role_add_setting(const RoleWriter *writer, const Rows *rows, int row)
{
    const char *role = rows_is_null(rows, row, 0) ? NULL : rows_text(rows, row, 0);
    const char *name = rows_text(rows, row, 1);
    g_autofree char *owner = role ? g_strdup_printf("role \"%s\"", role) : g_strdup("all roles");
    g_autofree char *what = g_strdup_printf("setting \"%s\" of %s", name, owner);
    g_autofree char *quoted = role ? conn_quote_name(writer->conn, role) : g_strdup("ALL");
    g_autofree char *clause = role_setting_clause(writer->conn, name, rows_text(rows, row, 2));

    if (role && role_is_there(writer, role))
        return;
    batch_add_take(writer->batch, what, g_strdup_printf("ALTER ROLE %s SET %s", quoted, clause));
}

/* --- comments and labels --- */

#define COMMENTS_SQL                                                                               \
    "SELECT rolname, description FROM pg_shdescription JOIN pg_roles r ON r.oid = objoid "         \
    "WHERE classoid = 'pg_authid'::regclass AND rolname !~ '^pg_' ORDER BY 1"

static void role_add_comment(const RoleWriter *writer, const Rows *rows, int row)
{
    g_autofree char *what = g_strdup_printf("comment on role \"%s\"", rows_text(rows, row, 0));
    g_autofree char *role = conn_quote_name(writer->conn, rows_text(rows, row, 0));
    g_autofree char *text = conn_quote_text(writer->conn, rows_text(rows, row, 1));

    batch_add_take(writer->batch, what, g_strdup_printf("COMMENT ON ROLE %s IS %s", role, text));
}

#define LABELS_SQL                                                                                 \
    "SELECT rolname, provider, label FROM pg_shseclabel JOIN pg_roles r ON r.oid = objoid "        \
    "WHERE classoid = 'pg_authid'::regclass AND rolname !~ '^pg_' ORDER BY 1, 2"

static void role_add_label(const RoleWriter *writer, const Rows *rows, int row)
{
    g_autofree char *what =
        g_strdup_printf("security label on role \"%s\"", rows_text(rows, row, 0));
    g_autofree char *role = conn_quote_name(writer->conn, rows_text(rows, row, 0));
    g_autofree char *provider = conn_quote_name(writer->conn, rows_text(rows, row, 1));
    g_autofree char *label = conn_quote_text(writer->conn, rows_text(rows, row, 2));

    batch_add_take(
        writer->batch, what,
        g_strdup_printf("SECURITY LABEL FOR %s ON ROLE %s IS %s", provider, role, label));
}

/* --- rights on parameters --- */

/* Those of the superuser that initdb has made are in every server. */
#define PARAMETERS_SQL                                                                             \
    "SELECT rolname, parname, privilege_type, is_grantable "                                       \
    "FROM pg_parameter_acl CROSS JOIN aclexplode(paracl) a "                                       \
    "LEFT JOIN pg_roles r ON r.oid = grantee "                                                     \
    "WHERE grantee = 0 OR (r.oid IS NOT NULL AND grantee <> 10) ORDER BY 2, 1"

static void role_add_parameter(const RoleWriter *writer, const Rows *rows, int row)
{
    const char *role = rows_is_null(rows, row, 0) ? NULL : rows_text(rows, row, 0);
    const char *name = rows_text(rows, row, 1);
    const char *verb = strcmp(rows_text(rows, row, 2), "SET") == 0 ? "SET" : "ALTER SYSTEM";
    g_autofree char *what =
        g_strdup_printf("right of role \"%s\" on parameter \"%s\"", role ? role : "public", name);
    g_autofree char *grantee = role ? conn_quote_name(writer->conn, role) : g_strdup("PUBLIC");
    g_autofree char *parameter = conn_quote_name(writer->conn, name);

    batch_add_take(writer->batch, what,
                   g_strdup_printf("GRANT %s ON PARAMETER %s TO %s%s", verb, parameter, grantee,
                                   row_is_true(rows, row, 3) ? " WITH GRANT OPTION" : ""));
}

/* --- memberships --- */

#define MEMBERSHIPS_SQL(options)                                                                   \
    "SELECT r.rolname, m.rolname, CASE WHEN grantor <> 10 THEN g.rolname END, "                    \
    "admin_option, " options " FROM pg_auth_members a JOIN pg_roles r ON r.oid = roleid "          \
    "JOIN pg_roles m ON m.oid = member LEFT JOIN pg_roles g ON g.oid = grantor "                   \
    "WHERE NOT (r.rolname ~ '^pg_' AND m.rolname ~ '^pg_') ORDER BY 1, 2, 3"

static void role_add_membership(const RoleWriter *writer, const Rows *rows, int row)
{
    g_ptr_array_add(writer->grants, role_grant_of_row(rows, row));
}

static void role_add_grants(const RoleWriter *writer)
{
    bool has_options = version_has(conn_major(writer->conn), VERSION_HAS_MEMBERSHIP_OPTIONS);

    if (has_options)
        role_grants_order(writer->grants);
    for (unsigned i = 0; i < writer->grants->len; i++) {
        const RoleGrant *grant = writer->grants->pdata[i];
        g_autofree char *what =
            g_strdup_printf("membership of role \"%s\" in role \"%s\"", grant->member, grant->role);
        batch_add_take(writer->batch, what, role_grant_statement(writer->conn, grant, has_options));
    }
}

/* --- all of it --- */

typedef struct RoleFacet {
    const char *sql;
    const char *older_sql;  /* of servers without the feature; NULL = nothing to read */
    VersionFeature feature; /* where there is an older_sql, or nothing                */
    bool is_for_all;        /* of all versions: sql alone                             */
    void (*add)(const RoleWriter *writer, const Rows *rows, int row);
} RoleFacet;

/* In the order of writing: settings and memberships name roles. */
static const RoleFacet role_facets[] = {
    {ROLES_SQL("NULL", "pg_roles"), .is_for_all = true, .add = role_add},
    {SETTINGS_SQL, .is_for_all = true, .add = role_add_setting},
    {COMMENTS_SQL, .is_for_all = true, .add = role_add_comment},
    {LABELS_SQL, .is_for_all = true, .add = role_add_label},
    {PARAMETERS_SQL, NULL, VERSION_HAS_PARAMETER_RIGHTS, false, role_add_parameter},
    {MEMBERSHIPS_SQL("inherit_option, set_option"), MEMBERSHIPS_SQL("NULL, NULL"),
     VERSION_HAS_MEMBERSHIP_OPTIONS, false, role_add_membership},
};

static const char roles_with_passwords_sql[] = ROLES_SQL("rolpassword", "pg_authid");

struct RoleCatalog {
    Rows *rows[G_N_ELEMENTS(role_facets)]; /* NULL = nothing */
};

void role_catalog_free(RoleCatalog *catalog)
{
    if (!catalog)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(role_facets); i++)
        rows_free(catalog->rows[i]);
    g_free(catalog);
}

/* A database without an encoding shows names as they are; the server would not call them UTF-8. */
static Error *role_catalog_begin(Conn *conn)
{
    if (strcmp(conn_parameter(conn, "server_encoding"), "SQL_ASCII") == 0)
        TRY(conn_script(conn, "SET client_encoding = 'SQL_ASCII'"));
    return conn_script(conn, READING_SESSION);
}

static const char *role_facet_sql(const RoleFacet *facet, int64_t major, bool with_passwords)
{
    if (with_passwords && facet->add == role_add)
        return roles_with_passwords_sql;
    return facet->is_for_all || version_has(major, facet->feature) ? facet->sql : facet->older_sql;
}

Error *role_catalog_read(Conn *conn, bool with_passwords, RoleCatalog **ret_catalog)
{
    g_autoptr(RoleCatalog) catalog = g_new0(RoleCatalog, 1);

    TRY(role_catalog_begin(conn));
    for (size_t i = 0; i < G_N_ELEMENTS(role_facets); i++) {
        const char *sql = role_facet_sql(&role_facets[i], conn_major(conn), with_passwords);
        if (sql)
            TRY(conn_query(conn, &catalog->rows[i], sql, NULL));
    }
    *ret_catalog = g_steal_pointer(&catalog);
    return NULL;
}

/* --- writing --- */

static bool row_is_utf8(const Rows *rows, int row)
{
    for (int column = 0; column < rows_columns(rows); column++)
        if (!g_utf8_validate(rows_text(rows, row, column), -1, NULL))
            return false;
    return true;
}

static void role_refuse_row(const Rows *rows, int row, BatchRefused refused, void *data)
{
    g_autofree char *name = g_utf8_make_valid(rows_text(rows, row, 0), -1);
    g_autofree char *what = g_strdup_printf("role \"%s\"", name);

    refused(what, error_new(ERR_INVALID, "a text of it is not valid UTF-8"), data);
}

/* Verifiers are not for the server's log. */
#define WRITING_SESSION                                                                            \
    "SET search_path = pg_catalog; SET log_statement = 'none'; SET log_min_duration_statement = "  \
    "-1; SET log_min_error_statement = 'panic'"

Error *role_catalog_write(const RoleCatalog *catalog, Conn *conn, const char *manager,
                          BatchRefused refused, void *data)
{
    g_autoptr(GPtrArray) grants = g_ptr_array_new_with_free_func(g_free);
    g_autoptr(Batch) batch = batch_new();
    const RoleWriter writer = {conn, manager, batch, grants};

    for (size_t i = 0; i < G_N_ELEMENTS(role_facets); i++) {
        const Rows *rows = catalog->rows[i];
        for (int row = 0; rows && row < rows_count(rows); row++) {
            if (row_is_utf8(rows, row))
                role_facets[i].add(&writer, rows, row);
            else
                role_refuse_row(rows, row, refused, data);
        }
    }
    role_add_grants(&writer);
    TRY(conn_script(conn, WRITING_SESSION));
    return batch_run(conn, batch, STATEMENTS_AT_ONCE, refused, data);
}
