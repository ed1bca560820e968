/*
 * What a role is: its attributes, settings, comment, security labels, rights on parameters, and
 * memberships, as the catalogs of a server have them. Read from one server, written to another.
 *
 * Each of these is a row of the table in role_catalog.c: a query, and a function that makes a
 * statement of a row. Text of the source becomes a quoted name or literal, never a part of SQL.
 */
#pragma once

#include <stdbool.h>

#include "postgres/batch.h"
#include "postgres/conn.h"

typedef struct RoleCatalog RoleCatalog;

/*
 * role_catalog_read - all roles but PostgreSQL's own ("pg_…"), as of one moment.
 *
 *   conn             to any database; the session is of no other use afterwards
 *   with_passwords   their verifiers, too: only a superuser sees them
 *
 * Settings of a role in one database belong to the database (pg_dump has them), and are left out.
 *
 * Errors: ERR_DENIED the catalogs, or the verifiers, are not shown to us; those of conn_query().
 */
MUST_CHECK Error *role_catalog_read(Conn *conn, bool with_passwords, RoleCatalog **ret_catalog);
void role_catalog_free(RoleCatalog *catalog);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(RoleCatalog, role_catalog_free)

/*
 * role_catalog_write - into a server that has none of them yet.
 *
 *   conn      of a superuser
 *   manager   the role that is there already: attributes, password and settings stay its own
 *   refused   told of each statement that the server refuses, and of each name that is no UTF-8
 *
 * Errors: those of batch_run().
 */
MUST_CHECK Error *role_catalog_write(const RoleCatalog *catalog, Conn *conn, const char *manager,
                                     BatchRefused refused, void *data);
