/*
 * The life of a container by its name. Private to this folder.
 */
#pragma once

#include "runtime/docker/api.h"
#include "runtime/docker/container.h"

/* A running container: its first process, and its control group ("/docker/<id>"). */
typedef struct ContainerProcess {
    int pidfd;
    char *cgroup;
} ContainerProcess;

void container_process_clear(ContainerProcess *process);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ContainerProcess, container_process_clear)

/* Makes and starts it. Undo: container_remove(). Errors: those of docker_call(). */
MUST_CHECK Error *container_start(const char *socket, const char *name, const ContainerSpec *spec);

/*
 * container_find - the process of one that runs.
 *
 * Errors: ERR_NOT_FOUND it does not run, or there is none; ERR_EXTERNAL its process cannot be seen
 *         from here (hint).
 */
MUST_CHECK Error *container_find(const char *socket, const char *name,
                                 ContainerProcess *ret_process);

/* Ends and removes it; one that is not there is success. ERR_TIMEOUT. */
MUST_CHECK Error *container_remove(const char *socket, const char *name);

/*
 * Names of those with a label, and in a state ("created"; NULL = any): GPtrArray of char *; caller
 * unrefs.
 */
MUST_CHECK Error *container_list(const char *socket, const char *label, const char *value,
                                 const char *state, GPtrArray **ret_names);
