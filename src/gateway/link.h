/*
 * Messages over the control socket, with deadlines. Private to client.c and launch.c.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/un.h>

#include "base/error.h"
#include "gateway/client.h"

/* The address of a socket. ERR_INVALID the path is too long for one (hint). */
MUST_CHECK Error *link_address(const char *path, struct sockaddr_un *ret_address);

/*
 * link_open - connect to a control socket.
 *
 *   deadline_ms   as clock_monotonic_ms() counts, here and below
 *   ret_fd        caller closes with link_close()
 *
 * Errors: ERR_NOT_FOUND nobody listens there; ERR_TIMEOUT; ERR_INVALID; ERR_EXTERNAL.
 */
MUST_CHECK Error *link_open(const char *path, int64_t deadline_ms, int *ret_fd);
void link_close(int fd);

/* Errors: ERR_TIMEOUT; ERR_EXTERNAL the connection broke, or the message is too long. */
MUST_CHECK Error *link_send(int fd, const char *text, int64_t deadline_ms);
MUST_CHECK Error *link_receive(int fd, char *buffer, size_t size, int64_t deadline_ms,
                               size_t *ret_length);

/* The gateway is a child of ours: the client reaps it when it has ended. The pidfd is taken. */
void gateway_client_adopt_take(GatewayClient *client, int pidfd);
