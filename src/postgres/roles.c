/*
 * Users of a clone. The server is asked whom there is, and gets what is to do as one script in one
 * transaction: two round trips whatever there is to do, and no procedural language, which a
 * database may have dropped. No plain password is ever sent.
 *
 * A restricted user owns everything but what belongs to the system or to an extension: the owner of
 * an extension's functions could do with them what only a superuser may.
 */
#include "postgres/roles.h"

#include <string.h>

#include "base/secret.h"
#include "postgres/batch.h"
#include "postgres/version.h"

#define ROLE_NAME_MAX    63
#define GIFTS_AT_ONCE    500 /* each locks its indexes too, and a server has 6400 locks */
#define SCRAM_SALT_BYTES 16
#define SCRAM_KEY_BYTES  32

/*
 * The first statement of a server whose caches are empty: each operator, function or index in it is
 * looked up in catalogs that have to come from the disk, and costs as much as all the rest.
 */
static const char role_names[] =
    "SELECT rolname, rolcanlogin AND rolpassword IS NOT NULL FROM pg_authid";

/*
 * $1 user, $2 whether there is pg_monitor. There may be millions of large objects: the user's
 * sessions do not ask who owns one, as PostgreSQL before 9.0 did not.
 */
static const char cluster_gifts[] =
    "SELECT format('ALTER DATABASE %I OWNER TO %I', datname, $1::name) FROM pg_database "
    "WHERE NOT datistemplate AND pg_get_userbyid(datdba) <> $1::name "
    "UNION ALL SELECT format('ALTER DATABASE %I CONNECTION LIMIT -1', datname) FROM pg_database "
    "WHERE datconnlimit = 0 AND NOT datistemplate "
    "UNION ALL SELECT format('ALTER ROLE %I SET lo_compat_privileges = on', $1::name) "
    "UNION ALL SELECT format('GRANT pg_monitor TO %I', $1::name) WHERE $2::bool";

/*
 * $1 user, $2 whether multirange types are altered on their own, $3 whether there is ALTER ROUTINE,
 * the only form that takes every aggregate by its name. Sequences of a column follow their table,
 * array and row types theirs.
 */
static const char database_things[] =
    "WITH space AS (SELECT oid, nspowner FROM pg_namespace WHERE nspname !~ '^pg_' "
    "    AND nspname NOT IN ('information_schema', '_timescaledb_internal')), "
    "thing(step, class, oid, owner) AS ("
    "  SELECT 1, 'pg_namespace'::regclass, oid, nspowner FROM space"
    "  UNION ALL SELECT 2, 'pg_type'::regclass, t.oid, typowner"
    "    FROM pg_type t JOIN space ON space.oid = typnamespace"
    "    WHERE typtype IN ('d', 'e', 'r') OR (typtype = 'b'"
    "      AND NOT EXISTS (SELECT FROM pg_type e WHERE e.typarray = t.oid)) OR (typtype = 'm' AND "
    "$2::bool) OR (typtype = 'c'"
    "      AND EXISTS (SELECT FROM pg_class c WHERE c.oid = typrelid AND relkind = 'c'))"
    "  UNION ALL SELECT 3, 'pg_class'::regclass, c.oid, relowner"
    "    FROM pg_class c JOIN space ON space.oid = relnamespace"
    "    WHERE relkind IN ('r', 'p', 'v', 'm', 'f') OR (relkind = 'S' AND NOT EXISTS"
    "      (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid"
    "       AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i')))"
    "  UNION ALL SELECT 4, 'pg_proc'::regclass, p.oid, proowner"
    "    FROM pg_proc p JOIN space ON space.oid = pronamespace WHERE proname !~~* 'dblink%'"
    "  UNION ALL SELECT 5, 'pg_operator'::regclass, o.oid, oprowner"
    "    FROM pg_operator o JOIN space ON space.oid = oprnamespace"
    "  UNION ALL SELECT 6, 'pg_opfamily'::regclass, o.oid, opfowner"
    "    FROM pg_opfamily o JOIN space ON space.oid = opfnamespace"
    "  UNION ALL SELECT 7, 'pg_opclass'::regclass, o.oid, opcowner"
    "    FROM pg_opclass o JOIN space ON space.oid = opcnamespace"
    "  UNION ALL SELECT 8, 'pg_collation'::regclass, c.oid, collowner"
    "    FROM pg_collation c JOIN space ON space.oid = collnamespace"
    "  UNION ALL SELECT 9, 'pg_conversion'::regclass, c.oid, conowner"
    "    FROM pg_conversion c JOIN space ON space.oid = connamespace"
    "  UNION ALL SELECT 10, 'pg_ts_dict'::regclass, d.oid, dictowner"
    "    FROM pg_ts_dict d JOIN space ON space.oid = dictnamespace"
    "  UNION ALL SELECT 11, 'pg_ts_config'::regclass, c.oid, cfgowner"
    "    FROM pg_ts_config c JOIN space ON space.oid = cfgnamespace"
    "  UNION ALL SELECT 13, 'pg_foreign_server'::regclass, oid, srvowner FROM pg_foreign_server";

/* Where there are such catalogs, both of 10. */
static const char database_newer_things[] =
    "  UNION ALL SELECT 12, 'pg_statistic_ext'::regclass, s.oid, stxowner"
    "    FROM pg_statistic_ext s JOIN space ON space.oid = stxnamespace"
    "  UNION ALL SELECT 15, 'pg_publication'::regclass, oid, pubowner FROM pg_publication";

static const char database_gifts[] =
    ") "
    "SELECT format('ALTER %s %s OWNER TO %I', CASE"
    "    WHEN type = 'aggregate' AND $3::bool THEN 'ROUTINE' WHEN type = 'statistics "
    "object' THEN 'STATISTICS' ELSE type END,"
    "    CASE WHEN type = 'aggregate' AND NOT $3::bool"
    "      THEN regexp_replace(identity, '\\(\\)$', '(*)') ELSE identity END, $1::name) "
    "FROM thing, pg_identify_object(class, thing.oid, 0) "
    "WHERE pg_get_userbyid(owner) <> $1::name AND NOT EXISTS (SELECT FROM pg_depend"
    "    WHERE classid = class AND objid = thing.oid AND deptype = 'e') "
    "UNION ALL SELECT format('GRANT USAGE ON FOREIGN DATA WRAPPER %I TO %I', fdwname, $1::name) "
    "  FROM pg_foreign_data_wrapper "
    "UNION ALL "
    "SELECT format('GRANT SELECT ON pg_stat_activity TO %I', $1::name) "
    "WHERE NOT has_table_privilege('public', 'pg_catalog.pg_stat_activity', 'SELECT')";

static const char other_databases[] =
    "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate "
    "AND datconnlimit <> -2 AND datname <> current_database()";

/* --- scripts --- */

static void roles_keep_owner(const char *what, Error *e, void *data)
{
    error_ignore(error_wrap(e, "%s", what), "an object keeps its owner");
}

/* A statement that is refused is its own description: it holds no secret. */
static Error *roles_run(Conn *conn, const Rows *statements)
{
    g_autoptr(Batch) batch = batch_new();

    for (int row = 0; row < rows_count(statements); row++)
        batch_add_take(batch, rows_text(statements, row, 0),
                       g_strdup(rows_text(statements, row, 0)));
    return batch_run(conn, batch, GIFTS_AT_ONCE, roles_keep_owner, NULL);
}

/* As a parameter of a query. */
static const char *roles_has(const Conn *conn, VersionFeature feature)
{
    return version_has(conn_major(conn), feature) ? "t" : "f";
}

static Error *roles_give_all(Conn *conn, const RolesSpec *spec)
{
    bool has_statistics = version_has(conn_major(conn), VERSION_HAS_STATISTICS);
    g_autofree char *query = g_strconcat(
        database_things, has_statistics ? database_newer_things : "", database_gifts, NULL);
    g_autoptr(Rows) gifts = NULL;

    TRY(conn_query(conn, &gifts, query, spec->user, roles_has(conn, VERSION_HAS_MULTIRANGE_OWNER),
                   roles_has(conn, VERSION_HAS_ROUTINE), NULL));
    return roles_run(conn, gifts);
}

/* --- steps --- */

static Error *roles_check_name(const char *user)
{
    if (*user == '\0' || strlen(user) > ROLE_NAME_MAX || !g_utf8_validate(user, -1, NULL))
        return error_new(ERR_INVALID, "invalid user name: it must be 1 to %d bytes of UTF-8",
                         ROLE_NAME_MAX);
    if (g_str_has_prefix(user, "pg_") || strcmp(user, "public") == 0 || strcmp(user, "none") == 0)
        return error_hint(error_new(ERR_INVALID, "user name \"%s\" is reserved", user),
                          "PostgreSQL keeps \"public\", \"none\" and names that begin with \"pg_\" "
                          "for itself.");
    return NULL;
}

static Error *roles_open(const ConnSpec *server, const char *dbname, Conn **ret_conn)
{
    ConnSpec spec = *server;

    spec.dbname = dbname;
    spec.options = CONN_MANAGER;
    return conn_open(&spec, ret_conn);
}

/*
 * A verifier made of random keys: no password fits it, as none was there to begin with. It says one
 * round instead of 4096 because ALTER ROLE tries the empty password against each verifier that it
 * is given, and a production cluster may have hundreds of users.
 * Source of the form: PostgreSQL manual, pg_authid.rolpassword.
 */
static char *roles_lock_secret(void)
{
    g_autofree char *salt = secret_random(SCRAM_SALT_BYTES);
    g_autofree char *stored = secret_random(SCRAM_KEY_BYTES);
    g_autofree char *server = secret_random(SCRAM_KEY_BYTES);
    g_autofree char *salt64 = g_base64_encode((const guchar *)salt, SCRAM_SALT_BYTES);
    g_autofree char *stored64 = g_base64_encode((const guchar *)stored, SCRAM_KEY_BYTES);
    g_autofree char *server64 = g_base64_encode((const guchar *)server, SCRAM_KEY_BYTES);

    return g_strdup_printf("SCRAM-SHA-256$1:%s$%s:%s", salt64, stored64, server64);
}

/* An existing user may have been shut out by a limit or a date; the manager keeps its rights. */
static char *roles_user_statement(Conn *conn, const RolesSpec *spec, bool exists)
{
    g_autofree char *name = conn_quote_name(conn, spec->user);
    g_autofree char *secret = conn_quote_text(conn, spec->secret);
    const char *attributes = spec->is_restricted ? "LOGIN NOSUPERUSER" : "LOGIN SUPERUSER";

    if (strcmp(spec->user, spec->manager) == 0)
        return g_strdup_printf(";\nALTER ROLE %s PASSWORD %s", name, secret);
    if (exists)
        return g_strdup_printf(";\nALTER ROLE %s %s CONNECTION LIMIT -1 VALID UNTIL 'infinity' "
                               "PASSWORD %s",
                               name, attributes, secret);
    return g_strdup_printf(";\nCREATE ROLE %s %s PASSWORD %s", name, attributes, secret);
}

/* Adds the statement that leaves a role without a password that anyone knows. */
static void roles_lock(Conn *conn, const char *role, const char *lock, GString *script)
{
    g_autofree char *name = conn_quote_name(conn, role);

    g_string_append_printf(script, ";\nALTER ROLE %s PASSWORD '%s'", name, lock);
}

/*
 * What the source had set for the role that is the clone's own user now, and would take it its rights
 * or keep it out, in any database. Settings of databases and of all roles hold for the manager, too,
 * whose connection has proven that they let in. $1 user
 */
static const char user_settings[] =
    "SELECT format('ALTER ROLE %I%s RESET %I', $1::name, "
    "  coalesce(' IN DATABASE ' || quote_ident(datname), ''), name), name "
    "FROM pg_db_role_setting JOIN pg_roles r ON r.oid = setrole "
    "CROSS JOIN unnest(setconfig) AS setting "
    "CROSS JOIN LATERAL (SELECT lower(split_part(setting, '=', 1))) AS s (name) "
    "LEFT JOIN pg_database d ON d.oid = setdatabase WHERE rolname = $1::name AND name IN "
    "('role', 'session_authorization', 'default_transaction_read_only', "
    "'session_preload_libraries', 'local_preload_libraries')";

static Error *roles_reset_settings(Conn *conn, const RolesSpec *spec, GString *script,
                                   char **ret_reset)
{
    g_autoptr(Rows) rows = NULL;
    g_autoptr(GString) names = g_string_new(NULL);

    TRY(conn_query(conn, &rows, user_settings, spec->user, NULL));
    for (int row = 0; row < rows_count(rows); row++) {
        g_string_append_printf(script, ";\n%s", rows_text(rows, row, 0));
        g_string_append_printf(names, "%s%s", row ? ", " : "", rows_text(rows, row, 1));
    }
    if (names->len && ret_reset)
        *ret_reset = g_strdup(names->str);
    return NULL;
}

static Error *roles_prepare_logins(Conn *conn, const RolesSpec *spec, char **ret_reset)
{
    g_autofree char *lock = roles_lock_secret();
    g_autoptr(GString) script = g_string_new(NULL);
    g_autoptr(Rows) roles = NULL;
    bool exists = false;

    TRY(conn_query(conn, &roles, role_names, NULL));
    for (int row = 0; row < rows_count(roles); row++) {
        const char *role = rows_text(roles, row, 0);
        bool has_password = strcmp(rows_text(roles, row, 1), "t") == 0;

        if (strcmp(role, spec->user) == 0)
            exists = true;
        else if (has_password && !spec->keep_user_passwords && strcmp(role, spec->manager) != 0)
            roles_lock(conn, role, lock, script);
    }
    if (exists && strcmp(spec->user, spec->manager) != 0)
        TRY(roles_reset_settings(conn, spec, script, ret_reset));
    g_autofree char *user_statement = roles_user_statement(conn, spec, exists);
    g_string_append(script, user_statement);
    return batch_commit(conn, script->str);
}

static Error *roles_prepare_ownership(Conn *conn, const ConnSpec *server, const RolesSpec *spec)
{
    g_autoptr(Rows) gifts = NULL;
    g_autoptr(Rows) databases = NULL;

    TRY(conn_query(conn, &gifts, cluster_gifts, spec->user, roles_has(conn, VERSION_HAS_PG_MONITOR),
                   NULL));
    TRY(roles_run(conn, gifts));
    TRY(roles_give_all(conn, spec));

    TRY(conn_query(conn, &databases, other_databases, NULL));
    for (int row = 0; row < rows_count(databases); row++) {
        g_autoptr(Conn) other = NULL;
        const char *dbname = rows_text(databases, row, 0);

        TRY(roles_open(server, dbname, &other));
        Error *e = roles_give_all(other, spec);
        if (e)
            return error_wrap(e, "giving database \"%s\" to user \"%s\"", dbname, spec->user);
    }
    return NULL;
}

Error *roles_prepare_over(Conn *conn, const ConnSpec *server, const RolesSpec *spec,
                          char **ret_reset)
{
    TRY(roles_check_name(spec->user));
    TRY(roles_prepare_logins(conn, spec, ret_reset));
    if (spec->is_restricted && strcmp(spec->user, spec->manager) != 0)
        TRY(roles_prepare_ownership(conn, server, spec));
    return NULL;
}

Error *roles_prepare(const ConnSpec *server, const RolesSpec *spec, char **ret_reset)
{
    g_autoptr(Conn) conn = NULL;

    TRY(roles_check_name(spec->user));
    TRY(roles_open(server, spec->dbname, &conn));
    return roles_prepare_over(conn, server, spec, ret_reset);
}
