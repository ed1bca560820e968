/*
 * Whose things are whose. A restricted user owns what is not the system's, at a cost that does not
 * grow with the data: it takes over the role that owns most, under its own name, and becomes a
 * member of the other owners. Only what would bring it a superuser's rights that way is given to it
 * object by object.
 *
 * That is possible where the superuser that initdb made, whose rights cannot be handed on, owns
 * nothing but the system: see owners_settle().
 */
#pragma once

#include <stdbool.h>

#include "postgres/conn.h"

/* The superuser of initdb in data that we fill: the manager is another role there. */
#define OWNERS_SYSTEM "ramet_system"

/*
 * A role of such data: what users may do with the system's things that not everybody may. Where it
 * is, owners_settle() was.
 */
#define OWNERS_GROUP "ramet_restricted"

/* How a user comes to own everything. */
typedef struct OwnersPlan OwnersPlan;
void owners_plan_free(OwnersPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(OwnersPlan, owners_plan_free)

/*
 * owners_plan - ask the server; changes nothing.
 *
 *   user             need not exist
 *   keep_passwords   of a role that is made anew
 */
MUST_CHECK Error *owners_plan(Conn *conn, const char *user, bool keep_passwords,
                              OwnersPlan **ret_plan);

/* Whether the user takes over another role, and has that role's settings and rights afterwards. */
bool owners_plan_has_heir(const OwnersPlan *plan);

/* Statements for the transaction that makes the user: ";\n…" each. "" = none. */
const char *owners_plan_before(const OwnersPlan *plan);
const char *owners_plan_after(const OwnersPlan *plan);

/*
 * owners_give - what the plan leaves to be given object by object, once the user is there. Most
 * often nothing.
 *
 *   server   as the manager; a connection for each database where there is something
 *
 * Transactions are of a few hundred objects, as each holds locks until its end; an object that the
 * server will not give away keeps its owner, with a warning in our log.
 */
MUST_CHECK Error *owners_give(const OwnersPlan *plan, const ConnSpec *server);

/*
 * owners_make_manager - the manager, a superuser with the rights of the one that initdb made.
 *
 *   conn   as OWNERS_SYSTEM, in a server that has just been made
 */
MUST_CHECK Error *owners_make_manager(Conn *conn, const char *manager);

/*
 * owners_settle - in data that has been filled: what is the system's superuser's and not the
 * system's becomes the manager's, and the schema "public" of majors before 15 the owner's of its
 * database, as it is since.
 *
 *   server   as OWNERS_SYSTEM; dbname is filled in
 */
MUST_CHECK Error *owners_settle(const ConnSpec *server, const char *manager);
