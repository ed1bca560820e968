/*
 * The OCI configuration of one clone: what it may see, do and use. A pure function of its spec.
 */
#pragma once

#include <glib.h>
#include <jansson.h>
#include <sys/types.h>

#include "runtime/runtime.h"

typedef struct BundleSpec {
    const char *root;            /* directory of the root file system, shared by all clones */
    const GPtrArray *host_paths; /* char *: bound read-only at the same place; NULL = none  */
    const char *users;    /* of an image: directory of the passwd and group it is given; or NULL */
    const char *data_dir; /* also where it works; NULL = none */
    const char *socket_dir;  /* NULL = none */
    const char *cgroup;      /* "/ramet/x" */
    const char *const *argv; /* paths as seen inside */
    const char *const *env;
    uid_t uid;
    gid_t gid;
    bool has_network;   /* the host's; otherwise an empty one of its own */
    const char *filter; /* base64, see seccomp_filter(); NULL = the section instead */
    const InstanceLimits *limits;
} BundleSpec;

/* The same for a change: text of a resources object, where 0 is "no limit any more". Caller frees. */
char *bundle_format_resources(const InstanceLimits *limits);

/* Text of config.json. Caller frees. Source: config.md and config-linux.md of OCI's runtime-spec. */
char *bundle_format(const BundleSpec *spec);
