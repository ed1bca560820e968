/*
 * Leases: how long something is kept from deletion. Pure functions of a row's fields, the rules and
 * the time; all times in ms since 1970, 0 = none.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

typedef struct LeaseRules {
    int64_t default_minutes; /* where none are asked for; 0 = no end */
    int64_t max_minutes;     /* what is longer, or has no end, is cut to this; 0 = nothing is cut */
} LeaseRules;

typedef struct LeaseRequest {
    bool is_protected;
    bool has_duration; /* false = the rules' default */
    int64_t minutes;   /* 0 = no end */
} LeaseRequest;

/* When a protection that begins now ends; 0 = never, or there is none. */
int64_t lease_end(const LeaseRules *rules, const LeaseRequest *request, int64_t now_ms);

/* Is what is protected till then protected now? */
bool lease_is_on(bool is_protected, int64_t till_ms, int64_t now_ms);

/* Has the time come that something is to be deleted at? */
bool lease_is_due(int64_t delete_at_ms, int64_t now_ms);
