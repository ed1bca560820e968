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

/* For each of the others, what is clearly growth. */
typedef struct WorkGrowth {
    uint64_t calls;
    uint64_t bytes;
} WorkGrowth;

/* A call for each, or the entry of a directory with a short name, getdents64(2). */
#define WORK_FLAT ((WorkGrowth){.calls = 1, .bytes = 24})

/* Ends the test when the later one did clearly more, with n others about. */
void work_assert_flat(const char *what, const Work *first, const Work *later, int n,
                      WorkGrowth growth);
