/*
 * What the operations on a clone share: the things that its steps work with, and the steps
 * themselves.
 */
#pragma once

#include "engine/instance/instance.h"
#include "operation/operation.h"
#include "store/clone.h"
#include "store/snapshot.h"

typedef struct CloneWork {
    Config *config;     /* a reference: as it was when the work was loaded */
    Clone *clone;       /* as in the store when the work was loaded */
    Snapshot *snapshot; /* what `volume` is made from               */
    Pool *pool;         /* of `volume` */
    Pool *old_pool;     /* of `old_volume`; NULL without one */
    Installation *installation;
    json_t *args;      /* of the operation */
    char *volume;      /* the volume that the steps make and start */
    char *old_volume;  /* of a reset: the one it replaces; else NULL */
    char *left_why;    /* of an undo: why the clone does not serve again, and is left; else NULL */
    char *data_dir;    /* of `volume` */
    char *remark;      /* what its user is to know though it is OK; NULL = nothing */
    bool is_set_aside; /* of a start: its postgresql.auto.conf is */
    bool is_bare;      /* of a start: it serves, and its database is gone */
    Conn *conn;        /* the one that proved it ready, for preparing users; NULL after a restart */
} CloneWork;

/* load() and unload() of kinds whose target is a clone's uid. Args: volume and its pool, oldVolume and its oldPool, snapshot. */
MUST_CHECK Error *clone_work_load(Operation *operation);
void clone_work_unload(Operation *operation);
void clone_work_rewind(Operation *operation, const OperationKind *kind);

/* Steps; each undo may be repeated. */
MUST_CHECK Error *clone_step_volume(Operation *operation);
MUST_CHECK Error *clone_undo_volume(Operation *operation);
MUST_CHECK Error *clone_step_configure(Operation *operation);
MUST_CHECK Error *clone_step_start(Operation *operation);
MUST_CHECK Error *clone_step_stop(Operation *operation); /* the undo of start, too */
MUST_CHECK Error *clone_step_ready(Operation *operation);
MUST_CHECK Error *clone_step_users(Operation *operation);
MUST_CHECK Error *clone_step_let_in(Operation *operation); /* over its port */
MUST_CHECK Error *clone_step_shut(Operation *operation);   /* the undo of that */

/*
 * clone_undo_stop - start what was stopped for the work, and wait until it serves: not in one of these
 * states (a set of CLONE_IN()). What does not start is left stopped, with work->left_why and a word
 * to the supervisor: its user may have broken it, and no undo is owed for that.
 */
MUST_CHECK Error *clone_undo_stop(Operation *operation, unsigned but_in);

/* The instance of a clone over a volume's data directory; borrows from all its arguments. */
EngineInstance clone_instance(const CloneWork *work);

/* The same for talking to it: the operation's cancel ends that, but for an undo. */
EngineInstance clone_instance_of(const Operation *operation);

/*
 * Moves the clone's state inside the present transaction, from those that this operation leaves it
 * in (a set of CLONE_IN()). What was asked for meanwhile, a reset or the destruction, has set a
 * state of its own, which stays.
 */
MUST_CHECK Error *clone_work_settle(Operation *operation, unsigned from, CloneState to,
                                    const char *message);

/* ended() of these kinds: tells whoever waits for the clone. */
void clone_work_ended(Operation *operation, const Error *cause);
