/*
 * What a copy is not like its source in, though nothing has failed: for people, told once a refresh.
 */
#pragma once

#include "retrieval/work.h"

/*
 * difference_text - one line: another major, databases left out that nobody has chosen to leave out,
 * extensions that come in another version.
 *
 *   versions   name of an extension → the version that the new server makes of it
 *   ret        caller frees; "" = none of it
 */
char *difference_text(const Source *source, int64_t major, GHashTable *versions);

/* Asks the new server, which runs, and logs a line where there is a difference. */
MUST_CHECK Error *difference_tell(const Work *work);
