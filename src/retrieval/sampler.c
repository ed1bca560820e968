/*
 * A thread with a connection. Progress and activity are a service, never a condition: whatever fails here
 * ends the sampling, not the refresh.
 */
#include "retrieval/sampler.h"

#include "base/log.h"
#include "base/thread.h"
#include "postgres/activity.h"
#include "postgres/version.h"

#define SAMPLE_INTERVAL_US G_USEC_PER_SEC

#define SAMPLE_SQL                                                                                 \
    "SELECT coalesce(sum(p.bytes_processed), 0)::bigint"                                           \
    "  FROM pg_stat_progress_copy p JOIN pg_stat_activity a USING (pid)"                           \
    " WHERE a.application_name = $1"

struct Sampler {
    Retrieval *retrieval;
    RetrievalSide side;
    Conn *conn;
    GThread *thread;
    GMutex lock;
    GCond stopped;
    bool is_stopping;
};

static bool sampler_wait(Sampler *sampler)
{
    int64_t until_us = g_get_monotonic_time() + SAMPLE_INTERVAL_US;

    g_mutex_lock(&sampler->lock);
    while (!sampler->is_stopping && g_cond_wait_until(&sampler->stopped, &sampler->lock, until_us))
        continue;
    bool goes_on = !sampler->is_stopping;
    g_mutex_unlock(&sampler->lock);
    return goes_on;
}

static Error *sampler_look(Sampler *sampler)
{
    g_autoptr(Rows) rows = NULL;
    json_t *events = NULL;

    TRY(activity_sessions(sampler->conn, SOURCE_APPLICATION, &events));
    retrieval_publish_activity(sampler->retrieval, sampler->side, events);
    if (!version_has(conn_major(sampler->conn), VERSION_HAS_COPY_PROGRESS))
        return NULL;
    TRY(conn_query(sampler->conn, &rows, SAMPLE_SQL, SOURCE_APPLICATION, NULL));
    progress_in_flight(sampler->retrieval->progress, rows_int(rows, 0, 0));
    return NULL;
}

static void *sampler_work(void *data)
{
    Sampler *sampler = data;

    while (sampler_wait(sampler)) {
        g_autoptr(Error) e = sampler_look(sampler);
        if (e) {
            log_debug("no progress inside of tables", "error", e->message);
            break;
        }
    }
    return NULL;
}

static void sampler_free(Sampler *sampler)
{
    conn_close(sampler->conn);
    g_mutex_clear(&sampler->lock);
    g_cond_clear(&sampler->stopped);
    g_free(sampler);
}

static Sampler *sampler_start(const Work *work, RetrievalSide side, Error *connect_error,
                              Conn *conn)
{
    g_autoptr(Error) e = connect_error;

    if (e) {
        log_debug("no progress inside of tables", "error", e->message);
        return NULL;
    }
    Sampler *sampler = g_new0(Sampler, 1);
    sampler->retrieval = work->retrieval;
    sampler->side = side;
    sampler->conn = conn;
    g_mutex_init(&sampler->lock);
    g_cond_init(&sampler->stopped);
    e = thread_start("sampler", sampler_work, sampler, &sampler->thread);
    if (!e)
        return sampler;
    log_debug("no progress inside of tables", "error", e->message);
    sampler_free(sampler);
    return NULL;
}

Sampler *sampler_start_source(const Work *work, const char *dbname)
{
    Conn *conn = NULL;
    Error *e = source_connect(work->source, dbname, &conn);

    return sampler_start(work, RETRIEVAL_SOURCE, e, conn);
}

Sampler *sampler_start_target(const Work *work)
{
    const EngineInstance instance = work_instance(work);
    Conn *conn = NULL;
    Error *e = instance_connect(work->engine, &instance, "postgres", &conn);

    return sampler_start(work, RETRIEVAL_TARGET_SIDE, e, conn);
}

void sampler_stop(Sampler *sampler)
{
    if (!sampler)
        return;
    g_mutex_lock(&sampler->lock);
    sampler->is_stopping = true;
    g_cond_signal(&sampler->stopped);
    g_mutex_unlock(&sampler->lock);
    g_thread_join(sampler->thread);
    retrieval_publish_activity(sampler->retrieval, sampler->side, NULL);
    sampler_free(sampler);
}
