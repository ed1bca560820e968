/*
 * A server over the world: the real engine, retrieval, operations and store.
 */
#pragma once

#include "engine/engine.h"
#include "retrieval/retrieval.h"
#include "world.h"

typedef struct Server {
    char *dir;
    char *dumps; /* where a refresh puts them */
    Engine engine;
    Config config;
    Retrieval *retrieval;
} Server;

/* With two protected snapshots of golden data, "s1" and the older "s2", and nothing else. */
void server_open(Server *server);
void server_close(Server *server);

/* As after a crash: what lies in the journal goes on, or is undone. */
void server_restart(Server *server);

/*
 * Until nothing is under way: what waits for its next try is tried at once, and a server that a fault
 * has killed is started again. server_is_settled() is the same for wait_until().
 */
void server_settle(Server *server);
MUST_CHECK Error *server_is_settled(void *server, bool *ret_done);

/* The clone "c", as a client asks for it; "" = of the newest data. */
MUST_CHECK Error *server_create_clone(Server *server, const char *snapshot_id);

/*
 * What is there that nobody needs, or is missing: all that the doctor finds, an OK clone that does not
 * run on its own volume behind an open door, one whose snapshot is gone, and a dump that nobody restores. NULL = nothing. Caller frees.
 */
char *server_problems(Server *server);

/* Ends the test with the error. */
void must(Error *e);
