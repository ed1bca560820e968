/*
 * A program that runs once, in a container of its own. Private to this folder.
 */
#pragma once

#include "base/proc.h"
#include "runtime/docker/container.h"

/*
 * tool_run_container - proc_run() of spec->argv in a container; nothing is left of it.
 *
 *   name        of the container
 *   container   what it is like; argv and data directory are in there already
 *   spec        its timeout, cancel, on_error_line count
 *
 * Errors: those of proc_run() and container_start().
 */
MUST_CHECK Error *tool_run_container(const char *socket, const char *name,
                                     const ContainerSpec *container, const ProcSpec *spec,
                                     ProcResult *ret_result);
