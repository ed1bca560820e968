/*
 * One read of at most a buffer for each event: a bulk transfer gets its turn again in the next
 * round, after everybody else.
 */
#include "gateway/flow.h"

#include <errno.h>
#include <sys/socket.h>

static bool flow_must_wait(int err)
{
    return err == EAGAIN || err == EWOULDBLOCK || err == EINTR;
}

void flow_drop(Flow *flow, Stock *stock)
{
    if (flow->pending)
        stock_give(stock, flow->pending);
    flow->pending = NULL;
}

/* A part that was written says that the receiver is full: epoll tells when it is not. */
static void flow_write(Flow *flow, Stock *stock)
{
    Buffer *buffer = flow->pending;
    ssize_t n = send(flow->to, buffer->bytes + buffer->start, buffer->end - buffer->start,
                     MSG_DONTWAIT | MSG_NOSIGNAL);

    if (n >= 0) {
        buffer->start += (size_t)n;
        *flow->bytes += (uint64_t)n;
        if (buffer->start == buffer->end)
            flow_drop(flow, stock);
    } else if (!flow_must_wait(errno)) {
        flow->has_ended = flow->is_unwanted = true;
        flow_drop(flow, stock);
    }
}

static void flow_read(Flow *flow, Stock *stock)
{
    Buffer *buffer = stock_take(stock);
    ssize_t n = recv(flow->from, buffer->bytes, sizeof(buffer->bytes), MSG_DONTWAIT);

    if (n > 0) {
        buffer->end = (size_t)n;
        flow->pending = buffer;
        return;
    }
    if (n == 0) {
        flow->has_ended = true;
        shutdown(flow->to, SHUT_WR); /* a receiver that is gone needs not be told */
    } else if (!flow_must_wait(errno)) {
        flow->has_ended = flow->is_reset = true;
    }
    stock_give(stock, buffer);
}

void flow_carry(Flow *flow, Stock *stock)
{
    if (flow->pending)
        flow_write(flow, stock);
    if (!flow_wants_input(flow))
        return;
    flow_read(flow, stock);
    if (flow->pending)
        flow_write(flow, stock);
}
