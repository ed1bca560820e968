/*
 * Makes the verbs on one name take turns, so that "exists" stays true while a volume is made or
 * destroyed. Different names do not wait for each other. Who locks two names locks a volume's
 * before a snapshot's.
 */
#pragma once

#include <glib.h>

typedef struct NameLocks NameLocks;
typedef struct NameLock NameLock;

NameLocks *name_locks_new(void);
void name_locks_free(NameLocks *locks); /* none may be held */

/* Waits until nobody else holds the name. locks must outlive the lock; the name is copied. */
NameLock *name_lock_acquire(NameLocks *locks, const char *name);
void name_lock_release(NameLock *lock);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(NameLock, name_lock_release)
