/*
 * Room on the disk of the state directory: a file that holds some of it, and is given up when all
 * else is taken, so that ends can be committed and a server can start.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

typedef struct Room {
    char *path; /* of the reserve */
    bool is_held;
    uint64_t free_bytes; /* at the last look */
} Room;

void room_open(Room *room, const char *state_dir);
void room_close(Room *room); /* the file stays */

/* Gives the reserve up, or takes it again when there is room. Cost: one statvfs(3). */
void room_look(Room *room);

/* For what begins something new: ERR_NO_SPACE while there is no room for the reserve (hint). */
MUST_CHECK Error *room_check(const Room *room);
