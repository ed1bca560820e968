/*
 * Looks after instances that end by themselves: they are started again, at once the first time and
 * then later and later; one that ends too often is FATAL. Processes of a clone that the kernel
 * ended for lack of memory are told on the clone's status.
 */
#pragma once

#include "engine/engine.h"

MUST_CHECK Error *supervisor_start(Engine *engine, Supervisor **ret_supervisor);
void supervisor_stop(Supervisor *supervisor); /* NULL is fine */

/* How long to wait before the n-th restart (from 1), in ms; -1 = no more. Pure, for tests. */
int64_t supervisor_delay_ms(int64_t n);
