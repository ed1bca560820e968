/*
 * Batches of statements.
 */
#include "postgres/batch.h"

typedef struct BatchItem {
    char *what;
    char *sql;
} BatchItem;

struct Batch {
    GPtrArray *items; /* of BatchItem * */
};

typedef struct BatchRun {
    Conn *conn;
    const Batch *batch;
    BatchRefused refused;
    void *data;
} BatchRun;

static void batch_item_free(void *data)
{
    BatchItem *item = data;

    g_free(item->what);
    g_free(item->sql);
    g_free(item);
}

Batch *batch_new(void)
{
    Batch *batch = g_new(Batch, 1);

    batch->items = g_ptr_array_new_with_free_func(batch_item_free);
    return batch;
}

void batch_free(Batch *batch)
{
    if (!batch)
        return;
    g_ptr_array_unref(batch->items);
    g_free(batch);
}

void batch_add_take(Batch *batch, const char *what, char *sql)
{
    BatchItem *item = g_new(BatchItem, 1);

    *item = (BatchItem){g_strdup(what), sql};
    g_ptr_array_add(batch->items, item);
}

int batch_count(const Batch *batch)
{
    return (int)batch->items->len;
}

Error *batch_commit(Conn *conn, const char *statements)
{
    g_autofree char *script =
        g_strconcat("BEGIN; SET LOCAL synchronous_commit = off", statements, ";\nCOMMIT", NULL);
    Error *e = conn_script(conn, script);

    if (e)
        error_free(conn_script(conn, "ROLLBACK")); /* the first error is the one to tell */
    return e;
}

/*
 * What concerns one statement alone, and has an SQLSTATE; anything else would befall the next one as
 * well.
 */
static bool batch_is_refused(const Error *e)
{
    return e->code != ERR_BUSY && e->code != ERR_NO_SPACE && e->code != ERR_TIMEOUT && e->detail &&
           g_str_has_prefix(e->detail, "SQLSTATE");
}

static Error *batch_try(const BatchRun *run, int from, int to)
{
    g_autoptr(GString) script = g_string_new(NULL);

    for (int i = from; i < to; i++)
        g_string_append_printf(script, ";\n%s", ((BatchItem *)run->batch->items->pdata[i])->sql);
    return batch_commit(run->conn, script->str);
}

static Error *batch_run_part(const BatchRun *run, int from, int to)
{
    Error *e = batch_try(run, from, to);

    if (e == NULL || !batch_is_refused(e))
        return e;
    if (to - from == 1) {
        run->refused(((BatchItem *)run->batch->items->pdata[from])->what, e, run->data);
        return NULL;
    }
    error_free(e);
    int middle = from + (to - from) / 2;
    TRY(batch_run_part(run, from, middle));
    return batch_run_part(run, middle, to);
}

Error *batch_run(Conn *conn, const Batch *batch, int at_once, BatchRefused refused, void *data)
{
    const BatchRun run = {conn, batch, refused, data};

    for (int from = 0; from < batch_count(batch); from += at_once)
        TRY(batch_run_part(&run, from, MIN(from + at_once, batch_count(batch))));
    return NULL;
}
