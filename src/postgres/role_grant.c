/*
 * Memberships of roles.
 */
#include "postgres/role_grant.h"

#include <string.h>

enum {
    GRANT_ROLE,
    GRANT_MEMBER,
    GRANT_GRANTOR,
    GRANT_ADMIN,
    GRANT_INHERITS,
    GRANT_SETS
};

RoleGrant *role_grant_of_row(const Rows *rows, int row)
{
    RoleGrant *grant = g_new(RoleGrant, 1);

    *grant = (RoleGrant){
        .role = rows_text(rows, row, GRANT_ROLE),
        .member = rows_text(rows, row, GRANT_MEMBER),
        .grantor =
            rows_is_null(rows, row, GRANT_GRANTOR) ? NULL : rows_text(rows, row, GRANT_GRANTOR),
        .is_admin = strcmp(rows_text(rows, row, GRANT_ADMIN), "t") == 0,
        .inherits = rows_text(rows, row, GRANT_INHERITS),
        .sets = rows_text(rows, row, GRANT_SETS),
    };
    return grant;
}

/* --- order --- */

/* The length tells where the first name ends. */
static char *grant_admin_key(const char *role, const char *member)
{
    return g_strdup_printf("%zu %s%s", strlen(role), role, member);
}

static bool grant_is_possible(GHashTable *admins, const RoleGrant *grant)
{
    if (!grant->grantor)
        return true;
    g_autofree char *key = grant_admin_key(grant->role, grant->grantor);
    return g_hash_table_contains(admins, key);
}

/* Moves to the end of the ordered part, which has n_ordered, what is possible by now. */
static unsigned grants_take_possible(GPtrArray *grants, unsigned n_ordered, GHashTable *admins)
{
    for (unsigned i = n_ordered; i < grants->len; i++) {
        RoleGrant *grant = grants->pdata[i];
        if (!grant_is_possible(admins, grant))
            continue;
        if (grant->is_admin)
            g_hash_table_add(admins, grant_admin_key(grant->role, grant->member));
        grants->pdata[i] = grants->pdata[n_ordered];
        grants->pdata[n_ordered++] = grant;
    }
    return n_ordered;
}

void role_grants_order(GPtrArray *grants)
{
    g_autoptr(GHashTable) admins = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    unsigned n_before;
    unsigned n_ordered = 0;

    do {
        n_before = n_ordered;
        n_ordered = grants_take_possible(grants, n_ordered, admins);
    } while (n_ordered > n_before);
    for (unsigned i = n_ordered; i < grants->len; i++)
        ((RoleGrant *)grants->pdata[i])->grantor = NULL;
}

/* --- the statement --- */

static void grant_append_option(GString *sql, const char *option, const char *value)
{
    if (*value)
        g_string_append_printf(sql, ", %s %s", option, strcmp(value, "t") == 0 ? "TRUE" : "FALSE");
}

char *role_grant_statement(Conn *conn, const RoleGrant *grant, bool has_options)
{
    g_autofree char *role = conn_quote_name(conn, grant->role);
    g_autofree char *member = conn_quote_name(conn, grant->member);
    GString *sql = g_string_new(NULL);

    g_string_append_printf(sql, "GRANT %s TO %s", role, member);
    if (has_options) {
        g_string_append_printf(sql, " WITH ADMIN %s", grant->is_admin ? "TRUE" : "FALSE");
        grant_append_option(sql, "INHERIT", grant->inherits);
        grant_append_option(sql, "SET", grant->sets);
    } else if (grant->is_admin) {
        g_string_append(sql, " WITH ADMIN OPTION");
    }
    if (grant->grantor) {
        g_autofree char *grantor = conn_quote_name(conn, grant->grantor);
        g_string_append_printf(sql, " GRANTED BY %s", grantor);
    }
    return g_string_free(sql, FALSE);
}
