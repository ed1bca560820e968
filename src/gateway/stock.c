/*
 * A stack: last in, first out.
 */
#include "gateway/stock.h"

#define STOCK_SPARE_MAX 8

struct Stock {
    unsigned n_spare;
    Buffer *spare[STOCK_SPARE_MAX];
};

Stock *stock_new(void)
{
    return g_new0(Stock, 1);
}

void stock_free(Stock *stock)
{
    if (!stock)
        return;
    while (stock->n_spare > 0)
        g_free(stock->spare[--stock->n_spare]);
    g_free(stock);
}

Buffer *stock_take(Stock *stock)
{
    Buffer *buffer = stock->n_spare > 0 ? stock->spare[--stock->n_spare] : g_new(Buffer, 1);

    buffer->start = 0;
    buffer->end = 0;
    return buffer;
}

void stock_give(Stock *stock, Buffer *buffer)
{
    if (stock->n_spare < STOCK_SPARE_MAX)
        stock->spare[stock->n_spare++] = buffer;
    else
        g_free(buffer);
}
