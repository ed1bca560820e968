/*
 * The engine joins store, storage, runtime and PostgreSQL into clones and snapshots. This header is
 * the one object that the layers above hold; its parts are read-only for them and live as long as
 * it does.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "config/config.h"
#include "runtime/runtime.h"
#include "storage/storage.h"
#include "store/store.h"

typedef struct Operations Operations;           /* operation/operation.h */
typedef struct PortPool PortPool;               /* gate/port.h */
typedef struct IdleChecker IdleChecker;         /* instance/idle.h */
typedef struct Pools Pools;                     /* pool/pools.h */
typedef struct SpaceWatch SpaceWatch;           /* pool/space.h */
typedef struct Gauge Gauge;                     /* pool/gauge.h */
typedef struct Gate Gate;                       /* gate/gate.h */
typedef struct Supervisor Supervisor;           /* instance/supervisor.h */
typedef struct SnapshotSweeper SnapshotSweeper; /* snapshot/sweeper.h */
typedef struct LogKeeper LogKeeper;             /* instance/log_keeper.h */
typedef struct StoreWatch StoreWatch;           /* store_watch.h */

typedef struct Engine {
    GMutex config_lock; /* for the next */
    Config *config;     /* a reference; read by engine_config() */
    bool is_to_look;    /* opened by engine_open_to_look() */
    Store *store;
    Runtime *runtime;
    Pools *pools;
    char **bin_dirs;   /* postgres.binDirs, NULL-terminated   */
    GPtrArray *image;  /* instance/programs.h: of Installation *; NULL = this machine's are run */
    char *instance_id; /* made once for a state directory; NULL when opened to look before that */
    int64_t started_at_ms;
    Operations *operations;
    PortPool *ports;
    IdleChecker *idle;
    SpaceWatch *space;
    Gauge *gauge; /* from recovery on                         */
    Supervisor *supervisor;
    SnapshotSweeper *sweeper;    /* from recovery on                       */
    LogKeeper *logs;             /* from recovery on                       */
    StoreWatch *store_watch;     /* from recovery on                       */
    Gate *gate;                  /* NULL where instances listen themselves */
    GMutex limits_lock;          /* for the next */
    GHashTable *limits_changing; /* set of clones' ids: clone/limits.h */
    GMutex listener_lock;        /* held while the listener is told */
    void (*changed)(void *data); /* the listener: engine_set_listener() */
    void *changed_data;
} Engine;

/*
 * engine_open - open the store, mount and open the pools, find the running instances, count the
 * ports. No clone is touched yet: engine_recover() is for when all kinds of operations are
 * registered.
 *
 * Errors: those of store_open() and runtime_open(). A pool that cannot be opened is none: it is
 *         logged, and what is in it waits until it comes back (pool/pools.h).
 */
MUST_CHECK Error *engine_open(const Config *config, Engine **ret_engine);

/*
 * The same to look only (rametd --doctor, pool list, pool check): the store is opened read-only,
 * also beside a running server.
 */
MUST_CHECK Error *engine_open_to_look(const Config *config, Engine **ret_engine);

/*
 * engine_recover - finish or undo what was under way when the last server ended, start the
 * instances that should run, begin the background work. What the store does not know is reported,
 * never touched. While the store is held (store_watch.h) nothing is finished, undone, started or
 * deleted: what runs is served, measured, and its logs are kept within bounds.
 */
MUST_CHECK Error *engine_recover(Engine *engine);

/* Waits for the steps under way, cut short where the journal can go on. Instances run on. */
void engine_close(Engine *engine);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Engine, engine_close)

/*
 * The configuration as it is now: a reference, which the caller unrefs. A request or an operation
 * takes it once, and stays with it to its end.
 */
Config *engine_config(const Engine *engine);

/* From now on this one, for all that begins. Takes a reference of its own. */
void engine_set_config(Engine *engine, const Config *config);

/* The runtime alone, as configured. Errors: those of runtime_open(). */
MUST_CHECK Error *engine_open_runtime(const Config *config, bool is_to_look, Runtime **ret_runtime);

/* The identity of a state directory, made when there is none yet and it may be; else NULL. Caller frees. */
MUST_CHECK Error *engine_load_identity(Store *store, bool may_make, char **ret_identity);

/* Who is told of changes; NULL = nobody. When it returns, the one before is not called any more. */
void engine_set_listener(Engine *engine, void (*changed)(void *data), void *data);

/* Tells the listener that a clone or a snapshot has changed. */
void engine_notify(Engine *engine);
