/*
 * Limits as OCI's runtime-spec has them, for changes of what runs. Private to this folder.
 */
#pragma once

#include <jansson.h>

#include "runtime/runtime.h"

#define RESOURCE_CPU_PERIOD_US 100000

/* Microseconds of CPU in a period. */
int64_t resource_cpu_quota_us(const InstanceLimits *limits);

/* A "resources" object where all is set, also what is not limited any more. Caller owns the reference. */
json_t *resource_limits_json(const InstanceLimits *limits);
