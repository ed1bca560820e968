/*
 * The files of an open store: are they still the ones that were opened? SQLite goes on with files that
 * were deleted or replaced, and what is committed then ends with the process.
 */
#pragma once

#include <sys/types.h>

#include "base/error.h"

typedef struct StoreFiles {
    struct {
        dev_t device;
        ino_t inode; /* 0 = was not there */
    } marks[3];      /* ramet.db, ramet.db-wal, ramet.db-shm */
} StoreFiles;

typedef enum FilesState {
    FILES_SAME,
    FILES_LOST,     /* one of them is gone, or another lies in the place of -wal or -shm */
    FILES_REPLACED, /* another ramet.db is in its place                                 */
} FilesState;

void files_note(StoreFiles *files, const char *path);

/* Cost: three stat(2). What was not there before, and is now, is noted. */
FilesState files_look(StoreFiles *files, const char *path);

/* Takes our -wal and -shm away from another ramet.db: SQLite would read them into it. */
void files_withdraw(const StoreFiles *files, const char *path);

/* Room for the -wal beyond its end: commits then need none of a disk that is full. Best effort. */
void files_preallocate(const char *path);

/*
 * files_put - the complete database at `saved` takes the place of `path`, durably, without a -wal.
 */
MUST_CHECK Error *files_put(const char *saved, const char *path);
