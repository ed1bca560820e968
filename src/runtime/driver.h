/*
 * What a runtime driver offers; runtime.c is the only file that touches it. Instances are found by
 * the front's own table of ids; a driver only starts, lists and cleans up.
 */
#pragma once

#include "runtime/runtime.h"

/* found takes the pidfd; data_dir is borrowed. */
typedef void (*RuntimeFound)(const char *id, int pidfd, const char *data_dir, void *data);

typedef struct RuntimeDriver {
    const char *name;
    /* state_dir is canonical, with run/ and logs/ made; os_user is NULL when it is who we are. */
    Error *(*open)(const RuntimeSpec *spec, void **ret_private);
    void (*close)(void *private);
    /* socket_dir is there, and empty. *ret_pidfd: of the instance's first process. */
    Error *(*start)(void *private, const InstanceSpec *spec, const char *socket_dir,
                    const char *log_path, int *ret_pidfd);
    /* Calls found() for each running instance of this server. */
    Error *(*list)(void *private, RuntimeFound found, void *data);
    /* After SIGKILL of the first process: ends what it has left behind. */
    Error *(*sweep)(void *private, const char *data_dir, int64_t deadline_ms);
    Error *(*run)(void *private, const ProcSpec *spec, ProcResult *ret_result);
} RuntimeDriver;

extern const RuntimeDriver process_driver;
