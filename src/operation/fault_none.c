/*
 * Faults on demand in what is installed: there are none. fault.c takes the place of this file in
 * rametd-faults, which the end-to-end tests start.
 */
#include "operation/fault.h"

Error *fault_before(const char *kind, int64_t step)
{
    return NULL;
}

void fault_after(const char *kind, int64_t step)
{
}
