/*
 * Progress: units (tables, indexes) of a phase, those under way, and sums that are kept up to date
 * with each line, so that reading is constant work. A serial tool does not say when a table ends:
 * the next beginning says it.
 */
#include "retrieval/progress.h"

#include <string.h>

#include "base/clock.h"

typedef struct Unit {
    char *key; /* database, kind and name: see unit_key() */
    char *database;
    char *name;
    char *tag;
    ProgressKind kind;
    int64_t bytes;
    bool is_done;
} Unit;

struct Progress {
    GMutex lock;
    const char *phase;
    double from, to; /* the phase's part of the whole  */
    double percent;  /* the highest that was ever told */
    int64_t started_at_ms;
    GHashTable *units; /* key → Unit *                                */
    GQueue under_way;  /* of Unit *, in the order in which they began */
    char *database;
    char *object;
    bool is_parallel;
    int64_t bytes_done, bytes_total, in_flight;
    int64_t tables_done, tables_total;
};

static void unit_free(void *data)
{
    Unit *unit = data;

    g_free(unit->key);
    g_free(unit->database);
    g_free(unit->name);
    g_free(unit->tag);
    g_free(unit);
}

static char *unit_key(const char *database, ProgressKind kind, const char *name)
{
    return g_strdup_printf("%s\n%d\n%s", database, kind, name);
}

static void progress_set_text(char **field, const char *text)
{
    g_free(*field);
    *field = g_strdup(text);
}

/* --- lines --- */

typedef struct LinePattern {
    const char *text;
    bool is_end;
    ProgressKind kind;
} LinePattern;

/* Source: messages of pg_dump and pg_restore 10 … 18 under LC_ALL=C. */
static const LinePattern line_patterns[] = {
    {"dumping contents of table \"", false, PROGRESS_TABLE},
    {"processing data for table \"", false, PROGRESS_TABLE},
    {"creating INDEX \"", false, PROGRESS_INDEX},
    {"creating CONSTRAINT \"", false, PROGRESS_INDEX},
    {" TABLE DATA ", true, PROGRESS_TABLE},
    {" INDEX ", true, PROGRESS_INDEX},
    {" CONSTRAINT ", true, PROGRESS_INDEX},
};

bool progress_parse(const char *line, ProgressEvent *ret_event)
{
    const char *text = strstr(line, ": ");
    if (!text)
        return false;
    text += 2;
    bool is_end = g_str_has_prefix(text, "finished item ");

    for (size_t i = 0; i < G_N_ELEMENTS(line_patterns); i++) {
        const LinePattern *pattern = &line_patterns[i];
        const char *found = strstr(text, pattern->text);
        if (!found || pattern->is_end != is_end || (!is_end && found != text))
            continue;
        const char *name = found + strlen(pattern->text);
        size_t quote = is_end ? 0 : 1; /* the closing one */
        size_t length = strlen(name);
        if (length <= quote)
            return false;
        *ret_event = (ProgressEvent){is_end, pattern->kind, g_strndup(name, length - quote)};
        return true;
    }
    return false;
}

/* --- changes, with the lock held --- */

static void unit_end(Progress *progress, Unit *unit)
{
    g_queue_remove(&progress->under_way, unit);
    if (unit->is_done)
        return;
    unit->is_done = true;
    progress->bytes_done += unit->bytes;
    if (unit->kind == PROGRESS_TABLE)
        progress->tables_done++;
    progress->in_flight = 0; /* counted anew: it may have held this unit's bytes */
}

static void progress_unit_begins(Progress *progress, const ProgressEvent *event)
{
    g_autofree char *key = unit_key(progress->database, event->kind, event->name);
    Unit *unit = g_hash_table_lookup(progress->units, key);

    if (!progress->is_parallel)
        while (!g_queue_is_empty(&progress->under_way))
            unit_end(progress, g_queue_peek_head(&progress->under_way));
    if (!unit || unit->is_done)
        return;
    g_queue_remove(&progress->under_way, unit);
    g_queue_push_tail(&progress->under_way, unit);
    progress_set_text(&progress->object, unit->name);
}

static void progress_unit_ends(Progress *progress, const ProgressEvent *event)
{
    for (GList *node = progress->under_way.head; node; node = node->next) {
        Unit *unit = node->data;
        if (unit->kind == event->kind && g_str_equal(unit->tag, event->name)) {
            unit_end(progress, unit);
            return;
        }
    }
}

static int64_t progress_bytes_under_way(const Progress *progress)
{
    int64_t bytes = 0;

    for (const GList *node = progress->under_way.head; node; node = node->next)
        bytes += ((const Unit *)node->data)->bytes;
    return bytes;
}

static void progress_update_percent(Progress *progress)
{
    int64_t done =
        progress->bytes_done + MIN(progress->in_flight, progress_bytes_under_way(progress));
    double fraction = progress->bytes_total > 0 ? (double)done / (double)progress->bytes_total : 0;
    double percent = progress->from + (progress->to - progress->from) * MIN(fraction, 1.0);

    progress->percent = MAX(progress->percent, percent);
}

static void progress_clear_units(Progress *progress)
{
    g_queue_clear(&progress->under_way);
    g_hash_table_remove_all(progress->units);
    progress_set_text(&progress->database, "");
    progress_set_text(&progress->object, "");
    progress->bytes_done = progress->bytes_total = progress->in_flight = 0;
    progress->tables_done = progress->tables_total = 0;
}

/* --- public --- */

Progress *progress_new(void)
{
    Progress *progress = g_new0(Progress, 1);

    g_mutex_init(&progress->lock);
    g_queue_init(&progress->under_way);
    progress->units = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, unit_free);
    progress_reset(progress);
    return progress;
}

void progress_free(Progress *progress)
{
    if (!progress)
        return;
    g_queue_clear(&progress->under_way);
    g_hash_table_unref(progress->units);
    g_mutex_clear(&progress->lock);
    g_free(progress->database);
    g_free(progress->object);
    g_free(progress);
}

void progress_reset(Progress *progress)
{
    g_mutex_lock(&progress->lock);
    progress_clear_units(progress);
    progress->phase = "";
    progress->from = progress->to = progress->percent = 0;
    progress->started_at_ms = clock_now_ms();
    g_mutex_unlock(&progress->lock);
}

void progress_phase(Progress *progress, const char *text, double from, double to)
{
    g_mutex_lock(&progress->lock);
    progress_clear_units(progress);
    progress->phase = text;
    progress->from = from;
    progress->to = to;
    progress_update_percent(progress);
    g_mutex_unlock(&progress->lock);
}

void progress_expect(Progress *progress, const char *database, ProgressKind kind, const char *name,
                     const char *tag, int64_t bytes)
{
    Unit *unit = g_new(Unit, 1);

    *unit = (Unit){
        .key = unit_key(database, kind, name),
        .database = g_strdup(database),
        .name = g_strdup(name),
        .tag = g_strdup(tag),
        .kind = kind,
        .bytes = bytes,
    };
    g_mutex_lock(&progress->lock);
    if (g_hash_table_replace(progress->units, unit->key, unit)) {
        progress->bytes_total += bytes;
        progress->tables_total += kind == PROGRESS_TABLE;
    }
    g_mutex_unlock(&progress->lock);
}

void progress_begin(Progress *progress, const char *database, bool is_parallel)
{
    g_mutex_lock(&progress->lock);
    progress_set_text(&progress->database, database);
    progress_set_text(&progress->object, "");
    progress->is_parallel = is_parallel;
    g_mutex_unlock(&progress->lock);
}

void progress_end(Progress *progress)
{
    GHashTableIter iter;
    void *unit;

    g_mutex_lock(&progress->lock);
    g_hash_table_iter_init(&iter, progress->units);
    while (g_hash_table_iter_next(&iter, NULL, &unit))
        if (g_str_equal(((Unit *)unit)->database, progress->database))
            unit_end(progress, unit);
    progress_update_percent(progress);
    progress_set_text(&progress->database, "");
    progress_set_text(&progress->object, "");
    g_mutex_unlock(&progress->lock);
}

void progress_line(Progress *progress, const char *line)
{
    ProgressEvent event;

    if (!progress_parse(line, &event))
        return;
    g_mutex_lock(&progress->lock);
    if (event.is_end)
        progress_unit_ends(progress, &event);
    else
        progress_unit_begins(progress, &event);
    progress_update_percent(progress);
    g_mutex_unlock(&progress->lock);
    g_free(event.name);
}

void progress_in_flight(Progress *progress, int64_t bytes)
{
    g_mutex_lock(&progress->lock);
    progress->in_flight = bytes;
    progress_update_percent(progress);
    g_mutex_unlock(&progress->lock);
}

void progress_read(Progress *progress, RetrievalProgress *ret)
{
    g_mutex_lock(&progress->lock);
    *ret = (RetrievalProgress){
        .phase = g_strdup(progress->phase),
        .database = g_strdup(progress->database),
        .object = g_strdup(progress->object),
        .percent = progress->percent,
        .bytes_done =
            progress->bytes_done + MIN(progress->in_flight, progress_bytes_under_way(progress)),
        .bytes_total = progress->bytes_total,
        .tables_done = progress->tables_done,
        .tables_total = progress->tables_total,
        .started_at_ms = progress->started_at_ms,
    };
    g_mutex_unlock(&progress->lock);
}

void progress_clear(RetrievalProgress *numbers)
{
    g_clear_pointer(&numbers->phase, g_free);
    g_clear_pointer(&numbers->database, g_free);
    g_clear_pointer(&numbers->object, g_free);
}
