/*
 * What a runtime driver offers; runtime.c is the only file that touches it. Instances are found by
 * the front's own table of ids; a driver only starts, lists and cleans up.
 */
#pragma once

#include "runtime/place.h"
#include "runtime/runtime.h"

/* What an instance has outside its data. */
typedef struct RuntimeFiles {
    const char *socket_dir;
    const char *log_path;
    int output_fd; /* with takes_output: stdout and stderr, borrowed */
} RuntimeFiles;

/* found takes the pidfd; data_dir is borrowed, NULL = the driver does not need it again. */
typedef void (*RuntimeFound)(const char *id, int pidfd, const char *data_dir, void *data);

typedef struct RuntimeDriver {
    const char *name;
    bool takes_network; /* from an instance that shall have none */
    bool has_init;      /* an instance's first process may be another than postgres */
    bool takes_output;  /* as a descriptor: the instance does not get hold of its log */
    Error *(*open)(const RuntimeSpec *spec, const RuntimePlace *place, void **ret_private);
    void (*close)(void *private);
    /* What was found on this machine, in a few words for the log: caller frees. */
    char *(*describe)(const void *private);
    /* As runtime_is_there(). NULL = always. */
    bool (*is_there)(const void *private);
    /* As runtime_image(). NULL = there is none. */
    const char *(*image)(const void *private);
    /* As runtime_run_inside(), of the image; spec->cwd is set. */
    Error *(*run)(void *private, const RuntimePlace *place, const ProcSpec *spec,
                  ProcResult *ret_result);
    /*
     * socket_dir is there, and empty; no lock file is in the data. *ret_pidfd: of the instance's
     * first process.
     */
    Error *(*start)(void *private, const RuntimePlace *place, const InstanceSpec *spec,
                    const RuntimeFiles *files, int *ret_pidfd);
    /* Calls found() for each running instance of this server. The driver need not be open. */
    Error *(*list)(const RuntimePlace *place, RuntimeFound found, void *data);
    /* After SIGKILL of the first process: ends what it has left behind. NULL = nothing can be. */
    Error *(*sweep)(const RuntimePlace *place, const char *data_dir, int64_t deadline_ms);
    /*
     * Ends what may be left, or still be starting, of an instance that is not in the table, and
     * removes what it has outside its directories. NULL = there can be nothing.
     */
    Error *(*clean)(const RuntimePlace *place, const char *id);
    /* Of a running instance. NULL = it sets none. */
    Error *(*limit)(void *private, const RuntimePlace *place, const char *id,
                    const InstanceLimits *limits);
    /* As runtime_memory_kills(). NULL = unknown. */
    int64_t (*memory_kills)(const RuntimePlace *place, const char *id);
} RuntimeDriver;

extern const RuntimeDriver docker_driver;
extern const RuntimeDriver oci_driver;
extern const RuntimeDriver process_driver;
