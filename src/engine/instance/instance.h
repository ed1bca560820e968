/*
 * A PostgreSQL instance over a volume, as the steps of operations need it: configure, start, wait,
 * stop.
 */
#pragma once

#include <gio/gio.h>

#include "engine/engine.h"
#include "postgres/conn.h"
#include "postgres/installation.h"

typedef struct EngineInstance {
    const Config *config; /* of the work that it is for */
    const char *id;       /* internal id: names the socket directory, the log */
    const char *data_dir;
    const Installation *installation;
    int64_t port;         /* names the socket; 0 = 5432 */
    const char *listen;   /* addresses for TCP, "" = none */
    const char *user;     /* the clone's own database user; NULL = none */
    const char *manager;  /* NULL = the configured one */
    const char *limits;   /* the clone's own, JSON text; NULL = none */
    GCancellable *cancel; /* ends waits for it; NULL = nothing does */
    int64_t answer_ms;    /* how long one answer may take; 0 = as conn.h says */
} EngineInstance;

/* Both borrowed: what a connection to an instance is made from. */
typedef struct InstanceLine {
    Engine *engine;
    const EngineInstance *instance;
} InstanceLine;

/*
 * How to connect to it as the manager, over its socket, which is proven to be its own; the line is
 * borrowed by the spec. dbname NULL = the management database.
 */
ConnSpec instance_server(const InstanceLine *line, const char *dbname);

/* Starts it, with the settings that are ours on its command line. Errors: of runtime_start(). */
MUST_CHECK Error *instance_start(Engine *engine, const EngineInstance *instance);

/*
 * instance_wait_ready - until it answers over its socket.
 *
 *   dbname     NULL = the management database
 *   ret_conn   the connection that proved it; caller closes; NULL = not wanted
 *
 * Errors: those of ready_wait(), with the end of its log as the detail; ERR_CONFLICT `cancelled`.
 */
MUST_CHECK Error *instance_wait_ready(Engine *engine, const EngineInstance *instance,
                                      const char *dbname, int64_t timeout_ms, Conn **ret_conn);

/* A connection as the manager over its socket; dbname NULL as above. id and port are enough. */
MUST_CHECK Error *instance_connect(Engine *engine, const EngineInstance *instance,
                                   const char *dbname, Conn **ret_conn);

/* Why its postgres ended, in its own words, from the end of its log; "" when that says nothing. Caller frees. */
char *instance_last_words(Engine *engine, const char *id);

/* The database that we connect to for dbname (NULL = the management database); borrowed. */
const char *instance_manager_db(const EngineInstance *instance, const char *dbname);

/* Socket directory for libpq tools (PGHOST); caller frees. */
char *instance_socket_dir(Engine *engine, const EngineInstance *instance);
