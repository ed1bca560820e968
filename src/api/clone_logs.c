/*
 * The log of a clone's PostgreSQL. Whoever follows it asks again with the offset that he was given,
 * and waits parked until there is more: the log is looked at a few times a second, which costs a
 * system call or two and no thread.
 */
#include "api/fields.h"
#include "api/reply.h"
#include "api/routes.h"
#include "api/views.h"
#include "base/clock.h"
#include "store/clone.h"

#define LOGS_TAIL_DEFAULT 200
#define LOGS_TAIL_MAX     10000
#define LOGS_WAIT_MAX_S   60
#define LOGS_LOOK_MS      250

typedef struct LogsRequest {
    int64_t tail; /* lines */
    int64_t after;
    int64_t wait_s;
} LogsRequest;

static Error *logs_read_request(const Request *request, LogsRequest *ret_request)
{
    ret_request->tail = LOGS_TAIL_DEFAULT;
    ret_request->after = -1;
    TRY(fields_query(request, "after", 0, INT64_MAX, &ret_request->after));
    TRY(fields_query(request, "tail", ret_request->after < 0 ? 0 : 1, LOGS_TAIL_MAX,
                     &ret_request->tail));
    TRY(fields_query(request, "wait", 0, LOGS_WAIT_MAX_S, &ret_request->wait_s));
    if (ret_request->wait_s > 0 && ret_request->after < 0)
        return error_hint(error_new(ERR_INVALID, "wait: there is no \"after\""),
                          "Give \"next\" of the answer before as \"after\".");
    return NULL;
}

/* One that was not started yet has no log: no lines. */
static Error *logs_read(Api *api, const Clone *clone, const LogsRequest *wanted, LogPage *page)
{
    const LogQuery query = {.after = wanted->after, .max_lines = (unsigned)wanted->tail};
    Error *e = runtime_read_log(api->engine->runtime, clone->uid, &query, page);

    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    page->lines = g_ptr_array_new();
    return NULL;
}

static json_t *logs_view(const LogPage *page)
{
    json_t *lines = json_array();

    for (unsigned i = 0; i < page->lines->len; i++)
        json_array_append_new(lines, view_text(page->lines->pdata[i]));
    return json_pack("{sosIsI}", "lines", lines, "next", (json_int_t)page->next_offset, "skipped",
                     (json_int_t)page->skipped_bytes);
}

Error *handle_clone_logs(Api *api, Request *request, Reply *reply)
{
    LogsRequest wanted = {0};
    g_autoptr(Clone) clone = NULL;
    g_auto(LogPage) page = {0};

    TRY(logs_read_request(request, &wanted));

    int64_t deadline_ms = request->began_ms + wanted.wait_s * 1000;
    int64_t now_ms = clock_monotonic_ms();
    Error *e = store_get_clone(api->engine->store, request->id, &clone);

    if (e)
        return error_hint(e, "\"ramet clone list\" shows what there is.");
    TRY(logs_read(api, clone, &wanted, &page));
    if (page.lines->len == 0 && now_ms < deadline_ms)
        reply_park(reply, MIN(deadline_ms, now_ms + LOGS_LOOK_MS));
    else
        reply_json_take(reply, 200, logs_view(&page));
    return NULL;
}
