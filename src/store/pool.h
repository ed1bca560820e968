/*
 * Pools that were made by Ramet: where their bytes are, so that they can be mounted again.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "store/store.h"

typedef struct PoolRow {
    char *name;   /* directory under poolManager.mountDir */
    char *driver; /* "btrfs", "reflink" */
    char *image;  /* image file or block device; "" = a mount made by somebody else */
    int64_t created_at_ms;
} PoolRow;

void pool_row_free(PoolRow *row);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PoolRow, pool_row_free)

/* ERR_CONFLICT `pool "p" already exists`. */
MUST_CHECK Error *store_insert_pool(Store *store, const PoolRow *row);

/* A missing row is success. */
MUST_CHECK Error *store_delete_pool(Store *store, const char *name);

/* The row, and all that is on record in the pool: for one that is gone for good. */
MUST_CHECK Error *store_forget_pool(Store *store, const char *name);

/* By name order: GPtrArray of PoolRow *; caller unrefs. */
MUST_CHECK Error *store_list_pools(Store *store, GPtrArray **ret_rows);
