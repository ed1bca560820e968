/*
 * Limits as OCI's runtime-spec has them, for changes of what runs. Private to this folder.
 */
#pragma once

#include <jansson.h>

#include "runtime/runtime.h"

#define RESOURCE_CPU_PERIOD_US 100000

/*
 * Signals that wait in a queue, and timers, are counted for the user, in all containers together:
 * what containers take of them is little, and leaves the host's programs theirs. PostgreSQL has none.
 */
#define RESOURCE_SIGNALS_MAX 1024

/* Microseconds of CPU in a period. */
int64_t resource_cpu_quota_us(const InstanceLimits *limits);

/* A "resources" object where all is set, also what is not limited any more. Caller owns the reference. */
json_t *resource_limits_json(const InstanceLimits *limits);
