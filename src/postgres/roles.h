/*
 * Preparing the users of a clone. Never logs a password.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"
#include "postgres/conn.h"

typedef struct RolesSpec {
    const char *user;
    const char *secret;       /* of conn_password_secret() */
    bool is_restricted;       /* no superuser, but owner of everything: owners.h */
    bool keep_user_passwords; /* otherwise every other login role gets a random, unknown password */
    const char *manager;      /* the management superuser, left alone */
    const char *dbname;       /* the user is created over this database; it must exist */
} RolesSpec;

/*
 * roles_prepare - over a socket as the manager. May be repeated.
 *
 *   server      host (socket directory), port and user; dbname is filled in
 *   ret_reset   names of settings that the source had for a role that is the clone's user now, and
 *               that took it its rights or kept it out; NULL stays where there were none
 *
 * Roles are one transaction, two round trips, three for a restricted user, who comes to own
 * everything in it: owners.h. What is left to be given object by object follows.
 *
 * Errors: ERR_NOT_FOUND `database "x" does not exist`;
 *         ERR_INVALID a role name that is reserved, or none;
 *         ERR_BUSY no more locks (hint: max_locks_per_transaction);
 *         ERR_EXTERNAL.
 */
MUST_CHECK Error *roles_prepare(const ConnSpec *server, const RolesSpec *spec, char **ret_reset);

/*
 * The same over a connection to spec->dbname that is there already: ready_wait()'s. server is used
 * for the other databases of a restricted user.
 */
MUST_CHECK Error *roles_prepare_over(Conn *conn, const ConnSpec *server, const RolesSpec *spec,
                                     char **ret_reset);
