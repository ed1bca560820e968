/*
 * A PostgreSQL to test against: a cluster of its own, made in a temporary directory and listening
 * on a Unix socket alone. The tests run in a child process; its parent stops the server and removes
 * everything, however the tests end. RAMET_TEST_PG_DIR names another installation to test with.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "postgres/conn.h"
#include "postgres/installation.h"

#define MANAGER          "the manager" /* initdb itself cannot have quotes in it */
#define CLUSTER_READY_MS 30000

typedef json_t Json;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Json, json_decref)

/* The cluster under test. */
typedef struct Cluster {
    char *root; /* holds the rest */
    char *data_dir;
    char *log_path;
    const char *os_user;
    Installation *installation;
    int pidfd;
} Cluster;

extern Cluster cluster;

/* Ends the test with the whole error when there is one. */
void assert_ok(Error *e);

/* How to reach the cluster over its socket. */
ConnSpec cluster_server(const char *user, const char *password, const char *dbname);

/* A connection as the manager; caller closes. */
Conn *cluster_manager(const char *dbname);

/* Runs statements as the manager. */
void cluster_run(const char *dbname, const char *sql);

/* The first column of the one row that a query gives; caller frees. */
char *cluster_ask(Conn *conn, const char *sql);

void cluster_init(void);
void cluster_configure(const char *settings); /* JSON object */

/* Returns when it is ready; ret_conn proved it. */
void cluster_start(Conn **ret_conn);

void cluster_stop(int signal);

/* For ready_wait(). */
bool cluster_has_ended(void *data, int64_t wait_ms);

/* The whole of main(): skips without PostgreSQL, runs the tests in a child, and cleans up. */
int cluster_main(int argc, char **argv, int (*run_tests)(int argc, char **argv));
