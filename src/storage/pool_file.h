/*
 * The identity of a pool, in <mount>/.ramet/pool.json: what makes a mounted file system one of
 * ours.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct PoolFile {
    char *name;
    char *driver;
    char *instance; /* of the server that it belongs to; "" = of the first that opens it */
    int64_t created_at_ms;
} PoolFile;

void pool_file_clear(PoolFile *file);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(PoolFile, pool_file_clear)

/* JSON text, and back (ERR_INVALID). Caller frees. */
char *pool_file_format(const PoolFile *file);
MUST_CHECK Error *pool_file_parse(const char *text, PoolFile *ret_file);

bool pool_file_exists(const char *mount);

/* Durable when it returns; the directory .ramet must be there. */
MUST_CHECK Error *pool_file_write(const char *mount, const PoolFile *file);

/* ERR_NOT_FOUND no pool there (hint: how to make one); ERR_INVALID. pool_file_clear() frees. */
MUST_CHECK Error *pool_file_read(const char *mount, PoolFile *ret_file);

/* The error that says so. */
MUST_CHECK Error *pool_file_missing(const char *mount);

/* A missing file is success. */
MUST_CHECK Error *pool_file_remove(const char *mount);
