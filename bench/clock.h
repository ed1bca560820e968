/*
 * Time as the benchmarks count it: milliseconds with fractions, of CLOCK_MONOTONIC.
 */
#pragma once

#include <glib.h>

static inline double bench_ms(void)
{
    return (double)g_get_monotonic_time() / 1000;
}
