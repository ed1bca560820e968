/*
 * Ownership. Which role owns anything at all is in pg_shdepend, which all databases share; only the
 * superuser that initdb made (OID 10) is not in it. So nobody asks a database who owns what in it,
 * but where that superuser may own more than the system, or where there is something to give away.
 */
#include "postgres/owners.h"

#include <string.h>

#include "postgres/batch.h"
#include "postgres/version.h"

#define GIFTS_AT_ONCE 500 /* each locks its indexes too, and a server has 6400 locks */

/* Kinds of rows of a plan, in the order of their use. */
enum {
    PLAN_HEIR = 1, /* of the transaction, before the user is there */
    PLAN_AFTER,    /* of the transaction, once the user is there   */
    PLAN_OWNER,    /* OID of an owner whose things are to be given */
    PLAN_DATABASE, /* name of one that has such things             */
};

struct OwnersPlan {
    char *user;
    GString *before;
    GString *after;
    GString *owners;      /* as an array: "{10,16400}" */
    GPtrArray *databases; /* of char *                 */
};

/*
 * $1 user; $2 whether a role with CREATEROLE may give itself any other; $3 whether a membership has
 * options; $4 whether there is pg_monitor; $5 whether passwords are kept.
 *
 * owner: who owns something, and about how much. above: what an owner is a member of, itself
 * included, and whether it harms: it brings rights that are a superuser's, or is the user itself.
 * heir: the role that a new user takes over; one that is a superuser is no harm then. given: those
 * of whom the user cannot be a member.
 *
 * The role that is taken over is made anew, with its settings and comment, as a member of the user:
 * it can do what it could. A statement of its own renames it, as no session can rename itself.
 */
static const char plan_owners[] =
    "WITH RECURSIVE owner AS (SELECT a.oid, rolname, rolsuper, n FROM pg_authid a"
    "  CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT FROM pg_shdepend"
    "    WHERE refclassid = 'pg_authid'::regclass AND refobjid = a.oid AND deptype = 'o'"
    "    LIMIT 1000) AS d) AS c"
    "  WHERE a.oid >= 16384 AND n > 0 AND rolname <> $1::name), "
    "reach(owner, role) AS (SELECT oid, oid FROM owner"
    "  UNION SELECT owner, roleid FROM reach JOIN pg_auth_members ON member = role), "
    "above AS (SELECT owner, role, rolsuper OR role = 10 OR (rolcreaterole AND $2::bool)"
    "  OR rolname IN ($1::name, 'pg_execute_server_program', 'pg_read_server_files',"
    "    'pg_write_server_files') AS harms FROM reach JOIN pg_authid a ON a.oid = role), "
    "heir AS (SELECT a.*, o.oid AS id FROM owner o"
    "  JOIN pg_authid a ON a.oid = o.oid"
    "  WHERE NOT EXISTS (SELECT FROM pg_authid WHERE rolname = $1::name)"
    "  AND NOT EXISTS (SELECT FROM above WHERE owner = o.oid AND role <> o.oid AND harms)"
    "  ORDER BY n DESC, o.rolsuper DESC, o.oid LIMIT 1), "
    "member AS (SELECT oid, rolname FROM owner o WHERE oid NOT IN (SELECT id FROM heir) AND NOT "
    "  EXISTS (SELECT FROM above WHERE owner = o.oid"
    "    AND (harms OR role IN (SELECT id FROM heir)))), "
    "given AS (SELECT oid FROM owner WHERE oid NOT IN (SELECT id FROM heir)"
    "    AND oid NOT IN (SELECT oid FROM member)"
    "  UNION ALL SELECT 10::oid WHERE NOT EXISTS"
    "    (SELECT FROM pg_authid WHERE rolname = '" OWNERS_GROUP "')) ";

static const char plan_rows[] =
    "SELECT 1, 1, format('SET LOCAL SESSION AUTHORIZATION %L', b.rolname)"
    "  FROM heir JOIN pg_authid b ON b.oid = 10 WHERE heir.rolname = session_user "
    "UNION ALL SELECT 1, 2, format('ALTER ROLE %I RENAME TO %I', rolname, $1::name) FROM heir "
    "UNION ALL SELECT 1, 3, format('CREATE ROLE %I %s CONNECTION LIMIT %s%s%s', rolname,"
    "    concat_ws(' ', CASE WHEN rolsuper THEN 'SUPERUSER' END,"
    "      CASE WHEN NOT rolinherit THEN 'NOINHERIT' END,"
    "      CASE WHEN rolcreaterole THEN 'CREATEROLE' END,"
    "      CASE WHEN rolcreatedb THEN 'CREATEDB' END, CASE WHEN rolcanlogin THEN 'LOGIN' END,"
    "      CASE WHEN rolreplication THEN 'REPLICATION' END,"
    "      CASE WHEN rolbypassrls THEN 'BYPASSRLS' END), rolconnlimit,"
    "    CASE WHEN rolvaliduntil IS NOT NULL THEN format(' VALID UNTIL %L', rolvaliduntil) END,"
    "    CASE WHEN $5::bool THEN format(' PASSWORD %L', rolpassword) END) FROM heir "
    "UNION ALL SELECT 1, 4, format('UPDATE pg_db_role_setting SET setrole = "
    "(SELECT oid FROM pg_authid WHERE rolname = %L) WHERE setrole = %s', rolname, id) "
    "  FROM heir "
    "UNION ALL SELECT 1, 5, format('UPDATE pg_shdescription SET objoid = "
    "(SELECT oid FROM pg_authid WHERE rolname = %L) WHERE objoid = %s AND classoid = %s',"
    "    rolname, id, 'pg_authid'::regclass::oid) FROM heir "
    "UNION ALL SELECT 1, 6, format('GRANT %I TO %I', $1::name, rolname) FROM heir"
    "  WHERE NOT rolsuper "
    "UNION ALL SELECT 1, 7, format('ALTER ROLE %I NOSUPERUSER NOCREATEROLE NOCREATEDB "
    "NOREPLICATION NOBYPASSRLS', $1::name) FROM heir "
    "UNION ALL SELECT 2, 1, format('ALTER ROLE %I INHERIT', $1::name) "
    "UNION ALL SELECT 2, 2, format('GRANT %s TO %I%s', string_agg(quote_ident(rolname), ', '),"
    "    $1::name, CASE WHEN $3::bool THEN ' WITH INHERIT TRUE, SET TRUE' END) FROM member"
    "  HAVING count(*) > 0 "
    "UNION ALL SELECT 2, 3, format('ALTER DATABASE %I OWNER TO %I', datname, $1::name)"
    "  FROM pg_database WHERE NOT datistemplate AND datdba IN (SELECT oid FROM given) "
    "UNION ALL SELECT 2, 4, format('ALTER DATABASE %I CONNECTION LIMIT -1', datname)"
    "  FROM pg_database WHERE datconnlimit = 0 AND NOT datistemplate "
    "UNION ALL SELECT 2, 5, format('GRANT %I TO %I', rolname, $1::name) FROM pg_authid"
    "  WHERE (rolname = 'pg_monitor' AND $4::bool) OR rolname = '" OWNERS_GROUP "' "
    /* There may be millions of large objects: the user's sessions do not ask who owns one, as
     * PostgreSQL before 9.0 did not. */
    "UNION ALL SELECT 2, 6, format('ALTER ROLE %I SET lo_compat_privileges = on', $1::name)"
    "  WHERE EXISTS (SELECT FROM given) "
    "UNION ALL SELECT 3, 1, oid::text FROM given "
    "UNION ALL SELECT 4, 1, datname FROM pg_database d WHERE datallowconn AND datconnlimit <> -2"
    "  AND NOT datistemplate AND (EXISTS (SELECT FROM given WHERE oid = 10)"
    "    OR EXISTS (SELECT FROM given JOIN pg_shdepend s ON s.refobjid = given.oid"
    "      WHERE s.refclassid = 'pg_authid'::regclass AND s.deptype = 'o' AND s.dbid = d.oid)) "
    "ORDER BY 1, 2, 3";

/* --- the things of a database --- */

/*
 * $1 the new owner, $2 whether multirange types are altered on their own, $3 whether there is ALTER ROUTINE,
 * the only form that takes every aggregate by its name; $4 OIDs of the owners so far, $5 who may use
 * the system's wrappers. Sequences of a column follow their table, array and row types theirs.
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
    "  UNION ALL SELECT 13, 'pg_foreign_server'::regclass, oid, srvowner FROM pg_foreign_server"
    "  UNION ALL SELECT 14, 'pg_language'::regclass, oid, lanowner FROM pg_language"
    "    WHERE oid >= 16384";

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
    "WHERE owner = ANY ($4::oid[]) AND NOT EXISTS (SELECT FROM pg_depend"
    "    WHERE classid = class AND objid = thing.oid AND deptype = 'e') "
    "UNION ALL SELECT format('GRANT USAGE ON FOREIGN DATA WRAPPER %I TO %I', fdwname, $5::name) "
    "  FROM pg_foreign_data_wrapper "
    "UNION ALL SELECT format('GRANT SELECT ON pg_stat_activity TO %I', $5::name) "
    "WHERE NOT has_table_privilege('public', 'pg_catalog.pg_stat_activity', 'SELECT')";

typedef struct OwnersGift {
    const char *from;  /* OIDs, as an array              */
    const char *to;    /* who owns it then               */
    const char *group; /* who may use what is the system's */
} OwnersGift;

static void owners_keep(const char *what, Error *e, void *data)
{
    error_ignore(error_wrap(e, "%s", what), "an object keeps its owner");
}

/* A statement that is refused is its own description: it holds no secret. */
static Error *owners_run(Conn *conn, const Rows *statements)
{
    g_autoptr(Batch) batch = batch_new();

    for (int row = 0; row < rows_count(statements); row++)
        batch_add_take(batch, rows_text(statements, row, 0),
                       g_strdup(rows_text(statements, row, 0)));
    return batch_run(conn, batch, GIFTS_AT_ONCE, owners_keep, NULL);
}

/* As a parameter of a query. */
static const char *owners_has(const Conn *conn, VersionFeature feature)
{
    return version_has(conn_major(conn), feature) ? "t" : "f";
}

static Error *owners_give_things(Conn *conn, const OwnersGift *gift)
{
    bool has_statistics = version_has(conn_major(conn), VERSION_HAS_STATISTICS);
    g_autofree char *query = g_strconcat(
        database_things, has_statistics ? database_newer_things : "", database_gifts, NULL);
    g_autoptr(Rows) gifts = NULL;

    TRY(conn_query(conn, &gifts, query, gift->to, owners_has(conn, VERSION_HAS_MULTIRANGE_OWNER),
                   owners_has(conn, VERSION_HAS_ROUTINE), gift->from, gift->group, NULL));
    return owners_run(conn, gifts);
}

/* A database without an encoding shows names as they are; the server would not call them UTF-8. */
static Error *owners_open(const ConnSpec *server, const char *dbname, Conn **ret_conn)
{
    g_autoptr(Conn) conn = NULL;
    ConnSpec spec = *server;

    spec.dbname = dbname;
    spec.options = CONN_MANAGER;
    TRY(conn_open(&spec, &conn));
    if (strcmp(conn_parameter(conn, "server_encoding"), "SQL_ASCII") == 0)
        TRY(conn_script(conn, "SET client_encoding = 'SQL_ASCII'"));
    *ret_conn = g_steal_pointer(&conn);
    return NULL;
}

/* --- the plan --- */

void owners_plan_free(OwnersPlan *plan)
{
    if (!plan)
        return;
    g_free(plan->user);
    g_string_free(plan->before, TRUE);
    g_string_free(plan->after, TRUE);
    g_string_free(plan->owners, TRUE);
    g_ptr_array_unref(plan->databases);
    g_free(plan);
}

static OwnersPlan *owners_plan_new(const char *user)
{
    OwnersPlan *plan = g_new(OwnersPlan, 1);

    *plan = (OwnersPlan){g_strdup(user), g_string_new(NULL), g_string_new(NULL), g_string_new(NULL),
                         g_ptr_array_new_with_free_func(g_free)};
    return plan;
}

static void owners_plan_add(OwnersPlan *plan, int64_t kind, const char *text)
{
    if (kind == PLAN_DATABASE)
        g_ptr_array_add(plan->databases, g_strdup(text));
    else if (kind == PLAN_OWNER)
        g_string_append_printf(plan->owners, "%s%s", plan->owners->len ? "," : "", text);
    else
        g_string_append_printf(kind == PLAN_HEIR ? plan->before : plan->after, ";\n%s", text);
}

Error *owners_plan(Conn *conn, const char *user, bool keep_passwords, OwnersPlan **ret_plan)
{
    g_autoptr(OwnersPlan) plan = owners_plan_new(user);
    g_autofree char *query = g_strconcat(plan_owners, plan_rows, NULL);
    const char *has_options = owners_has(conn, VERSION_HAS_MEMBERSHIP_OPTIONS);
    g_autoptr(Rows) rows = NULL;

    TRY(conn_query(conn, &rows, query, user, *has_options == 't' ? "f" : "t", has_options,
                   owners_has(conn, VERSION_HAS_PG_MONITOR), keep_passwords ? "t" : "f", NULL));
    for (int row = 0; row < rows_count(rows); row++)
        owners_plan_add(plan, rows_int(rows, row, 0), rows_text(rows, row, 2));
    g_string_prepend(plan->owners, "{");
    g_string_append(plan->owners, "}");
    *ret_plan = g_steal_pointer(&plan);
    return NULL;
}

bool owners_plan_has_heir(const OwnersPlan *plan)
{
    return plan->before->len > 0;
}

const char *owners_plan_before(const OwnersPlan *plan)
{
    return plan->before->str;
}

const char *owners_plan_after(const OwnersPlan *plan)
{
    return plan->after->str;
}

Error *owners_give(const OwnersPlan *plan, const ConnSpec *server)
{
    const OwnersGift gift = {plan->owners->str, plan->user, plan->user};

    for (unsigned i = 0; i < plan->databases->len; i++) {
        g_autoptr(Conn) conn = NULL;
        const char *dbname = plan->databases->pdata[i];

        TRY(owners_open(server, dbname, &conn));
        Error *e = owners_give_things(conn, &gift);
        if (e)
            return error_wrap(e, "giving database \"%s\" to user \"%s\"", dbname, plan->user);
    }
    return NULL;
}

/* --- data that has been filled --- */

Error *owners_make_manager(Conn *conn, const char *manager)
{
    g_autofree char *name = conn_quote_name(conn, manager);
    g_autofree char *script = g_strdup_printf(
        "CREATE ROLE %s SUPERUSER CREATEROLE CREATEDB LOGIN REPLICATION BYPASSRLS", name);

    TRY(conn_script(conn, "CREATE ROLE " OWNERS_GROUP));
    return strcmp(manager, OWNERS_SYSTEM) == 0 ? NULL : conn_script(conn, script);
}

static const char settle_databases[] =
    "SELECT format('ALTER DATABASE %I OWNER TO %I', datname, $1::name) FROM pg_database "
    "WHERE datdba = 10";

static const char settle_public[] =
    "SELECT format('ALTER SCHEMA public OWNER TO %I', d.rolname) "
    "FROM pg_namespace n, pg_database JOIN pg_authid d ON d.oid = datdba "
    "WHERE datname = current_database() AND nspname = 'public' AND nspowner = 10";

static Error *owners_settle_rows(Conn *conn, const char *query, const char *manager)
{
    g_autoptr(Rows) rows = NULL;

    TRY(conn_query(conn, &rows, query, manager, NULL));
    return owners_run(conn, rows);
}

static Error *owners_settle_database(const ConnSpec *server, const char *dbname,
                                     const char *manager)
{
    const OwnersGift gift = {"{10}", manager, OWNERS_GROUP};
    g_autoptr(Conn) conn = NULL;

    TRY(owners_open(server, dbname, &conn));
    TRY(owners_settle_rows(conn, settle_public, NULL));
    return owners_give_things(conn, &gift);
}

Error *owners_settle(const ConnSpec *server, const char *manager)
{
    g_autoptr(Conn) conn = NULL;
    g_autoptr(Rows) databases = NULL;

    TRY(owners_open(server, "postgres", &conn));
    TRY(owners_settle_rows(conn, settle_databases, manager));
    TRY(conn_query(conn, &databases,
                   "SELECT datname FROM pg_database WHERE datallowconn AND datconnlimit <> -2",
                   NULL));
    for (int row = 0; row < rows_count(databases); row++) {
        const char *dbname = rows_text(databases, row, 0);
        Error *e = owners_settle_database(server, dbname, manager);
        if (e)
            return error_wrap(e, "owners in database \"%s\"", dbname);
    }
    return NULL;
}
