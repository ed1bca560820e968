/*
 * Bytes in one direction, from one socket to another; two flows make a connection. What was read
 * and cannot be written yet is kept, and nothing more is read until it is: the sender is held back,
 * and no more than one buffer a flow is ever used.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "gateway/stock.h"

typedef struct Flow {
    int from;
    int to;
    Buffer *pending;  /* read and not yet written; NULL = nothing, and no buffer is held */
    uint64_t *bytes;  /* counts what was written */
    bool has_ended;   /* nothing more comes: the end was passed on, or the flow broke */
    bool is_reset;    /* … since the sender is gone                       */
    bool is_unwanted; /* … since the receiver takes no more              */
} Flow;

/* Is the flow waiting for its sender (true), or for its receiver or for nothing (false)? */
static inline bool flow_wants_input(const Flow *flow)
{
    return !flow->has_ended && !flow->pending;
}

/*
 * flow_carry - write what is pending; when nothing is left, read once and write that. The sender's
 * end is passed on by shutdown(2). Never blocks. What came of it is in the fields.
 */
void flow_carry(Flow *flow, Stock *stock);

/* Gives the buffer back, with what is in it. */
void flow_drop(Flow *flow, Stock *stock);
