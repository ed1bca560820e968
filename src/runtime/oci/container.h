/*
 * Everything that a container has beside its data: bundle, notes of crun, control group, and the
 * lock that tells whether it may live. Private to this folder.
 */
#pragma once

#include "base/error.h"
#include "runtime/place.h"

typedef struct OciContainer {
    char *bundle; /* directory */
    char *config;
    char *error_log;
    char *lock;
    char *state_root;
    char *state; /* in there, of this container */
    char *cgroup;
} OciContainer;

void oci_container_clear(OciContainer *container);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OciContainer, oci_container_clear)

/* Of an instance, and of a program that runs once: its name begins with OCI_TOOL. */
#define OCI_TOOL    "tool-"
#define OCI_CGROUPS "/ramet"
OciContainer oci_container(const RuntimePlace *place, const char *id);
OciContainer oci_container_of_tool(const RuntimePlace *place, const char *name);

/* What the names of a server's instances begin with in OCI_CGROUPS. Caller frees. */
char *oci_server_prefix(const RuntimePlace *place);

/* The names in oci/bundles: of all that may be there. Caller frees. */
MUST_CHECK Error *oci_list_bundles(const RuntimePlace *place, char ***ret_names);

/*
 * A locked file is open in the program that makes an instance's container. While it is locked a container may
 * come to run, also when the server that wanted it was killed. The container itself must not have it: a clone
 * could send it to whoever reads its socket late, and then it stays locked when the clone is gone. ERR_BUSY.
 */
MUST_CHECK Error *oci_container_lock(const OciContainer *container, int *ret_fd);

/* Ends what lives of it and removes all of it; one that is not there is success. */
MUST_CHECK Error *oci_container_remove(const OciContainer *container);
