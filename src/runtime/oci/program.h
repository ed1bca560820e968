/*
 * The container runtime's program: crun or runc.
 */
#pragma once

#include "base/error.h"
#include "base/proc.h"
#include "runtime/cgroup.h"

typedef struct ContainerProgram ContainerProgram;

/*
 * container_program_find - look for it, and at what it can do on this machine.
 *
 *   name   file name or path; "" = crun, or else runc
 *
 * Errors: ERR_NOT_FOUND (hint: the package); ERR_INVALID too old (hint), or no control groups.
 */
MUST_CHECK Error *container_program_find(const char *name, ContainerProgram **ret_program);
void container_program_free(ContainerProgram *program);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ContainerProgram, container_program_free)

/* "crun 1.8.1, control groups version 2". Caller frees. */
char *container_program_describe(const ContainerProgram *program);

/* It takes a compiled filter by an annotation. */
bool container_program_takes_filter(const ContainerProgram *program);

typedef struct ContainerPaths {
    const char *state_root; /* the program's own notes of its containers */
    const char *bundle;     /* directory with config.json */
    const char *error_log;  /* what the program itself has to say */
    int output_fd;          /* stdout and stderr of the container, borrowed */
    int lock_fd;            /* of program, not of container; borrowed */
} ContainerPaths;

/* Changes the limits of a running container: a file with an OCI "resources" object. */
MUST_CHECK Error *container_program_limit(const ContainerProgram *program, const char *name,
                                          const char *state_root, const char *resources_file);

/* Starts a container and returns when its first process runs. ERR_EXTERNAL, ERR_TIMEOUT. */
MUST_CHECK Error *container_program_run(const ContainerProgram *program, const char *name,
                                        const ContainerPaths *paths);

/* The same with one that ends: proc_run() of what spec says, but for argv and env, which it has. */
MUST_CHECK Error *container_program_run_once(const ContainerProgram *program, const char *name,
                                             const ContainerPaths *paths, const ProcSpec *spec,
                                             ProcResult *ret_result);
