/*
 * The table of running instances: id → pidfd and data directory. Safe for threads; what has ended
 * is dropped when it is seen. Private to this folder.
 */
#pragma once

#include <glib.h>
#include <stdbool.h>

struct RuntimeDriver;

typedef struct Instances Instances;

/* Never changed after it is made, so whoever holds a reference reads it without a lock. */
typedef struct Instance {
    int pidfd; /* of its first process; -1 = being started */
    char *data_dir;
    const struct RuntimeDriver *driver; /* that runs it, which is that of an earlier server maybe */
} Instance;

void instance_unref(Instance *instance);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Instance, instance_unref)

Instances *instances_new(void);
void instances_free(Instances *instances);

/* Takes the id for one that is about to be started; false when it runs, or is being started. */
bool instances_reserve(Instances *instances, const char *id);

/* What was reserved, or found running. Takes the pidfd; a known instance is kept as it is. */
void instances_set(Instances *instances, const char *id, int pidfd, const char *data_dir,
                   const struct RuntimeDriver *driver);

/* Adds the ids of those that have ended since the last call to a set, which takes copies. */
void instances_take_ended(Instances *instances, GHashTable *ids);

/* Gives a reserved id back; one that has ended is not told of. */
void instances_drop(Instances *instances, const char *id);

/* The running instance, or NULL when it does not run. Caller unrefs. */
Instance *instances_get(Instances *instances, const char *id);

/* Ids of those that run, sorted: GPtrArray of char *; caller unrefs. */
GPtrArray *instances_list(Instances *instances);
