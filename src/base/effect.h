/*
 * Outside effects: a program started, a call of the storage or of what runs instances, a write into
 * the store, a question to a PostgreSQL. Each asks here before it is done, so that a test can let
 * the k-th fail, or end the process there.
 */
#pragma once

#include "base/error.h"

/*
 * what: "store", "storage", "runtime", "program", "sql". An error is returned in place of the
 * effect. NULL = none; set before there is a second thread.
 */
typedef Error *(*EffectHook)(const char *what);
extern EffectHook effect_hook;

MUST_CHECK Error *effect_begin(const char *what);
