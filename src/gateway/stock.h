/*
 * Buffers for bytes under way. A connection has one only while the other side does not take what
 * was read; all others share the one that was used last, which the processor still holds in its
 * cache. So idle connections own no buffer.
 */
#pragma once

#include <glib.h>
#include <stddef.h>

#define STOCK_BUFFER_BYTES 131072

typedef struct Buffer {
    size_t start; /* the bytes from start to end wait to be written */
    size_t end;
    char bytes[STOCK_BUFFER_BYTES];
} Buffer;

typedef struct Stock Stock;

Stock *stock_new(void);
void stock_free(Stock *stock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Stock, stock_free)

/* A buffer with nothing in it: the one that was given back last, or a new one. */
Buffer *stock_take(Stock *stock);

/* Gives a buffer back; beyond a few it is freed. */
void stock_give(Stock *stock, Buffer *buffer);
