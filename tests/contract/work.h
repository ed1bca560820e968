/*
 * How much something does, counted rather than timed: the same on a slow machine and on a busy one.
 */
#pragma once

#include <stdint.h>

typedef struct Work {
    uint64_t starts; /* of programs and threads; what they do themselves does not count */
    uint64_t calls;  /* of the kernel                                                   */
    uint64_t bytes;  /* that it reads: of files, directories, programs                  */
} Work;

/* Runs body(data) in a child, of which only what it does to the outside remains. */
Work work_of(void (*body)(void *data), void *data);

/*
 * Ends the test when the later one did clearly more: for each of n others a call or the bytes of a
 * directory's entry.
 *
 *   looks   so many looks at each of the others are known and allowed
 */
void work_assert_flat(const char *what, const Work *first, const Work *later, int n, int looks);
