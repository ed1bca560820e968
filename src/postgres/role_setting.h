/*
 * Settings of roles and databases, as the catalog pg_db_role_setting keeps them.
 */
#pragma once

#include "postgres/conn.h"

/*
 * role_setting_clause - "name" TO 'value', as ALTER ROLE … SET takes it. A parameter that is a list
 * of names is kept quoted, `"$user", public`, and is written as a list again. Caller frees.
 */
char *role_setting_clause(Conn *conn, const char *name, const char *value);

/* Pure: such a list, taken apart: `a, "B ""c"""` → {"a", "B \"c\""}. NULL = it is none. Caller frees. */
char **role_setting_split(const char *list);
