/*
 * Replies: JSON in the form that clients know, errors as objects.
 */
#pragma once

#include <jansson.h>

#include "api/http.h"

/*
 * Takes the value: two blanks of indentation, <, > and & escaped in strings. NULL, which is what
 * json_pack() makes of a mistake, becomes a 500: one bad answer ends no server. Whatever was in the
 * reply goes, headers too.
 */
void reply_json_take(Reply *reply, unsigned status, json_t *value);

/* {"status":"OK","message":…} */
void reply_message(Reply *reply, const char *message);

void reply_empty(Reply *reply, unsigned status);

/* One header more, of at most REPLY_HEADERS_MAX. name: constant text; value_take is taken. */
void reply_header_take(Reply *reply, const char *name, char *value_take);

/* A file, sent without being read before; the descriptor is taken, and closed when all is sent. */
void reply_file_take(Reply *reply, unsigned status, const char *content_type, int fd,
                     uint64_t size_bytes);

/* Back to nothing. */
void reply_clear(Reply *reply);

/* The error object {code, message, detail?, hint?} with the status of its code. */
void reply_error(Reply *reply, const Error *e);

/* The same for what has no Error: 404 for an unknown path, 405 for a known one. */
void reply_refusal(Reply *reply, unsigned status, const char *code, const char *message,
                   const char *hint);

/* 503: what is parked or comes late; it is parked no longer. */
void reply_stopping(Reply *reply);

/* 413: over HTTP_BODY_MAX. */
void reply_too_large(Reply *reply);

/* No reply yet: called again after a change, at until_ms of clock_monotonic_ms() at the latest. */
void reply_park(Reply *reply, int64_t until_ms);
