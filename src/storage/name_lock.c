/*
 * One set of held names under one mutex. A release wakes all who wait, and they look again.
 */
#include "storage/name_lock.h"

struct NameLocks {
    GMutex mutex;
    GCond released;
    GHashTable *held; /* set of names, owned by their NameLock */
};

struct NameLock {
    NameLocks *locks;
    char *name;
};

NameLocks *name_locks_new(void)
{
    NameLocks *locks = g_new0(NameLocks, 1);

    g_mutex_init(&locks->mutex);
    g_cond_init(&locks->released);
    locks->held = g_hash_table_new(g_str_hash, g_str_equal);
    return locks;
}

void name_locks_free(NameLocks *locks)
{
    if (!locks)
        return;
    g_assert(g_hash_table_size(locks->held) == 0);
    g_hash_table_unref(locks->held);
    g_cond_clear(&locks->released);
    g_mutex_clear(&locks->mutex);
    g_free(locks);
}

NameLock *name_lock_acquire(NameLocks *locks, const char *name)
{
    NameLock *lock = g_new0(NameLock, 1);

    lock->locks = locks;
    lock->name = g_strdup(name);
    g_mutex_lock(&locks->mutex);
    while (g_hash_table_contains(locks->held, name))
        g_cond_wait(&locks->released, &locks->mutex);
    g_hash_table_add(locks->held, lock->name);
    g_mutex_unlock(&locks->mutex);
    return lock;
}

void name_lock_release(NameLock *lock)
{
    if (!lock)
        return;
    g_mutex_lock(&lock->locks->mutex);
    g_hash_table_remove(lock->locks->held, lock->name);
    g_cond_broadcast(&lock->locks->released);
    g_mutex_unlock(&lock->locks->mutex);
    g_free(lock->name);
    g_free(lock);
}
