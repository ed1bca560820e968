/*
 * The watch over the store: the pools are told how far it is, and what is wrong with it is logged.
 */
#pragma once

#include "engine/engine.h"

/* True: the store takes no changes, so nothing is started, finished, undone or destroyed. */
bool engine_is_held(Engine *engine);

/* What is wrong with it, as an error for people; NULL = all is well. Caller frees. */
Error *engine_store_trouble(Engine *engine);

/* The first look is taken before this returns. Errors: those of ticker_start(). */
MUST_CHECK Error *store_watch_start(Engine *engine, StoreWatch **ret_watch);
void store_watch_stop(StoreWatch *watch); /* a last look; NULL is fine */
