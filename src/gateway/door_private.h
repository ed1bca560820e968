/*
 * The inside of a door. Private to door*.c.
 */
#pragma once

#include "gateway/door.h"
#include "gateway/relay.h"

typedef struct DoorListener {
    Door *door;
    char *address;
    int64_t port;
    Watch watch;
} DoorListener;

struct Door {
    Loop *loop;
    Stock *stock;
    char *id;
    char *socket_path;
    int64_t port;
    char **addresses;
    int64_t max_connections;

    GPtrArray *listeners; /* DoorListener, owned */
    GQueue relays;        /* connections; each frees itself */
    GQueue refusals;      /* clients that are sent away; each frees itself */
    GQueue waiting;       /* DoorWaiter, owned: clients whose clone could not take them yet */
    Traffic traffic;
    int64_t n_ever;
    int64_t n_refused;

    bool is_held;
    Timer hold_timer;
    bool is_paused; /* no descriptors left: nobody is accepted for a moment */
    Timer pause_timer;
    Timer retry_timer; /* for those who wait */
    int64_t retry_ms;
    int64_t grace_until_ms; /* on the monotonic clock: until then a missing clone is waited for */

    bool is_missing_logged; /* of a state that lasts, the first occurrence is logged */
    bool is_full_logged;
};

/* --- door.c --- */

/* Tells the loop whether clients are accepted. */
void door_set_listening(Door *door);

/* --- door_entry.c --- */

void door_init_entry(Door *door);

/* Cuts all connections, and sends away who waits. */
void door_end_entry(Door *door);

/* Whether a listener is to be watched for clients. */
uint32_t door_listens_for(const Door *door);

/* Somebody came. */
void door_on_client(Watch *watch, uint32_t events);

/* Tries again for those who wait. */
void door_admit_waiting(Door *door);

/* From now on a missing clone is waited for, for a moment. */
void door_start_grace(Door *door);
