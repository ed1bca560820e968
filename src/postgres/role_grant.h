/*
 * Memberships of roles, in an order in which a server takes them.
 */
#pragma once

#include <stdbool.h>

#include "postgres/conn.h"

/* All strings are borrowed. */
typedef struct RoleGrant {
    const char *role;
    const char *member;
    const char *grantor; /* NULL = the superuser that initdb has made */
    bool is_admin;
    const char *inherits; /* "t", "f"; "" = as the member's attribute says */
    const char *sets;     /* likewise */
} RoleGrant;

/* Of columns role, member, grantor, is_admin, inherits, sets; strings are borrowed from rows. */
RoleGrant *role_grant_of_row(const Rows *rows, int row);

/*
 * role_grants_order - of an array of RoleGrant *, in place.
 *
 * From 16 on who grants a role must be an admin of it before: each grant comes after the one that
 * makes its grantor that. Where there is none (an older server did not ask) the superuser grants.
 */
void role_grants_order(GPtrArray *grants);

/* GRANT … TO …; has_options: the server knows INHERIT and SET of a membership. Caller frees. */
char *role_grant_statement(Conn *conn, const RoleGrant *grant, bool has_options);
