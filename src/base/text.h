/*
 * Numbers, sizes, durations and near misses in text. One checked parser for each.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/* A whole decimal number within [min, max] and nothing around it; ERR_INVALID otherwise. */
MUST_CHECK Error *text_parse_int(const char *text, int64_t min, int64_t max, int64_t *ret_value);

/* "10G", "512 MB", "1gib", "4096": powers of 1024, in any case. ERR_INVALID otherwise (hint). */
MUST_CHECK Error *text_parse_size(const char *text, uint64_t *ret_bytes);

/* "30s", "5m", "1h30m", "2d", "250ms", "0". ERR_INVALID otherwise (hint). */
MUST_CHECK Error *text_parse_duration(const char *text, int64_t *ret_ms);

/* "1.2 GiB", "446 KiB", "0 B": one decimal below 10 units (humanize's IEC form). Caller frees. */
char *text_format_size(uint64_t bytes);

/* A NULL-terminated list as an array of strings. Caller owns the reference. */
json_t *text_list_json(const char *const *texts);

/* The nearest candidate, borrowed; NULL when none is within a third of the word's length. */
const char *text_nearest(const char *word, const char *const *candidates);

/* The end of a long text, at most max_bytes, at a line start where possible. Caller frees. */
char *text_tail(const char *text, size_t max_bytes);

/*
 * False for what would steer a terminal or cannot be seen: controls, marks that turn the direction
 * of writing, separators of lines, characters for private use. Source: Unicode's general categories.
 */
bool text_is_printable(gunichar c);

/*
 * For messages and terminals: bytes of what is not printable, and of what is no UTF-8, become
 * "\x1b"; what is past max_bytes becomes "…". Caller frees.
 */
char *text_printable(const char *text, size_t max_bytes);

/* The same for a text of several lines: line breaks and tabs stay. */
char *text_printable_lines(const char *text, size_t max_bytes);
