/*
 * A runtime over a directory of its own, and a shell script that stands in for postgres.
 */
#pragma once

#include "runtime/runtime.h"

#define STOP_MS 10000

typedef struct Kind {
    const char *driver;
    const char *data_dir; /* as an instance sees it; NULL = as we do */
    const char *socket_dir;
    bool is_isolated; /* what an instance has started ends with it */
} Kind;

extern const char fake_postgres[];
extern const Kind process_kind;
extern const Kind oci_kind;

typedef struct Fixture {
    const Kind *kind;
    char *dir;
    char *state_dir;
    char *bin_dir;
    char *data_dir;
    const char *user; /* unprivileged: PostgreSQL's, or ourselves */
    Runtime *runtime;
} Fixture;

void assert_ok(Error *e);
/* The error has this code and a message that ends so; it is freed. */
void assert_error(Error *e, ErrorCode code, const char *end);
void assert_hinted(Error *e, ErrorCode code, const char *end);
Error *open_runtime(const Fixture *f, Runtime **ret_runtime);
void reopen(Fixture *f);
char *make_dir(const Fixture *f, const char *name, const char *user);
void set_up(Fixture *f, const void *kind);
void tear_down(Fixture *f, const void *kind);
Error *start(Fixture *f, const char *id, const char *setting);
/* Started for the first time, and its traps are set. */
void start_ready(Fixture *f, const char *id, const char *setting);
void assert_list(Fixture *f, const char *expected);
/* Counts the processes that work in the data directory. */
int count_workers(const Fixture *f);
