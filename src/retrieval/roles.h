/*
 * Roles of the source, brought into the golden data, so that owners, grants and policies survive.
 * The contract's original copies none; its users had to make them by hand or to give up ownership.
 */
#pragma once

#include "retrieval/work.h"

/*
 * roles_copy - with passwords only when provision.keepUserPasswords is set and the source lets us
 * read them. A role that cannot be made is no failure: it is logged, and what needs it will say so.
 */
MUST_CHECK Error *roles_copy(const Work *work);

/* The pure parts; caller frees. pg_dumpall's script without what would change our superuser. */
char *roles_without_manager(const char *script, const char *manager);

/* The first error of psql that is not about a role that is there already; NULL = none. */
char *roles_first_error(const char *psql_errors);
