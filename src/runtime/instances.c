/*
 * The table of running instances.
 */
#include "runtime/instances.h"

#include <string.h>

#include "base/fs.h"
#include "base/proc.h"

struct Instances {
    GRecMutex lock;    /* taken once; unlike GMutex it is one that ThreadSanitizer sees */
    GHashTable *by_id; /* id → Instance *, a reference of it */
    GHashTable *ended; /* set of ids that were taken out because they had ended */
};

static void instance_clear(void *data)
{
    Instance *instance = data;

    fs_close_fd(&instance->pidfd);
    g_free(instance->data_dir);
}

void instance_unref(Instance *instance)
{
    g_atomic_rc_box_release_full(instance, instance_clear);
}

static void instances_add(Instances *instances, const char *id, int pidfd, const char *data_dir,
                          const struct RuntimeDriver *driver)
{
    Instance *instance = g_atomic_rc_box_new0(Instance);

    instance->pidfd = pidfd;
    instance->data_dir = g_strdup(data_dir);
    instance->driver = driver;
    g_hash_table_remove(instances->ended, id);
    g_hash_table_insert(instances->by_id, g_strdup(id), instance);
}

/* With the lock held: the living entry or NULL. */
static Instance *instances_find(Instances *instances, const char *id)
{
    Instance *instance = g_hash_table_lookup(instances->by_id, id);

    if (!instance || instance->pidfd < 0 || !proc_has_ended(instance->pidfd))
        return instance;
    g_hash_table_add(instances->ended, g_strdup(id));
    g_hash_table_remove(instances->by_id, id);
    return NULL;
}

Instances *instances_new(void)
{
    Instances *instances = g_new0(Instances, 1);

    g_rec_mutex_init(&instances->lock);
    instances->by_id =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, (GDestroyNotify)instance_unref);
    instances->ended = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    return instances;
}

void instances_free(Instances *instances)
{
    if (!instances)
        return;
    g_hash_table_unref(instances->by_id);
    g_hash_table_unref(instances->ended);
    g_rec_mutex_clear(&instances->lock);
    g_free(instances);
}

bool instances_reserve(Instances *instances, const char *id)
{
    g_autoptr(GRecMutexLocker) locker G_GNUC_UNUSED = g_rec_mutex_locker_new(&instances->lock);

    if (instances_find(instances, id))
        return false;
    instances_add(instances, id, -1, NULL, NULL);
    return true;
}

void instances_set(Instances *instances, const char *id, int pidfd, const char *data_dir,
                   const struct RuntimeDriver *driver)
{
    g_autoptr(GRecMutexLocker) locker G_GNUC_UNUSED = g_rec_mutex_locker_new(&instances->lock);
    const Instance *known = instances_find(instances, id);

    if (known && known->pidfd >= 0)
        fs_close_fd(&pidfd);
    else
        instances_add(instances, id, pidfd, data_dir, driver);
}

void instances_drop(Instances *instances, const char *id)
{
    g_autoptr(GRecMutexLocker) locker G_GNUC_UNUSED = g_rec_mutex_locker_new(&instances->lock);

    g_hash_table_remove(instances->by_id, id);
    g_hash_table_remove(instances->ended, id);
}

Instance *instances_get(Instances *instances, const char *id)
{
    g_autoptr(GRecMutexLocker) locker G_GNUC_UNUSED = g_rec_mutex_locker_new(&instances->lock);
    Instance *instance = instances_find(instances, id);

    return instance && instance->pidfd >= 0 ? g_atomic_rc_box_acquire(instance) : NULL;
}

static int instances_compare_ids(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* With the lock held: takes those that have ended out. */
static void instances_sift(Instances *instances)
{
    GHashTableIter iter;
    void *id, *value;

    g_hash_table_iter_init(&iter, instances->by_id);
    while (g_hash_table_iter_next(&iter, &id, &value)) {
        const Instance *instance = value;

        if (instance->pidfd < 0 || !proc_has_ended(instance->pidfd))
            continue;
        g_hash_table_add(instances->ended, g_strdup(id));
        g_hash_table_iter_remove(&iter);
    }
}

void instances_take_ended(Instances *instances, GHashTable *ids)
{
    g_autoptr(GRecMutexLocker) locker G_GNUC_UNUSED = g_rec_mutex_locker_new(&instances->lock);
    GHashTableIter iter;
    void *id;

    instances_sift(instances);
    g_hash_table_iter_init(&iter, instances->ended);
    while (g_hash_table_iter_next(&iter, &id, NULL))
        g_hash_table_add(ids, g_strdup(id));
    g_hash_table_remove_all(instances->ended);
}

GPtrArray *instances_list(Instances *instances)
{
    g_autoptr(GRecMutexLocker) locker G_GNUC_UNUSED = g_rec_mutex_locker_new(&instances->lock);
    g_autoptr(GPtrArray) ids = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    void *id, *value;

    instances_sift(instances);
    g_hash_table_iter_init(&iter, instances->by_id);
    while (g_hash_table_iter_next(&iter, &id, &value))
        if (((const Instance *)value)->pidfd >= 0)
            g_ptr_array_add(ids, g_strdup(id));
    g_ptr_array_sort(ids, instances_compare_ids);
    return g_steal_pointer(&ids);
}
