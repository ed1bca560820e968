/*
 * Checking what a client asks for, completely, before anything is touched.
 */
#pragma once

#include "engine/clone/clone.h"
#include "store/snapshot.h"

/*
 * clone_request_check - every rule of POST /clone, in the order and the words of the contract.
 *
 *   ret_snapshot   what the clone will be made from; caller frees
 *
 * Errors: those of engine_create_clone(), but for the id and the port.
 */
MUST_CHECK Error *clone_request_check(Engine *engine, const CloneRequest *request,
                                      Snapshot **ret_snapshot);

/* When a protection that begins now ends, by request and configuration; 0 = never. */
int64_t clone_protection_end(Engine *engine, bool is_protected, bool has_duration,
                             int64_t duration_minutes);
