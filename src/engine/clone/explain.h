/*
 * Why the manager could not connect to a clone, in words that its user can act on.
 */
#pragma once

#include "engine/instance/instance.h"

/*
 * clone_explain - to an error of connecting: the databases that there are where the one asked for is
 * missing; what to do where the manager's role is missing. Others are returned as they are.
 *
 *   e   taken; NULL gives NULL
 */
MUST_CHECK Error *clone_explain(Engine *engine, const EngineInstance *instance, Error *e);

/* The first of it alone, over an open connection. */
MUST_CHECK Error *clone_explain_database(Conn *conn, Error *e);
