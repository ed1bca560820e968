/*
 * Marks: who is making a volume or snapshot that is not finished. Nothing is destroyed on the word of
 * a journal alone, as that may be of yesterday: an undo destroys what carries the mark of its own
 * operation. The mark is made before the thing and taken away when somebody was told that it is there.
 *
 * A mark is a symbolic link in the pool's .ramet that leads to the maker's name: one call of the
 * kernel, no space, whole or not there at all.
 */
#pragma once

#include "storage/storage.h"

typedef enum StorageKind {
    STORAGE_VOLUME,
    STORAGE_SNAPSHOT,
} StorageKind;

/* Before it is made. maker: uid of the operation. A mark that is there already is replaced. */
MUST_CHECK Error *storage_mark(Pool *pool, StorageKind kind, const char *name, const char *maker);

/* It is finished. A missing mark is success. */
MUST_CHECK Error *storage_unmark(Pool *pool, StorageKind kind, const char *name);

/* Is it there, whole, and nobody's who is still making it? */
bool storage_is_finished(Pool *pool, StorageKind kind, const char *name);

/*
 * storage_unmake - destroy what this maker has not finished.
 *
 *   ret_is_kept   true: it is finished, or another's, and was left as it is
 *
 * Safe to repeat; nothing there is success. Errors: those of storage_destroy_volume().
 */
MUST_CHECK Error *storage_unmake(Pool *pool, StorageKind kind, const char *name, const char *maker,
                                 bool *ret_is_kept);

/*
 * Takes away the marks of makers that are no more, as a kill between the end and the unmarking leaves
 * them. is_alive() is asked for each.
 */
MUST_CHECK Error *storage_sweep_marks(Pool *pool, bool (*is_alive)(const char *maker, void *data),
                                      void *data);

/* For destroying a pool: all of them. */
MUST_CHECK Error *marks_remove_all(const char *mount);
