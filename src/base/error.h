/*
 * The one error type. A fallible function returns Error *; NULL is success. Results go through ret_
 * parameters, which are untouched on failure. A caller branches on the code; the words are for
 * people.
 */
#pragma once

#include <glib.h>

#define MUST_CHECK __attribute__((warn_unused_result))

typedef enum ErrorCode {
    ERR_INVALID = 1, /* the request is wrong; sent again it fails again  */
    ERR_DENIED,      /* this caller may not                              */
    ERR_NOT_FOUND,   /* a thing the caller named does not exist          */
    ERR_CONFLICT,    /* exists already, or its state forbids this        */
    ERR_BUSY,        /* a limit is reached; later it may work            */
    ERR_NO_SPACE,    /* pool, disk or quota is full                      */
    ERR_TIMEOUT,     /* deadline passed; the work may or may not be done */
    ERR_EXTERNAL,    /* a program, PostgreSQL or the kernel refused      */
    ERR_BUG,         /* we broke our own rule                            */
} ErrorCode;

typedef struct Error {
    ErrorCode code;
    char *message; /* who: what: why; lower case, no full stop          */
    char *detail;  /* the evidence, verbatim and capped; NULL when none */
    char *hint;    /* what a person can do; NULL when none              */
} Error;

/* A new error; the message is formatted as by printf. */
MUST_CHECK Error *error_new(ErrorCode code, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* An error from errno: "<message>: <strerror>"; ENOSPC and EDQUOT become ERR_NO_SPACE. */
MUST_CHECK Error *error_errno(int err, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Puts "<who was doing what>: " before the message. Returns the same error; NULL for NULL. */
MUST_CHECK Error *error_wrap(Error *e, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* Sets the detail (its last 8 KiB are kept) or the hint. Returns the same error; NULL for NULL. */
MUST_CHECK Error *error_detail(Error *e, const char *fmt, ...) G_GNUC_PRINTF(2, 3);
MUST_CHECK Error *error_hint(Error *e, const char *fmt, ...) G_GNUC_PRINTF(2, 3);

/* A deep copy; NULL for NULL. */
MUST_CHECK Error *error_copy(const Error *e);

/* Ends an error that does not matter: logs a warning with the reason and frees it. NULL is fine. */
void error_ignore(Error *e, const char *why);

void error_free(Error *e);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Error, error_free)

/* "NOT_FOUND", "CONFLICT", …: for logs. */
const char *error_code_name(ErrorCode code);

/* Passes an error up unchanged. The only macro that hides a return. */
#define TRY(call)                                                                                  \
    do {                                                                                           \
        Error *try_error_ = (call);                                                                \
        if (try_error_)                                                                            \
            return try_error_;                                                                     \
    } while (0)
