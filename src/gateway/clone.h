/*
 * What rametd and the gateway tell each other about a clone. Open structs: the client library fills
 * in or hands out one, the program reads or writes the same as JSON.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define GATEWAY_ID_MAX        64
#define GATEWAY_PATH_MAX      512
#define GATEWAY_ADDRESSES_MAX 16
#define GATEWAY_HOLD_MAX_MS   600000
#define GATEWAY_REQUEST_MAX   65536  /* bytes of a message to the gateway */
#define GATEWAY_REPLY_MAX     204800 /* … and from it: what a socket's usual buffer takes */

/* A clone's door to the network: which port leads to which socket. */
typedef struct GatewayClone {
    const char *id;          /* the clone's internal name: [A-Za-z0-9._-], 1..64 bytes        */
    const char *socket_path; /* absolute; a symbolic link in its last part is never followed  */
    int64_t port;
    const char *const *addresses; /* to listen on, NULL-terminated; "*" = all, IPv4 and IPv6 */
    int64_t max_connections;      /* at once; 0 = no limit                                    */
} GatewayClone;

/* What the gateway knows of it. Counts begin when it was added. */
typedef struct GatewayStatus {
    char *id;
    char *socket_path;
    int64_t port;
    bool is_held;
    int64_t connections;      /* now, those that wait included */
    int64_t waiting;          /* for a clone that is not there yet */
    int64_t connections_ever; /* let in                                */
    int64_t refused;          /* beyond the limit, or with no clone there */
    int64_t from_client_bytes;
    int64_t to_client_bytes;
    int64_t last_active_at_ms; /* a connection came, went or carried bytes; 0 = never */
} GatewayStatus;
