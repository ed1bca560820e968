/*
 * Sending a client away with a reason. This much of PostgreSQL's protocol is spoken: the client's
 * first message is waited for, and answered by an ErrorResponse; an offer of encryption before it
 * is declined. It costs a descriptor for a moment.
 */
#pragma once

#include <glib.h>

#include "gateway/loop.h"

typedef struct RefusalReason {
    const char *sqlstate; /* five letters: PostgreSQL's documentation, "Error Codes" */
    const char *message;
    const char *hint;
} RefusalReason;

/*
 * refusal_start_take - tell a client why it is not let in, and close it.
 *
 *   refusals   those under way; they end by themselves, soon. Beyond a number of them the client
 *              is closed at once
 *   fd         accepted, non-blocking; taken
 *   why        used during the call
 */
void refusal_start_take(Loop *loop, GQueue *refusals, int fd, const RefusalReason *why);

/* Closes all that are under way. */
void refusal_cut_all(GQueue *refusals);
