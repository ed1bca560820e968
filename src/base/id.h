/*
 * Identifiers of our own making.
 */
#pragma once

/*
 * A new identifier: 20 lower-case base32hex characters, sortable by time (4 bytes of seconds, 8 of
 * randomness), never used twice. Caller frees. Source: contract, form of generated clone ids.
 */
char *id_new(void);
