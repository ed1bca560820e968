/*
 * Deleting clones that nobody uses: cloning.maxIdleMinutes.
 */
#pragma once

#include "engine/engine.h"

/* Starts the checker's thread; NULL when idle deletion is off. */
IdleChecker *idle_checker_start(Engine *engine);
void idle_checker_stop(IdleChecker *checker);
