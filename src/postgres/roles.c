/*
 * Users of a clone. The server is asked whom there is, and gets what is to do as one script in one
 * transaction: two round trips, three for a restricted user, and no procedural language, which a
 * database may have dropped. No plain password is ever sent.
 *
 * A restricted user owns everything but what belongs to the system or to an extension (owners.h):
 * the owner of an extension's functions could do with them what only a superuser may.
 */
#include "postgres/roles.h"

#include <string.h>

#include "base/secret.h"
#include "postgres/batch.h"
#include "postgres/owners.h"

#define ROLE_NAME_MAX    63
#define SCRAM_SALT_BYTES 16
#define SCRAM_KEY_BYTES  32

/*
 * The first statement of a server whose caches are empty: each operator, function or index in it is
 * looked up in catalogs that have to come from the disk, and costs as much as all the rest.
 */
static const char role_names[] =
    "SELECT rolname, rolcanlogin AND rolpassword IS NOT NULL FROM pg_authid";

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
    if (strcmp(user, OWNERS_SYSTEM) == 0 || strcmp(user, OWNERS_GROUP) == 0)
        return error_hint(error_new(ERR_INVALID, "user name \"%s\" is reserved", user),
                          "Ramet keeps this role for itself.");
    return NULL;
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

/* Whom there is; the others' passwords go. */
static Error *roles_lock_others(Conn *conn, const RolesSpec *spec, GString *script,
                                bool *ret_exists)
{
    g_autofree char *lock = roles_lock_secret();
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
    *ret_exists = exists;
    return NULL;
}

/* plan: of a restricted user, or NULL. */
static Error *roles_prepare_logins(Conn *conn, const RolesSpec *spec, const OwnersPlan *plan,
                                   char **ret_reset)
{
    g_autoptr(GString) script = g_string_new(NULL);
    bool exists = false;

    TRY(roles_lock_others(conn, spec, script, &exists));
    if (exists && strcmp(spec->user, spec->manager) != 0)
        TRY(roles_reset_settings(conn, spec, script, ret_reset));
    if (plan)
        g_string_append(script, owners_plan_before(plan));
    exists = exists || (plan && owners_plan_has_heir(plan));
    g_autofree char *user_statement = roles_user_statement(conn, spec, exists);
    g_string_append(script, user_statement);
    if (plan)
        g_string_append(script, owners_plan_after(plan));
    return batch_commit(conn, script->str);
}

Error *roles_prepare_over(Conn *conn, const ConnSpec *server, const RolesSpec *spec,
                          char **ret_reset)
{
    bool is_owner = spec->is_restricted && strcmp(spec->user, spec->manager) != 0;
    g_autoptr(OwnersPlan) plan = NULL;

    TRY(roles_check_name(spec->user));
    if (is_owner)
        TRY(owners_plan(conn, spec->user, spec->keep_user_passwords, &plan));
    TRY(roles_prepare_logins(conn, spec, plan, ret_reset));
    return plan ? owners_give(plan, server) : NULL;
}

Error *roles_prepare(const ConnSpec *server, const RolesSpec *spec, char **ret_reset)
{
    ConnSpec manager = *server;
    g_autoptr(Conn) conn = NULL;

    TRY(roles_check_name(spec->user));
    manager.dbname = spec->dbname;
    manager.options = CONN_MANAGER;
    TRY(conn_open(&manager, &conn));
    return roles_prepare_over(conn, server, spec, ret_reset);
}
