/*
 * Which Debian package brings an extension.
 */
#pragma once

#include <stdint.h>

/* A guess by known names and by Debian's habit: "postgresql-15-postgis-3". Caller frees. */
char *extension_package(const char *extension, int64_t major);
