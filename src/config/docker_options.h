/*
 * provision.containerConfig beside its limits: what containers of Docker or Podman may have more, in
 * the words of `docker run`.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"

/* True for the names that docker_options_parse() takes; the limits are not among them. */
bool docker_options_knows(const char *name);

/* "add-host, blkio-weight, …". Caller frees. */
char *docker_options_names(void);

/*
 * docker_options_parse - {"cpuset-cpus": "0-1"} → {"HostConfig": {"CpusetCpus": "0-1"}}. Names that
 * it does not know are passed over.
 *
 *   options    name → scalar; NULL = empty
 *   ret_body   what is added to the body of POST /containers/create; caller owns the reference
 *
 * Errors: ERR_INVALID a value that makes no sense.
 * Source: Docker Engine API v1.41, ContainerCreate.
 */
MUST_CHECK Error *docker_options_parse(const json_t *options, json_t **ret_body);
