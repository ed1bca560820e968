/*
 * Control groups, as far as rametd looks at them itself: which layout the machine has, whether a
 * process is in a group, and the end of a group. Making them and setting limits is the container
 * runtime's work.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"

typedef enum CgroupLayout {
    CGROUP_NONE,   /* not mounted */
    CGROUP_V1,     /* a hierarchy for each controller */
    CGROUP_HYBRID, /* and one of version 2 beside them, without those controllers */
    CGROUP_V2,
} CgroupLayout;

#define CGROUP_HYBRID_MOUNT "/sys/fs/cgroup/unified"

CgroupLayout cgroup_probe(void);

/* For people: "version 2", … */
const char *cgroup_layout_name(CgroupLayout layout);

/*
 * Names of the groups directly below a parent ("/ramet") that begin with a prefix, without it:
 * NULL-terminated, none when there is no parent. Caller frees.
 */
MUST_CHECK Error *cgroup_list(const char *parent, const char *prefix, char ***ret_names);

/*
 * cgroup_open_first - the process in a group ("/ramet/x") that is the first of its namespace of
 * pids: the one that the others end with.
 *
 *   ret_pidfd   caller closes
 *
 * Errors: ERR_NOT_FOUND there is none, or no group.
 */
MUST_CHECK Error *cgroup_open_first(const char *group, int *ret_pidfd);

/* The group of a process, where memory is counted: "/docker/x". "" = unknown. Caller frees. */
char *cgroup_of(pid_t pid);

/* Processes in a group that were ended for lack of memory; 0 when it cannot be told. */
int64_t cgroup_memory_kills(const char *group);

/* Removes an empty group in all hierarchies; a missing one is success. ERR_TIMEOUT it is in use. */
MUST_CHECK Error *cgroup_remove(const char *group, int64_t deadline_ms);
