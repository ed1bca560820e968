/*
 * The HTTP API: what clients see. Routes are a table; a handler parses, checks, calls the layers
 * below and builds a view.
 */
#pragma once

#include "engine/engine.h"
#include "retrieval/retrieval.h"

typedef struct Api Api;

/* Borrows both; they outlive it. It listens where the configuration of this moment says. */
MUST_CHECK Error *api_start(Engine *engine, Retrieval *retrieval, Api **ret_api);
void api_stop(Api *api);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Api, api_stop)
