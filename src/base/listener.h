/*
 * A listening TCP socket at one address and port.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/*
 * listener_open - listen at an address. Accepted sockets inherit its options: no delay of small
 * packets, and keepalive, so that clients that vanished are found out within two minutes.
 *
 *   address   numeric, IPv4 or IPv6 (with a zone, too); "*" = all addresses of both, or of IPv4
 *             where the kernel has no IPv6
 *   ret_fd    non-blocking, CLOEXEC; caller closes
 *
 * Errors: ERR_INVALID no address, or none of this machine; ERR_CONFLICT in use; ERR_DENIED a port
 *         for root alone; ERR_EXTERNAL.
 * Source: tcp(7), ipv6(7).
 */
MUST_CHECK Error *listener_open(const char *address, int64_t port, int *ret_fd);

/*
 * The same at a host's name, which is looked up and may take a while, or at an address; "" = all
 * addresses. Errors: ERR_INVALID no such host, too.
 */
MUST_CHECK Error *listener_open_host(const char *host, int64_t port, int *ret_fd);
