/*
 * Which system calls a clone's programs may make: the profile as data, in the two forms that
 * container runtimes take.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"

/* linux.seccomp of an OCI configuration; caller owns the reference. */
json_t *seccomp_section(void);

/*
 * seccomp_filter - the same compiled for this machine, as the kernel takes it, in base64. A runtime
 * that compiles it anew for each container needs 10 to 25 ms for that.
 *
 *   ret_filter   caller frees
 *
 * Source: seccomp_export_bpf(3); crun(1), annotation run.oci.seccomp_bpf_data.
 */
MUST_CHECK Error *seccomp_filter(char **ret_filter);
