/*
 * What clients ask for, of the clone "c", its snapshots, and the golden data.
 */
#pragma once

#include "server.h"
#include "store/clone.h"

typedef Error *(*Request)(Server *server);

MUST_CHECK Error *request_create(Server *server);
MUST_CHECK Error *request_create_of_old(Server *server); /* of data that a refresh will retire */
MUST_CHECK Error *request_reset(Server *server);         /* to "s2" */
MUST_CHECK Error *request_reset_to_own(Server *server);  /* to a snapshot of its own */
MUST_CHECK Error *request_destroy(Server *server);
MUST_CHECK Error *request_protect(Server *server);
MUST_CHECK Error *request_unprotect(Server *server);
MUST_CHECK Error *request_start(Server *server); /* of all that a reboot has stopped */
MUST_CHECK Error *request_snapshot(Server *server);
MUST_CHECK Error *request_delete_snapshot(Server *server);
MUST_CHECK Error *request_delete_snapshot_forced(Server *server);
MUST_CHECK Error *request_refresh(Server *server);
MUST_CHECK Error *request_first_refresh(Server *server);   /* unless there is golden data */
MUST_CHECK Error *request_golden_snapshot(Server *server); /* of data that has none */

/* For the last one: as when the snapshot of a refresh was lost with the store. */
MUST_CHECK Error *forget_golden_snapshot(Server *server);

bool has_golden(Server *server); /* of a refresh */

/* The clone; NULL = there is none. Caller frees. */
Clone *find_clone(Server *server);

/* The id of a snapshot of a clone; NULL = there is none. Caller frees. */
char *find_own_snapshot(Server *server);
