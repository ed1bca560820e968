/*
 * Keeps the logs of all instances and of the gateway within runtime.logSize and runtime.logDays.
 *
 * They are written by descriptors that instances have inherited, so that they outlive rametd; no
 * pipe of ours is in between, and nothing holds a writer back. What is guaranteed: while rametd
 * runs, a log that has grown is looked at within 50 ms, and takes more than its limit only by what
 * its writer manages in that time and while the old is given back. Not guaranteed: anything while
 * rametd does not run; its first act is to look at all.
 */
#pragma once

#include "engine/engine.h"

/* Looks at all logs, and watches them from then on. */
MUST_CHECK Error *log_keeper_start(Engine *engine, LogKeeper **ret_keeper);
void log_keeper_stop(LogKeeper *keeper); /* NULL is fine */
