/*
 * Deleting clones that nobody uses: cloning.maxIdleMinutes.
 */
#pragma once

#include "engine/engine.h"

/* Starts the checker's thread; NULL when idle deletion is off. */
MUST_CHECK Error *idle_checker_start(Engine *engine, IdleChecker **ret_checker);
void idle_checker_stop(IdleChecker *checker);
