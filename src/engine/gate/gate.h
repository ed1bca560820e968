/*
 * The ports of clones whose instances have no network: the gateway listens on them and carries the
 * bytes to their Unix sockets. What it is to know is the store's to say; one that has died is
 * started again, and told anew. Where instances listen themselves there is no gate, and these calls
 * do nothing.
 */
#pragma once

#include "engine/engine.h"
#include "gateway/client.h"
#include "store/clone.h"

/*
 * gate_open - find the running gateway, or start one.
 *
 * Errors: those of gateway_launch().
 */
MUST_CHECK Error *gate_open(Engine *engine);

/* Tells the gateway of all clones that run, and looks after it from then on. */
MUST_CHECK Error *gate_restore(Engine *engine);

/* The gateway lives on while it has clones. */
void gate_close(Gate *gate);

/* False: an instance has the machine's network, and listens itself. */
bool gate_is_used(const Engine *engine);

/*
 * gate_let_in - listen for a running clone, and let in who has been waiting. May be repeated.
 *
 * Errors: ERR_CONFLICT its port is in use.
 * Undo:   gate_shut().
 */
MUST_CHECK Error *gate_let_in(Engine *engine, const Clone *clone);

/* For a stop that a start follows: new connections wait instead of being refused. */
MUST_CHECK Error *gate_hold(Engine *engine, const Clone *clone);

/* Stops listening for it, and ends its connections. May be repeated. */
MUST_CHECK Error *gate_shut(Engine *engine, const Clone *clone);

/*
 * Why a clone that runs cannot be reached over its port, as when another program has it: that is
 * tried again every two seconds. NULL = it can, or there is no gate. Caller frees.
 */
char *gate_trouble(const Engine *engine, const char *uid);

/* What the gateway has seen of all clones, by uid: of GatewayStatus *; caller unrefs. */
MUST_CHECK Error *gate_look(Engine *engine, GPtrArray **ret_list);
