/*
 * How long a request's body is, as its headers say. A proxy before us may see another end of the
 * body than we do, and then one request hides another: what can be read in two ways is refused.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define FRAMING_NO_LENGTH UINT64_MAX

typedef struct Framing {
    unsigned n_lengths, n_encodings;
    bool is_wrong;   /* a length that is no number, an encoding that is unknown */
    uint64_t length; /* FRAMING_NO_LENGTH = not said */
} Framing;

/* Takes note of a header; value NULL = it has none. */
void framing_note(Framing *framing, const char *name, const char *value);

bool framing_is_ambiguous(const Framing *framing);

/*
 * The path with one slash for several, and none at the end: other servers redirect then, and the body is
 * lost. Caller frees.
 */
char *framing_clean_path(const char *url);
