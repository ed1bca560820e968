/*
 * The kinds of operations, as the sweep goes through them.
 */
#pragma once

#include "request.h"

#define ALL_PAIRS 5

typedef struct Kind {
    const char *name;
    Request request;
    Request before[2]; /* what is there when it is asked for: each until it is done */
    bool is_atomic;    /* the storage takes snapshots of what runs */
    bool is_golden;    /* of golden data, which is there before; else of the clone */
    bool ends_clone;
    unsigned
        pairs; /* of those that the sweep has: how many for each first fault. They take turns */
    bool can_stick; /* its undo has much to do, and is looked at while it fails again and again */
} Kind;

extern const Kind kinds[];
extern const size_t n_kinds;

/*
 * kind_check - ends the test unless what was accepted is done or undone, and nothing is left.
 *
 *   label    what the faults were
 *   is_done  no fault has met it that it may fail for
 */
void kind_check(Server *server, const Kind *kind, const char *label, bool was_accepted,
                bool is_done);

/* Back to what server_open() leaves, and golden data: all else can be destroyed, and is gone then. */
void server_clear(Server *server);
