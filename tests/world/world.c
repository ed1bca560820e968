/*
 * Sets of names, and what changes them.
 */
#include "world_private.h"

#include "base/clock.h"
#include "base/effect.h"
#include "base/fs.h"
#include "base/outside.h"
#include "plan.h"

WorldTables world;

void (*world_meanwhile)(void);
bool world_checkpointer_is_stopped;
int64_t world_checkpoint_ms;

void world_set(GHashTable *table, const char *key, const char *value)
{
    g_mutex_lock(&world.lock);
    if (value)
        g_hash_table_insert(table, g_strdup(key), g_strdup(value));
    else
        g_hash_table_remove(table, key);
    g_mutex_unlock(&world.lock);
}

char *world_get(GHashTable *table, const char *key)
{
    g_mutex_lock(&world.lock);
    char *value = g_strdup(g_hash_table_lookup(table, key));
    g_mutex_unlock(&world.lock);
    return value;
}

bool world_has(GHashTable *table, const char *key)
{
    g_autofree char *value = world_get(table, key);

    return value != NULL;
}

Error *world_change_as(const char *what, GHashTable *table, const char *key, const char *value)
{
    outside_call(what);
    TRY(plan_before(what));
    world_set(table, key, value);
    return plan_after();
}

Error *world_touch_as(const char *what)
{
    outside_call(what);
    TRY(plan_before(what));
    return plan_after();
}

bool world_runs_on(const char *volume)
{
    GHashTableIter iter;
    void *data_dir;
    bool runs = false;

    g_mutex_lock(&world.lock);
    g_hash_table_iter_init(&iter, world.instances);
    while (!runs && g_hash_table_iter_next(&iter, NULL, &data_dir))
        runs = g_str_equal(data_dir, volume);
    g_mutex_unlock(&world.lock);
    return runs;
}

/* --- for the test --- */

void world_open(void)
{
    GHashTable **tables[] = {&world.volumes, &world.snapshots,   &world.instances, &world.doors,
                             &world.ports,   &world.directories, &world.marks,     &world.broken};

    for (size_t i = 0; i < G_N_ELEMENTS(tables); i++)
        *tables[i] = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    world.dir = g_dir_make_tmp("ramet-world-XXXXXX", NULL);
    world.is_atomic = world.ports_are_taken = world_checkpointer_is_stopped = false;
    world.n_failed_starts = 0;
    world_meanwhile = NULL;
    effect_hook = plan_before_write;
}

void world_close(void)
{
    effect_hook = NULL;
    g_hash_table_unref(world.volumes);
    g_hash_table_unref(world.snapshots);
    g_hash_table_unref(world.instances);
    g_hash_table_unref(world.doors);
    g_hash_table_unref(world.ports);
    g_hash_table_unref(world.directories);
    g_hash_table_unref(world.marks);
    g_hash_table_unref(world.broken);
    error_free(fs_remove_tree(world.dir));
    g_free(world.dir);
}

int world_stops(void)
{
    g_mutex_lock(&world.lock);
    int count = world.n_stops;
    g_mutex_unlock(&world.lock);
    return count;
}

void world_count_stops(void)
{
    g_mutex_lock(&world.lock);
    world.n_stops = 0;
    g_mutex_unlock(&world.lock);
}

void world_add_snapshot(const char *uid)
{
    world_set(world.snapshots, uid, "golden");
}

void world_remove_snapshot(const char *uid)
{
    world_set(world.snapshots, uid, NULL);
}

bool world_has_volume(const char *name)
{
    return world_has(world.volumes, name);
}

void world_stop_instances(void)
{
    g_mutex_lock(&world.lock);
    g_hash_table_remove_all(world.instances);
    g_mutex_unlock(&world.lock);
}

void world_break(void)
{
    GHashTableIter iter;
    void *volume;

    g_mutex_lock(&world.lock);
    g_hash_table_iter_init(&iter, world.volumes);
    while (g_hash_table_iter_next(&iter, &volume, NULL))
        g_hash_table_insert(world.broken, g_strdup(volume), NULL);
    g_mutex_unlock(&world.lock);
}

void world_take_ports(void)
{
    g_mutex_lock(&world.lock);
    g_hash_table_remove_all(world.doors);
    world.ports_are_taken = true;
    g_mutex_unlock(&world.lock);
}

void world_free_ports(void)
{
    world.ports_are_taken = false;
}

void world_take_snapshots_at_once(bool can)
{
    world.is_atomic = can;
}

int world_failed_starts(void)
{
    g_mutex_lock(&world.lock);
    int count = world.n_failed_starts;
    g_mutex_unlock(&world.lock);
    return count;
}

char *world_instance_data(const char *id)
{
    return world_get(world.instances, id);
}

char *world_door(const char *id)
{
    return world_get(world.doors, id);
}

/* --- the clock --- */

int64_t __wrap_clock_now_ms(void);

/* Stamps are of seconds, and runs of milliseconds: a second passes with each look. */
int64_t __wrap_clock_now_ms(void)
{
    static int64_t now_ms;

    g_mutex_lock(&world.lock);
    if (now_ms == 0)
        now_ms = g_get_real_time() / 1000;
    int64_t answer_ms = now_ms += 1000;
    g_mutex_unlock(&world.lock);
    return answer_ms;
}
