/*
 * Connections that have not asked anything yet, or have not shown the token: how long they may take and how many
 * an address may have. Knows descriptors and clocks, and nothing of HTTP.
 *
 *   stranger   has not shown the token. An address may have PEERS_STRANGERS_MAX of them: then the
 *              oldest goes, since whoever means to ask something has long asked it. All together
 *              have a bound too, as one man may have many addresses.
 *   asking     its request is not complete. A byte every few seconds keeps nobody: the time is for
 *              the whole of it.
 *
 * A connection is dropped by shutdown(2): its owner sees its end, and closes it.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#define PEERS_FIRST_MS                                                                             \
    10000 /* from the connection to the end of the headers of the first request */
#define PEERS_REQUEST_MS    30000 /* from one answer, or the headers, to the end of the next request */
#define PEERS_STRANGERS_MAX 256
#define PEERS_LINGER_MS     2000
#define PEERS_LINGER_MAX    64

typedef struct Peers Peers;
typedef struct Peer Peer;

/* max_strangers: of all addresses together. */
Peers *peers_new(unsigned max_strangers);

/* All peers are gone by then. */
void peers_free(Peers *peers);

/* A new connection: a stranger who is asking. fd is the caller's, until peers_leave(). */
Peer *peers_join(Peers *peers, int fd, const struct sockaddr *address, int64_t now_ms);

/* It has shown the token. */
void peers_know(Peers *peers, Peer *peer);

/* Its headers are complete, its answer is sent: so long for what comes. */
void peers_ask(Peers *peers, Peer *peer, int64_t now_ms);

/* Its request is complete: what follows takes as long as we need. */
void peers_answer(Peers *peers, Peer *peer);

/* It gets an answer before all of its request is read: see peers_leave(). */
void peers_cut(Peers *peers, Peer *peer);

/*
 * peers_leave - its owner is about to close it, and has shut down the sending side.
 *
 * One that was cut is kept open for PEERS_LINGER_MS: closed at once, what still comes in would have
 * the kernel throw away the answer that is on its way.
 */
void peers_leave(Peers *peers, Peer *peer, int64_t now_ms);

/* Drops whose time is over. Call it about once a second. */
void peers_look(Peers *peers, int64_t now_ms);
