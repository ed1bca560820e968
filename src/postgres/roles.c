/*
 * Users of a clone. The server is asked which statements there are to run, quoted by its own
 * format(), and gets them back as one script in one transaction: two round trips whatever there is
 * to do, and no procedural language, which a database may have dropped. No plain password is ever
 * sent.
 *
 * A restricted user owns everything but what belongs to the system or to an extension: the owner of
 * an extension's functions could do with them what only a superuser may.
 */
#include "postgres/roles.h"

#include <string.h>

#include "base/secret.h"

#define ROLE_NAME_MAX 63
#define GIFTS_AT_ONCE                                                                              \
    500 /* a table holds locks on its indexes as well; a server has 6400 by default */
#define SCRAM_SALT_BYTES 16
#define SCRAM_KEY_BYTES  32

/*
 * $1 user, $2 its verifier, $3 its attributes, $4 manager, $5 whether others lose their passwords,
 * $6 a verifier that no password has. An existing user may have been shut out by a limit or a date.
 * The manager's own rights are left alone.
 */
static const char role_statements[] =
    "SELECT format(CASE WHEN r.rolname IS NULL THEN 'CREATE ROLE %1$I LOGIN %3$s PASSWORD %2$L' "
    "  WHEN r.rolname = $4::name THEN 'ALTER ROLE %1$I PASSWORD %2$L' "
    "  ELSE 'ALTER ROLE %1$I LOGIN %3$s CONNECTION LIMIT -1 VALID UNTIL ''infinity'' PASSWORD "
    "%2$L' "
    "  END, $1::name, $2::text, $3::text) "
    "FROM (SELECT) AS one LEFT JOIN pg_authid r ON r.rolname = $1::name "
    "UNION ALL "
    "SELECT format('ALTER ROLE %I PASSWORD %L', rolname, $6::text) FROM pg_authid "
    "WHERE $5::bool AND rolcanlogin AND rolpassword IS NOT NULL "
    "  AND rolname NOT IN ($1::name, $4::name)";

/* $1 user */
static const char cluster_gifts[] =
    "SELECT format('ALTER DATABASE %I OWNER TO %I', datname, $1::name) FROM pg_database "
    "WHERE NOT datistemplate AND pg_get_userbyid(datdba) <> $1::name "
    "UNION ALL SELECT format('GRANT pg_monitor TO %I', $1::name)";

/*
 * $1 user. Sequences of a column follow their table, array and row types theirs; from 17 on
 * multirange types follow their range, and cannot be altered. ALTER ROUTINE (from 11 on) is the
 * only form that takes every aggregate by its name.
 */
static const char database_gifts[] =
    "WITH space AS (SELECT oid, nspowner FROM pg_namespace WHERE nspname !~ '^pg_' "
    "    AND nspname NOT IN ('information_schema', '_timescaledb_internal')), "
    "thing(step, class, oid, owner) AS ("
    "  SELECT 1, 'pg_namespace'::regclass, oid, nspowner FROM space"
    "  UNION ALL SELECT 2, 'pg_type'::regclass, t.oid, typowner"
    "    FROM pg_type t JOIN space ON space.oid = typnamespace"
    "    WHERE typtype IN ('d', 'e', 'r') OR (typtype = 'm'"
    "      AND current_setting('server_version_num')::int < 170000) OR (typtype = 'c'"
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
    "  UNION ALL SELECT 12, 'pg_statistic_ext'::regclass, s.oid, stxowner"
    "    FROM pg_statistic_ext s JOIN space ON space.oid = stxnamespace"
    ") "
    "SELECT format('ALTER %s %s OWNER TO %I', CASE"
    "    WHEN class = 'pg_proc'::regclass AND current_setting('server_version_num')::int >= 110000"
    "      THEN 'ROUTINE' WHEN type = 'statistics object' THEN 'STATISTICS' ELSE type END,"
    "    CASE WHEN type = 'aggregate' AND current_setting('server_version_num')::int < 110000"
    "      THEN regexp_replace(identity, '\\(\\)$', '(*)') ELSE identity END, $1::name) "
    "FROM thing, pg_identify_object(class, thing.oid, 0) "
    "WHERE pg_get_userbyid(owner) <> $1::name AND NOT EXISTS (SELECT FROM pg_depend"
    "    WHERE classid = class AND objid = thing.oid AND deptype = 'e') "
    "UNION ALL "
    "SELECT format('GRANT SELECT ON pg_stat_activity TO %I', $1::name) "
    "WHERE NOT has_table_privilege('public', 'pg_catalog.pg_stat_activity', 'SELECT')";

static const char other_databases[] =
    "SELECT datname FROM pg_database WHERE datallowconn AND NOT datistemplate "
    "AND datconnlimit <> -2 AND datname <> current_database()";

/* --- scripts --- */

/* All of it or nothing, and the answer before it is on disk: a clone that is being made is not
 * lost. */
static Error *roles_run(Conn *conn, const Rows *statements, int from, int to)
{
    g_autoptr(GString) script = g_string_new("BEGIN; SET LOCAL synchronous_commit = off");

    for (int row = from; row < to; row++)
        g_string_append_printf(script, ";\n%s", rows_text(statements, row, 0));
    g_string_append(script, ";\nCOMMIT");

    Error *e = conn_script(conn, script->str);
    if (e)
        error_free(conn_script(conn, "ROLLBACK")); /* the first error is the one to tell */
    return e;
}

/* What concerns one object alone; anything else would befall the next object as well. */
static bool gift_is_refused(const Error *e)
{
    return e->code != ERR_BUSY && e->code != ERR_NO_SPACE && e->code != ERR_TIMEOUT;
}

/* Gives a batch; when one of it is refused, each on its own. */
static Error *roles_give(Conn *conn, const Rows *gifts, int from, int to)
{
    Error *e = roles_run(conn, gifts, from, to);

    if (e == NULL || !gift_is_refused(e))
        return e;
    if (to - from == 1) {
        error_ignore(e, "an object keeps its owner");
        return NULL;
    }
    error_free(e);
    int middle = from + (to - from) / 2;
    TRY(roles_give(conn, gifts, from, middle));
    return roles_give(conn, gifts, middle, to);
}

static Error *roles_give_all(Conn *conn, const RolesSpec *spec)
{
    g_autoptr(Rows) gifts = NULL;

    TRY(conn_query(conn, &gifts, database_gifts, spec->user, NULL));
    for (int from = 0; from < rows_count(gifts); from += GIFTS_AT_ONCE)
        TRY(roles_give(conn, gifts, from, MIN(from + GIFTS_AT_ONCE, rows_count(gifts))));
    return NULL;
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
 * A verifier made of random keys: nobody can have a password for it, as none was there to begin
 * with, and it costs nothing to make. Source of the form: PostgreSQL manual, pg_authid.rolpassword.
 */
static char *roles_lock_secret(void)
{
    g_autofree char *salt = secret_random(SCRAM_SALT_BYTES);
    g_autofree char *stored = secret_random(SCRAM_KEY_BYTES);
    g_autofree char *server = secret_random(SCRAM_KEY_BYTES);
    g_autofree char *salt64 = g_base64_encode((const guchar *)salt, SCRAM_SALT_BYTES);
    g_autofree char *stored64 = g_base64_encode((const guchar *)stored, SCRAM_KEY_BYTES);
    g_autofree char *server64 = g_base64_encode((const guchar *)server, SCRAM_KEY_BYTES);

    return g_strdup_printf("SCRAM-SHA-256$4096:%s$%s:%s", salt64, stored64, server64);
}

static Error *roles_prepare_logins(Conn *conn, const RolesSpec *spec)
{
    g_autofree char *lock = roles_lock_secret();
    g_autoptr(Rows) statements = NULL;

    TRY(conn_query(conn, &statements, role_statements, spec->user, spec->secret,
                   spec->is_restricted ? "NOSUPERUSER" : "SUPERUSER", spec->manager,
                   spec->keep_user_passwords ? "false" : "true", lock, NULL));
    return roles_run(conn, statements, 0, rows_count(statements));
}

static Error *roles_prepare_ownership(Conn *conn, const ConnSpec *server, const RolesSpec *spec)
{
    g_autoptr(Rows) gifts = NULL;
    g_autoptr(Rows) databases = NULL;

    TRY(conn_query(conn, &gifts, cluster_gifts, spec->user, NULL));
    TRY(roles_run(conn, gifts, 0, rows_count(gifts)));
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

Error *roles_prepare_over(Conn *conn, const ConnSpec *server, const RolesSpec *spec)
{
    TRY(roles_check_name(spec->user));
    TRY(roles_prepare_logins(conn, spec));
    if (spec->is_restricted && strcmp(spec->user, spec->manager) != 0)
        TRY(roles_prepare_ownership(conn, server, spec));
    return NULL;
}

Error *roles_prepare(const ConnSpec *server, const RolesSpec *spec)
{
    g_autoptr(Conn) conn = NULL;

    TRY(roles_check_name(spec->user));
    TRY(roles_open(server, spec->dbname, &conn));
    return roles_prepare_over(conn, server, spec);
}
