/*
 * A pool that runs full stops the clones that live in it, so it is not filled to its end: what only
 * the reserve would pay for is refused, and before that the operator is warned.
 */
#include "engine/pool/space.h"

#include "base/log.h"
#include "base/text.h"
#include "engine/clone/clone.h"
#include "engine/pool/gauge.h"
#include "store/clone.h"

#define SPACE_HOLDERS_SHOWN 3
#define SPACE_PERCENT       100

struct SpaceWatch {
    Engine *engine;
    GMutex lock;
    GHashTable *levels; /* pool → SpaceLevel that was told */
};

/* --- levels --- */

const char *space_level_name(SpaceLevel level)
{
    static const char *const names[] = {"OK", "WARNING", "ALARM"};

    return names[level];
}

uint64_t space_reserve_bytes(const Config *config, const SpaceUsage *usage)
{
    return usage->size_bytes / SPACE_PERCENT * (uint64_t)config->pool_manager.reserve_percent;
}

static bool space_has_reached(const SpaceUsage *usage, int64_t percent)
{
    uint64_t taken = usage->size_bytes - MIN(usage->size_bytes, usage->free_bytes);

    return taken / (uint64_t)percent >= usage->size_bytes / SPACE_PERCENT;
}

SpaceLevel space_level(const Config *config, const SpaceUsage *usage)
{
    if (usage->size_bytes == 0)
        return SPACE_OK;
    if (usage->free_bytes < space_reserve_bytes(config, usage) ||
        space_has_reached(usage, config->pool_manager.alarm_percent))
        return SPACE_ALARM;
    return space_has_reached(usage, config->pool_manager.warn_percent) ? SPACE_WARNING : SPACE_OK;
}

/* --- who holds it --- */

typedef struct SpaceHolder {
    const char *id;
    uint64_t bytes;
} SpaceHolder;

static int space_by_size(const void *a, const void *b)
{
    const SpaceHolder *left = a, *right = b;

    return left->bytes < right->bytes ? 1 : left->bytes > right->bytes ? -1 : 0;
}

static GArray *space_holders(Engine *engine, const char *pool, const GPtrArray *clones)
{
    GArray *holders = g_array_new(FALSE, FALSE, sizeof(SpaceHolder));

    for (unsigned i = 0; i < clones->len; i++) {
        const Clone *clone = clones->pdata[i];
        const SpaceHolder holder = {clone->id, gauge_clone_bytes(engine->gauge, clone, NULL)};

        if (g_str_equal(clone->pool, pool))
            g_array_append_val(holders, holder);
    }
    g_array_sort(holders, space_by_size);
    return holders;
}

/* "Of it, clones hold 3.1 GiB (\"a\" 2.0 GiB, \"b\" 1.0 GiB, 7 others)." Caller frees. */
static char *space_describe_holders(const GArray *holders)
{
    g_autoptr(GString) text = g_string_new(NULL);
    uint64_t sum = 0;

    for (unsigned i = 0; i < holders->len; i++) {
        const SpaceHolder *holder = &g_array_index(holders, SpaceHolder, i);
        g_autofree char *size = text_format_size(holder->bytes);

        sum += holder->bytes;
        if (i < SPACE_HOLDERS_SHOWN && holder->bytes > 0)
            g_string_append_printf(text, "%s\"%s\" %s", text->len ? ", " : "", holder->id, size);
    }
    if (sum == 0)
        return g_strdup("");
    if (holders->len > SPACE_HOLDERS_SHOWN)
        g_string_append_printf(text, ", and %u more", holders->len - SPACE_HOLDERS_SHOWN);

    g_autofree char *total = text_format_size(sum);

    return g_strdup_printf("Clones hold %s of it: %s. ", total, text->str);
}

/* A hint is worth no failure of its own: what is unknown is left out. */
static char *space_hint(Engine *engine, const char *pool)
{
    g_autoptr(GPtrArray) clones = NULL;
    g_autoptr(GArray) holders = NULL;
    g_autofree char *text = NULL;

    error_free(store_list_clones(engine->store, &clones));
    if (clones) {
        holders = space_holders(engine, pool, clones);
        text = space_describe_holders(holders);
    }
    return g_strdup_printf("%sDestroy clones and snapshots that nobody needs, or make the pool "
                           "larger.",
                           text ? text : "");
}

/* --- the check --- */

Error *space_check(Engine *engine, Pool *pool, uint64_t needed_bytes)
{
    SpaceUsage usage;

    TRY(storage_usage(pool, &usage));

    g_autoptr(Config) config = engine_config(engine);
    uint64_t reserve = space_reserve_bytes(config, &usage);
    const char *name = storage_pool_name(pool);

    if (usage.free_bytes >= needed_bytes && usage.free_bytes - needed_bytes >= reserve)
        return NULL;

    g_autofree char *free_text = text_format_size(usage.free_bytes);
    g_autofree char *size_text = text_format_size(usage.size_bytes);
    g_autofree char *reserve_text = text_format_size(reserve);
    g_autofree char *needed_text = text_format_size(needed_bytes);
    g_autofree char *hint = space_hint(engine, name);
    Error *e =
        needed_bytes > 0
            ? error_new(ERR_NO_SPACE,
                        "pool \"%s\" has %s free of %s, of which %s are its reserve, but %s "
                        "are needed",
                        name, free_text, size_text, reserve_text, needed_text)
            : error_new(ERR_NO_SPACE, "pool \"%s\" is full: %s free of %s, and %s are its reserve",
                        name, free_text, size_text, reserve_text);

    return error_hint(e, "%s", hint);
}

/* --- the watch --- */

static void watch_tell(SpaceWatch *watch, const char *pool, SpaceLevel level, const SpaceUsage *now)
{
    g_autofree char *free_text = text_format_size(now->free_bytes);
    g_autofree char *size_text = text_format_size(now->size_bytes);
    g_autofree char *hint = level == SPACE_OK ? NULL : space_hint(watch->engine, pool);

    if (level == SPACE_OK)
        log_info("pool has space again", "pool", pool, "free", free_text, "size", size_text);
    else
        log_line(level == SPACE_ALARM ? LOG_LEVEL_ERROR : LOG_LEVEL_WARN, "pool runs full", "pool",
                 pool, "level", space_level_name(level), "free", free_text, "size", size_text,
                 "hint", hint, NULL);
}

SpaceWatch *space_watch_new(Engine *engine)
{
    SpaceWatch *watch = g_new0(SpaceWatch, 1);

    watch->engine = engine;
    watch->levels = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_mutex_init(&watch->lock);
    return watch;
}

void space_watch_free(SpaceWatch *watch)
{
    if (!watch)
        return;
    g_hash_table_unref(watch->levels);
    g_mutex_clear(&watch->lock);
    g_free(watch);
}

void space_watch_note(SpaceWatch *watch, const char *pool, const SpaceUsage *usage)
{
    g_autoptr(Config) config = engine_config(watch->engine);
    SpaceLevel level = space_level(config, usage);

    g_mutex_lock(&watch->lock);
    bool is_news = GPOINTER_TO_UINT(g_hash_table_lookup(watch->levels, pool)) != level;
    if (is_news)
        g_hash_table_insert(watch->levels, g_strdup(pool), GUINT_TO_POINTER(level));
    g_mutex_unlock(&watch->lock);
    if (is_news)
        watch_tell(watch, pool, level, usage);
}
