/*
 * The users that a container knows: root, which rametd is, and the one that instances run as.
 * PostgreSQL asks for the names of both.
 */
#pragma once

#include "base/error.h"
#include "runtime/place.h"

/* Writes passwd and group into a directory that is there, readable for all. */
MUST_CHECK Error *users_write(const char *dir, const RuntimePlace *place);
