/*
 * A message to the gateway: one JSON object. Reading it is a pure function: tested and fuzzed.
 */
#pragma once

#include <jansson.h>
#include <stddef.h>

#include "base/error.h"
#include "gateway/clone.h"

typedef enum RequestVerb {
    REQUEST_HELLO,
    REQUEST_ADD,
    REQUEST_REMOVE,
    REQUEST_HOLD,
    REQUEST_RELEASE,
    REQUEST_LIST,
    REQUEST_QUIT,
    REQUEST_N_VERBS
} RequestVerb;

typedef struct Request {
    RequestVerb verb;
    const char *id;     /* of remove, hold and release                       */
    GatewayClone clone; /* of add                                            */
    int64_t timeout_ms; /* of hold                                           */
    const char *after;  /* of list: go on behind this id; "" = at the begin  */
    json_t *root;       /* owned: the words above are its                    */
} Request;

void request_clear(Request *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Request, request_clear)

/*
 * request_read - read and check a message. Members that it does not know are for a later version,
 * and nothing to it.
 *
 *   ret_request   clear with request_clear()
 *
 * Errors: ERR_INVALID no JSON object, an unknown "op", a member that is missing or out of bounds.
 */
MUST_CHECK Error *request_read(const char *text, size_t length, Request *ret_request);

/* {"ok": true} or {"error": {"code", "message", "detail", "hint"}}. Caller owns the reference. */
json_t *reply_new(void);
json_t *reply_failure(const Error *e);

/* What a reply says: NULL for success, or its error. ERR_EXTERNAL when it makes no sense. */
MUST_CHECK Error *reply_check(const json_t *reply);
