/*
 * The progress of a refresh in words and as a bar.
 */
#pragma once

#include <jansson.h>

/* From GET /instance/retrieval: "restoring app: 3/10 tables, 1.2 GiB of 4.0 GiB". Caller frees. */
char *progress_words(const json_t *retrieval);

/* The same with a bar and the percentage before it, where the server knows one. Caller frees. */
char *progress_bar(const json_t *retrieval);
