/*
 * What a user of a clone waits for: a connection over TCP with a password, and SELECT 1.
 */
#pragma once

#include <stdint.h>

#define BENCH_USER     "bench_user"
#define BENCH_PASSWORD "bench-Password-1"

typedef struct FirstQuery {
    double connect_ms;
    double query_ms;
} FirstQuery;

/* Ends the program with a message when it does not work. */
FirstQuery first_query(int64_t port, const char *dbname);
