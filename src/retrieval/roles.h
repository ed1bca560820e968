/*
 * Roles of the source, brought into the golden data, so that owners, grants and policies survive.
 * The contract's original copies none; its users had to make them by hand or to give up ownership.
 */
#pragma once

#include "retrieval/work.h"

/* Reads them once, before anything long begins: what cannot be read is said at once. */
MUST_CHECK Error *roles_check(const Work *work);

/*
 * roles_copy - with passwords only when provision.keepUserPasswords is set and the source lets us
 * read them. What the new server refuses is no failure: it is logged, and becomes
 * work->roles_warning: the alert "roles_incomplete" of the refresh.
 */
MUST_CHECK Error *roles_copy(Work *work);
