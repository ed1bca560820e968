/*
 * Threads. GLib's g_thread_new() ends the process where none can be had: a limit that is reached is
 * no reason for that.
 */
#pragma once

#include "base/error.h"

/*
 * thread_start - start a thread.
 *
 *   ret_thread   to be given to g_thread_join() or g_thread_unref()
 *
 * Errors: ERR_BUSY the limit of processes and threads is reached, or memory is short (hint).
 */
MUST_CHECK Error *thread_start(const char *name, GThreadFunc run, void *data, GThread **ret_thread);
