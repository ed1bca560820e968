/*
 * Replies.
 */
#include "api/reply.h"

#include <string.h>
#include <unistd.h>

#define CONTENT_JSON "application/json; charset=utf-8"
#define REAL_DIGITS  15 /* what a double surely holds: with 17, 0.197 is 0.19700000000000001 */

typedef struct ReplyCode {
    ErrorCode error;
    unsigned status;
    const char *code;
} ReplyCode;

/*
 * The contract knows four codes; clients branch on NOT_FOUND alone. ERR_DENIED is PostgreSQL's or
 * the kernel's word about us: 401 would tell the client that its token is wrong.
 */
static const ReplyCode reply_codes[] = {
    {ERR_INVALID, 400, "BAD_REQUEST"},    {ERR_DENIED, 500, "INTERNAL_ERROR"},
    {ERR_NOT_FOUND, 404, "NOT_FOUND"},    {ERR_CONFLICT, 400, "BAD_REQUEST"},
    {ERR_BUSY, 503, "INTERNAL_ERROR"},    {ERR_NO_SPACE, 507, "INTERNAL_ERROR"},
    {ERR_TIMEOUT, 504, "INTERNAL_ERROR"}, {ERR_EXTERNAL, 500, "INTERNAL_ERROR"},
    {ERR_BUG, 500, "INTERNAL_ERROR"},
};

/* These three occur in JSON inside strings only, so the text as a whole can be escaped. Caller frees. */
static char *reply_escape_html(const char *json)
{
    GString *text = g_string_new(json);

    if (!strpbrk(json, "<>&"))
        return g_string_free(text, FALSE);
    g_string_replace(text, "<", "\\u003c", 0);
    g_string_replace(text, ">", "\\u003e", 0);
    g_string_replace(text, "&", "\\u0026", 0);
    return g_string_free(text, FALSE);
}

void reply_header_take(Reply *reply, const char *name, char *value_take)
{
    size_t n = 0;

    while (reply->headers[n].name)
        n++;
    g_assert(n < REPLY_HEADERS_MAX - 1); /* the last is the end */
    reply->headers[n] = (ReplyHeader){name, value_take};
}

void reply_file_take(Reply *reply, unsigned status, const char *content_type, int fd,
                     uint64_t size_bytes)
{
    reply_clear(reply);
    reply->status = status;
    reply->file = fd;
    reply->file_size = size_bytes;
    reply_header_take(reply, "Content-Type", g_strdup(content_type));
    if (size_bytes == 0)
        close(fd);
}

void reply_clear(Reply *reply)
{
    if (reply->bytes)
        g_bytes_unref(reply->bytes);
    if (reply->file_size > 0)
        close(reply->file);
    for (ReplyHeader *header = reply->headers; header->name; header++)
        g_free(header->value);
    *reply = (Reply){0};
}

void reply_json_take(Reply *reply, unsigned status, json_t *value)
{
    g_autofree char *text =
        json_dumps(value, JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(REAL_DIGITS));

    if (!text) {
        reply_refusal(reply, 500, "INTERNAL_ERROR", "the answer could not be written as JSON",
                      "This is a fault of the server: please report the request.");
        return;
    }
    char *escaped = reply_escape_html(text);

    reply_clear(reply);
    reply->status = status;
    reply->bytes = g_bytes_new_take(escaped, strlen(escaped));
    reply_header_take(reply, "Content-Type", g_strdup(CONTENT_JSON));
    json_decref(value);
}

void reply_message(Reply *reply, const char *message)
{
    reply_json_take(reply, 200, json_pack("{ssss}", "status", "OK", "message", message));
}

void reply_empty(Reply *reply, unsigned status)
{
    reply->status = status;
}

static void reply_set_text(json_t *object, const char *key, const char *text)
{
    if (!text)
        return;
    g_autofree char *valid = g_utf8_make_valid(text, -1);
    json_object_set_new(object, key, json_string(valid));
}

void reply_refusal(Reply *reply, unsigned status, const char *code, const char *message,
                   const char *hint)
{
    json_t *object = json_object();

    reply_set_text(object, "code", code);
    reply_set_text(object, "message", message);
    reply_set_text(object, "hint", hint);
    reply_json_take(reply, status, object);
}

void reply_stopping(Reply *reply)
{
    reply->is_parked = false;
    reply_refusal(reply, 503, "INTERNAL_ERROR", "the server is stopping",
                  "Ask again when it is back: what was accepted goes on.");
}

void reply_too_large(Reply *reply)
{
    reply_refusal(reply, 413, "BAD_REQUEST", "the request body is larger than 1 MiB",
                  "Send less: names, settings and a message fit into a few KiB.");
}

void reply_error(Reply *reply, const Error *e)
{
    const ReplyCode *known = &reply_codes[G_N_ELEMENTS(reply_codes) - 1];
    json_t *object = json_object();

    for (size_t i = 0; i < G_N_ELEMENTS(reply_codes); i++)
        if (reply_codes[i].error == e->code)
            known = &reply_codes[i];
    reply_set_text(object, "code", known->code);
    reply_set_text(object, "message", e->message);
    reply_set_text(object, "detail", e->detail);
    reply_set_text(object, "hint", e->hint);
    reply_json_take(reply, known->status, object);
}

void reply_park(Reply *reply, int64_t until_ms)
{
    reply->is_parked = true;
    reply->parked_until_ms = until_ms;
}
