/*
 * Nothing outside inside: while a thread holds the store's lock it starts no program, walks no
 * directory, waits for nothing, and asks neither the storage, nor what runs instances, nor a
 * PostgreSQL: all others would wait with it. Look first, then open the transaction.
 *
 * A build with meson's option "checks", as tests/sanitize makes it, ends with a message that names
 * the call; in others nothing is checked.
 */
#pragma once

#include <stdbool.h>

bool outside_is_checked(void);

/* Of this thread, as deep as it holds the lock. */
void outside_forbid(void);
void outside_allow(void);

/* The first line of what reaches outside. call: its name; a constant. */
void outside_call(const char *call);
