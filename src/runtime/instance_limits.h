/*
 * What one instance may use.
 */
#pragma once

#include <stdint.h>

/* 0 = no limit of its own. */
typedef struct InstanceLimits {
    int64_t cpu_millis; /* thousandths of a CPU */
    int64_t memory_bytes;
    int64_t shm_bytes; /* of /dev/shm, where parallel queries work; part of the memory */
    int64_t processes;
    int64_t open_files; /* of each process */
} InstanceLimits;
