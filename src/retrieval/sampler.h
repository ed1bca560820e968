/*
 * While a tool works on a big table it says nothing for long. A sampler looks each second at what
 * pg_stat_progress_copy counts (PostgreSQL 14 and later; with older servers progress goes by whole
 * tables).
 */
#pragma once

#include "retrieval/work.h"

typedef struct Sampler Sampler;

/* At the source while it is dumped, in the golden data while it is filled. NULL = no connection. */
Sampler *sampler_start_source(const Work *work, const char *dbname);
Sampler *sampler_start_target(const Work *work);

/* Stops it and waits for its thread. NULL is fine. */
void sampler_stop(Sampler *sampler);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Sampler, sampler_stop)
