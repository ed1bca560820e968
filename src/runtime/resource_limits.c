/*
 * Source: config-linux.md of OCI's runtime-spec.
 */
#include "runtime/resource_limits.h"

#define MILLIS_PER_CPU 1000
#define PROCESSES_ALL                                                                              \
    4194304 /* PID_MAX_LIMIT of Linux: crun writes -1 as it is, which is refused */

int64_t resource_cpu_quota_us(const InstanceLimits *limits)
{
    return limits->cpu_millis * RESOURCE_CPU_PERIOD_US / MILLIS_PER_CPU;
}

/* crun 1.8 hands -1 on to control groups of version 1, where it is refused for CPU and processes. */
json_t *resource_limits_json(const InstanceLimits *limits)
{
    json_int_t memory = limits->memory_bytes > 0 ? limits->memory_bytes : -1;
    json_int_t quota = limits->cpu_millis > 0
                           ? resource_cpu_quota_us(limits)
                           : (json_int_t)g_get_num_processors() * RESOURCE_CPU_PERIOD_US;
    json_int_t processes = limits->processes > 0 ? limits->processes : PROCESSES_ALL;

    return json_pack("{s:{s:I}, s:{s:I, s:I}, s:{s:I}}", "memory", "limit", memory, "cpu", "quota",
                     quota, "period", (json_int_t)RESOURCE_CPU_PERIOD_US, "pids", "limit",
                     processes);
}
