/*
 * What the kernel's device mapper knows of a thin pool, asked without a program. Making a clone
 * asks it whether there is space.
 */
#pragma once

#include "storage/lvm/command.h"
#include "storage/lvm/parse.h"

typedef struct LvmPoolState {
    LvmPoolStatus status;
    uint64_t size_bytes;  /* for data  */
    uint64_t block_bytes; /* of data   */
} LvmPoolState;

/* The state of the thin pool as it is now. ERR_NOT_FOUND it is not active; ERR_EXTERNAL. */
MUST_CHECK Error *lvm_dm_pool_state(const LvmPlace *place, LvmPoolState *ret_state);

/* Sends the thin pool a message of dm-thin's: "reserve_metadata_snap". ERR_BUSY; ERR_EXTERNAL. */
MUST_CHECK Error *lvm_dm_message(const LvmPlace *place, const char *message);
