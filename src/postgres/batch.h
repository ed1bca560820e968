/*
 * Many statements to one server, a transaction for each few hundred. What the server refuses is
 * found by halving, and costs nothing of the rest.
 */
#pragma once

#include "postgres/conn.h"

typedef struct Batch Batch;

Batch *batch_new(void);
void batch_free(Batch *batch);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Batch, batch_free)

/*
 * batch_add_take - a statement, without its semicolon.
 *
 *   what   what it is about, for people: `role "app"`; borrowed
 *   sql    taken
 */
void batch_add_take(Batch *batch, const char *what, char *sql);
int batch_count(const Batch *batch);

/* Told of each statement that the server refuses. e is the callee's. */
typedef void (*BatchRefused)(const char *what, Error *e, void *data);

/*
 * batch_run - in their order.
 *
 *   at_once   statements a transaction
 *
 * Errors: ERR_BUSY, ERR_NO_SPACE, ERR_TIMEOUT, a lost connection: what would befall the next
 *         statement, too. Those that are done by then stay.
 */
MUST_CHECK Error *batch_run(Conn *conn, const Batch *batch, int at_once, BatchRefused refused,
                            void *data);

/*
 * One transaction, all or nothing. Each statement begins with ";". The answer comes before it is on
 * disk: not for what somebody was told is done.
 */
MUST_CHECK Error *batch_commit(Conn *conn, const char *statements);
