/*
 * What may stand in the connection string of a source. (Connecting is libpq's work, in another
 * folder.)
 */
#pragma once

#include "base/error.h"

/*
 * connection_string_check - refuse a password inside, and several hosts.
 *
 *   text   connection URI or "key=value …" string of libpq
 *
 * Errors: ERR_INVALID with the words of the compatibility contract. None quotes the text, which may
 *         hold the very password that it should not.
 * Source: PostgreSQL manual, 34.1.1 Connection Strings.
 */
MUST_CHECK Error *connection_string_check(const char *text);
