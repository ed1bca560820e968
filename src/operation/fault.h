/*
 * Faults on demand, for the tests of recovery: RAMET_FAULT="<kind>:<step>:<action>" in the
 * environment of rametd-faults. In rametd itself there are none (fault_none.c).
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* Before a step's work: kills this process ("kill"), or is an error in place of it ("fail"). */
MUST_CHECK Error *fault_before(const char *kind, int64_t step);

/* After a step's work, before the next is entered: kills this process ("kill-after"). */
void fault_after(const char *kind, int64_t step);
