/*
 * Which effect fails, and how. Effects are counted from plan_arm() on, the store's among them. After
 * a fault that kills, none is done any more until plan_revive().
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

typedef enum FaultHow {
    FAULT_FAILS,       /* nothing was done                              */
    FAULT_IS_LATE,     /* it is done, and says that its time is over    */
    FAULT_KILLS,       /* before it is done                             */
    FAULT_KILLS_AFTER, /* when it is done                               */
    FAULT_STICKS,      /* nothing, nor of its like, until plan_release()   */
} FaultHow;

/* What one that fails says. */
typedef enum FaultError {
    FAULT_NO_SPACE, /* ENOSPC                    */
    FAULT_IO,       /* EIO                       */
    FAULT_TIMEOUT,
    FAULT_EXIT, /* a program's status that is not 0 */
    FAULT_BUSY,
    N_FAULT_ERRORS,
} FaultError;

typedef struct Fault {
    int at; /* the number of the effect, from 1; 0 = none */
    FaultHow how;
    FaultError error;
} Fault;

/* From the next effect on, which is number 1. */
void plan_arm(Fault first, Fault second);
int plan_count(void); /* effects since then */
bool plan_is_dead(void);
void plan_revive(void);
int plan_stuck(void); /* how often a fault that sticks has come since plan_arm() */
void plan_release(void);

/*
 * What happens meanwhile: called once, before the at-th effect outside of the store or the at-th transaction,
 * whichever it is, on the thread that has come there. at 0: never. plan_passed() counts these places.
 */
void plan_meet(int at, void (*meanwhile)(void *data), void *data);
int plan_passed(void);

/* Around each effect: an error of either is its result. what: its name, which is what sticks. */
MUST_CHECK Error *plan_before(const char *what);
MUST_CHECK Error *plan_after(void);

/* For effect_hook: a write into the store is done or not, and never late. */
Error *plan_before_write(const char *what);
