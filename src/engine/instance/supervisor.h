/*
 * Looks after instances that end by themselves: they are started again, at once the first time and
 * then later and later; one that ends too often is FATAL. A start that fails leaves its clone
 * FATAL, too, and is tried again for as long as that lasts. Processes of a clone that the kernel
 * ended for lack of memory are told on the clone's status.
 */
#pragma once

#include "engine/engine.h"

Supervisor *supervisor_new(Engine *engine);

/* Begins to look, a second after the other. Errors: those of ticker_start(). */
MUST_CHECK Error *supervisor_watch(Supervisor *supervisor);
void supervisor_stop(Supervisor *supervisor); /* looks no more; NULL is fine */
void supervisor_free(Supervisor *supervisor); /* after the operations, which tell it of failures */

/* For operations, on any thread: a start of this clone has failed. NULL is fine. */
void supervisor_start_failed(Supervisor *supervisor, const char *uid);

/* How long to wait before the n-th restart (from 1), in ms; -1 = no more. Pure, for tests. */
int64_t supervisor_delay_ms(int64_t n);

/* The same after n starts (from 1) that have failed one after the other: there is always a next. */
int64_t supervisor_retry_delay_ms(int64_t n);
