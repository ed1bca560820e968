/*
 * Where and as whom the instances of a server run. Private to this folder.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* Where an instance in a container sees what is its own. */
#define INSTANCE_DATA_DIR   "/var/lib/postgresql/data"
#define INSTANCE_SOCKET_DIR "/run/postgresql"

/* Whose instances, and as whom they run. Borrowed from the front, which outlives the driver. */
typedef struct RuntimePlace {
    const char *state_dir; /* canonical; the identity of this server's instances */
    const char *user;      /* NULL = as we are                                   */
    uid_t uid;             /* of that user                                       */
    gid_t gid;
    bool is_to_look; /* nothing is made */
} RuntimePlace;

/* The server in names that are the whole machine's: 12 hexadecimal digits. Caller frees. */
char *place_mark(const RuntimePlace *place);
