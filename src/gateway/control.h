/*
 * The control socket: rametd's requests and the gateway's replies.
 */
#pragma once

#include "base/error.h"
#include "gateway/doors.h"
#include "gateway/loop.h"

typedef struct Control Control;

/*
 * control_open - answer on a socket.
 *
 *   loop, doors   borrowed for its life
 *   fd            an AF_UNIX SOCK_SEQPACKET socket that listens; taken
 *
 * Errors: ERR_INVALID it is something else; ERR_EXTERNAL.
 */
MUST_CHECK Error *control_open_take(Loop *loop, Doors *doors, int fd, Control **ret_control);
void control_close(Control *control);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Control, control_close)
