/*
 * What a person is shown of the server's answers.
 */
#pragma once

#include <jansson.h>

/* Turns sizes into "1.2 GiB" and times into the local zone, everywhere in an answer, in place. */
void view_localize(json_t *answer);
