/*
 * The wait is on a condition, so that a stop does not last as long as an interval.
 */
#include "base/ticker.h"

#include <glib.h>
#include <stdbool.h>

#include "base/thread.h"

struct Ticker {
    GThread *thread;
    int64_t interval_ms;
    void (*tick)(void *data);
    void *data;
    GMutex lock;
    GCond stop;
    bool is_stopping;
};

static void *ticker_run(void *data)
{
    Ticker *ticker = data;
    int64_t due_us = g_get_monotonic_time() + ticker->interval_ms * 1000;

    g_mutex_lock(&ticker->lock);
    while (!ticker->is_stopping) {
        if (g_cond_wait_until(&ticker->stop, &ticker->lock, due_us))
            continue; /* asked to stop, or woken for nothing */
        g_mutex_unlock(&ticker->lock);
        ticker->tick(ticker->data);
        due_us = g_get_monotonic_time() + ticker->interval_ms * 1000;
        g_mutex_lock(&ticker->lock);
    }
    g_mutex_unlock(&ticker->lock);
    return NULL;
}

static void ticker_free(Ticker *ticker)
{
    g_mutex_clear(&ticker->lock);
    g_cond_clear(&ticker->stop);
    g_free(ticker);
}

Error *ticker_start(const char *name, int64_t interval_ms, void (*tick)(void *data), void *data,
                    Ticker **ret_ticker)
{
    Ticker *ticker = g_new0(Ticker, 1);

    ticker->interval_ms = interval_ms;
    ticker->tick = tick;
    ticker->data = data;
    g_mutex_init(&ticker->lock);
    g_cond_init(&ticker->stop);
    Error *e = thread_start(name, ticker_run, ticker, &ticker->thread);
    if (e) {
        ticker_free(ticker);
        return e;
    }
    *ret_ticker = ticker;
    return NULL;
}

void ticker_stop(Ticker *ticker)
{
    if (!ticker)
        return;
    g_mutex_lock(&ticker->lock);
    ticker->is_stopping = true;
    g_cond_signal(&ticker->stop);
    g_mutex_unlock(&ticker->lock);
    g_thread_join(ticker->thread);
    ticker_free(ticker);
}
