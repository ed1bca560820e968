/*
 * The engine joins store, storage, runtime and PostgreSQL into clones and snapshots. This header is
 * the one object that the layers above hold; its parts are read-only for them and live as long as
 * it does.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "runtime/runtime.h"
#include "storage/storage.h"
#include "store/store.h"

typedef struct Operations Operations;   /* operation.h */
typedef struct PortPool PortPool;       /* port.h      */
typedef struct IdleChecker IdleChecker; /* idle.h    */

typedef struct Engine {
    const Config *config; /* borrowed: the caller keeps it alive */
    Store *store;
    Runtime *runtime;
    GPtrArray *pools;  /* of Pool *, in order of the store; the first is the active one */
    char **bin_dirs;   /* postgres.binDirs, NULL-terminated                             */
    char *instance_id; /* generated once per state directory                            */
    int64_t started_at_ms;
    Operations *operations;
    PortPool *ports;
    IdleChecker *idle; /* NULL unless cloning.maxIdleMinutes is set */
    void *retrieval;   /* set by the layer above: the steps of its operations find it here */
    GMutex
        listener_lock; /* held while the listener is told: it is not called after it was taken off */
    void (*changed)(void *data); /* told of every change that somebody may wait for */
    void *changed_data;
} Engine;

/*
 * engine_open - open the store, mount and open the pools, find the running instances, count the
 * ports. Nothing is changed yet: call engine_recover() when all kinds of operations are registered.
 */
MUST_CHECK Error *engine_open(const Config *config, Engine **ret_engine);

/* The same to look only (rametd --doctor): the store is opened read-only, also beside a running
 * server. */
MUST_CHECK Error *engine_open_to_look(const Config *config, Engine **ret_engine);

/*
 * engine_recover - finish or undo what was under way when the last server ended, start the
 * instances that should run, begin the background work. What the store does not know is reported,
 * never touched.
 */
MUST_CHECK Error *engine_recover(Engine *engine);

/* Waits for the steps under way to end (their operations stay in the journal); instances run on. */
void engine_close(Engine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Engine, engine_close)

/* ERR_NOT_FOUND `pool "x" is not available` (hint). Borrowed. */
MUST_CHECK Error *engine_find_pool(Engine *engine, const char *name, Pool **ret_pool);

/* The pool that refreshes and first clones use; ERR_NOT_FOUND `no available pools` (hint: pool
 * create). */
MUST_CHECK Error *engine_active_pool(Engine *engine, Pool **ret_pool);

/* Who is told of changes; NULL = nobody, and when it returns nobody is being told any more. */
void engine_set_listener(Engine *engine, void (*changed)(void *data), void *data);

/* Tells the listener that a clone or a snapshot has changed. */
void engine_notify(Engine *engine);
