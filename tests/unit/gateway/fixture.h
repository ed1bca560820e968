/*
 * A gateway in a thread of the test, its control socket in a temporary directory, and a clone that
 * is nothing but a listening Unix socket: the test plays the client and the clone by plain calls.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "gateway/client.h"

typedef struct Fixture {
    char *dir;
    char *control_path;
    char *clone_path;
    int clone_fd; /* the clone's listening socket; -1 = it is not running */
    int64_t port; /* of clone "one"                                       */
    GatewayClient *client;
    GThread *thread;
} Fixture;

extern Fixture fixture;

void assert_ok(Error *e);
void assert_fails_take(Error *e, ErrorCode code, const char *part);

/* g_test_run() in a directory of its own. */
int fixture_run(void);

/* Starts and stops the gateway and the clone; for each test. */
void fixture_start(void);
void fixture_stop(void);

void fixture_start_gateway(void);
void fixture_stop_gateway(void);
void fixture_start_clone(int backlog);
void fixture_stop_clone(void);

/* Clone "one" with its port and socket at 127.0.0.1; tests change what they want to. */
GatewayClone fixture_clone(void);

/* The status of a clone; caller frees by unref of *ret_list. */
const GatewayStatus *fixture_status(const char *id, GPtrArray **ret_list);

/* Waits until a number of clone "one" is so: its place in GatewayStatus by offsetof(). */
void fixture_wait_number(size_t offset, int64_t value);

/* Blocking sockets, each with a time limit on reading. */
int fixture_connect(int64_t port);
int fixture_accept(void);
void fixture_say(int fd, const char *text);
void fixture_hear(int fd, const char *expected);
void fixture_hear_end(int fd);

/* A port that nobody listens on. */
int64_t fixture_free_port(void);
