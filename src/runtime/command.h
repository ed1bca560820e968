/*
 * The command line of an instance, the same for all drivers. Private to this folder.
 */
#pragma once

#include "runtime/runtime.h"

#define COMMAND_SOCKETS "unix_socket_directories="

/* Paths as the instance sees them. NULL-terminated; caller frees. */
char **instance_argv(const InstanceSpec *spec, const char *data_dir, const char *socket_dir);

/*
 * The whole environment of a program in a container: for those of bin_dir, and "K=V" of further
 * ones (NULL = none; "K" alone, which unsets, has nothing to unset there). Caller frees.
 */
char **instance_env(const char *bin_dir, const char *const *further);
