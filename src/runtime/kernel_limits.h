/*
 * What the kernel counts for all containers together, whatever control group they are in.
 */
#pragma once

#include <glib.h>
#include <stdint.h>

typedef struct KernelLimit {
    const char *name; /* as sysctl(8) has it */
    const char *what; /* follows from one container's taking all */
    uint64_t value;
    uint64_t needed; /* memory runs out first */
} KernelLimit;

/*
 * kernel_limits_low - those that one container can reach before it reaches a limit of memory.
 *
 *   proc_sys       "/proc/sys"; what it does not have is passed over
 *   memory_bytes   of the machine
 *
 * Returns: GPtrArray of KernelLimit *, caller unrefs
 */
GPtrArray *kernel_limits_low(const char *proc_sys, uint64_t memory_bytes);
