/*
 * The manifest: a small JSON file in each volume and snapshot, beside (not inside) the data
 * directory. It is written before the snapshot is taken, so each snapshot carries its own truth,
 * and the store can be rebuilt from the pools alone.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

typedef struct Manifest {
    char *uid;  /* of the clone, snapshot or golden volume that this is */
    char *kind; /* "golden", "clone", "snapshot" */
    char *id;   /* public id; "" for golden */
    char *pool;
    char *branch;
    char *parent; /* uid of the snapshot it was made from; "" */
    char *message;
    char *owner; /* database user of a clone; "" */
    int64_t pg_major;
    int64_t data_state_at_ms;
    int64_t created_at_ms;
} Manifest;

void manifest_free(Manifest *manifest);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Manifest, manifest_free)

/* JSON text, and back (ERR_INVALID with what is wrong). Caller frees. Unset strings are "". */
char *manifest_format(const Manifest *manifest);
MUST_CHECK Error *manifest_parse(const char *text, Manifest **ret_manifest);
