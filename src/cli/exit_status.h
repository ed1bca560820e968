/*
 * What the client's exit status means. Scripts rely on these numbers: they are documented and do
 * not change.
 */
#pragma once

#include "base/error.h"

typedef enum ExitStatus {
    STATUS_OK = 0,
    STATUS_FAILED = 1,
    STATUS_USAGE = 2,
    STATUS_NOT_FOUND = 3,
    STATUS_DENIED = 4,
    STATUS_UNREACHABLE = 5,
    STATUS_TIMED_OUT = 6,
    STATUS_INTERRUPTED = 130, /* of a shell for a program that SIGINT has ended */
} ExitStatus;

typedef struct ExitStatusRow {
    ExitStatus status;
    const char *meaning;
} ExitStatusRow;

/* All of them with their meaning, for help and docs; ended by a row without meaning. */
extern const ExitStatusRow exit_status_rows[];

/* The status for how a command ended; NULL gives STATUS_OK. ERR_INVALID is of our own making. */
ExitStatus exit_status_of(const Error *e);
