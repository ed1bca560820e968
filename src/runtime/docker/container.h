/*
 * Bodies of requests that make and change containers: pure functions of what is wanted. Private to
 * this folder.
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "runtime/runtime.h"

#define LABEL_SERVER   "ramet.server"   /* the state directory, hashed      */
#define LABEL_INSTANCE "ramet.instance" /* its id                           */
#define LABEL_TOOL     "ramet.tool"     /* as the server: runs once         */

typedef struct ContainerSpec {
    const char *image;
    const char *users;      /* directory with passwd and group                    */
    const char *data_dir;   /* also where it works; NULL = none                   */
    const char *socket_dir; /* NULL = none                                        */
    const char *log_path;   /* takes its output; NULL = the engine does           */
    const char *filter;     /* of system calls: "seccomp=…", as the engine takes it */
    const char *label;      /* LABEL_INSTANCE, LABEL_TOOL                         */
    const char *label_value;
    const char *server; /* value of LABEL_SERVER                              */
    const char *const *argv;
    const char *const *env;
    uid_t uid;
    gid_t gid;
    bool has_network; /* the host's                                         */
    const InstanceLimits *limits;
    const json_t *volumes; /* of the image: an object with their paths, or NULL */
    const json_t *options; /* docker_options_parse(): laid over the rest; or NULL */
} ContainerSpec;

/* Of POST /containers/create. Caller owns the reference. */
json_t *container_body(const ContainerSpec *spec);

/* Of POST /containers/<name>/update; options as above. Caller owns the reference. */
json_t *container_limits_body(const InstanceLimits *limits, const json_t *options);
