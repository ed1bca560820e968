/*
 * How far a refresh is, as numbers. Tables and indexes are weighted by their sizes at the source;
 * pg_dump's and pg_restore's --verbose lines say which of them has begun or ended. May be read from
 * any thread.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "retrieval/retrieval.h"

typedef struct Progress Progress;

typedef enum ProgressKind {
    PROGRESS_TABLE,
    PROGRESS_INDEX,
} ProgressKind;

Progress *progress_new(void);
void progress_free(Progress *progress);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Progress, progress_free)

/* A new refresh begins: all from zero. */
void progress_reset(Progress *progress);

/* A phase begins: its text (constant), and which part of the whole it is, from 0 to 100 percent. */
void progress_phase(Progress *progress, const char *text, double from, double to);

/*
 * progress_expect - one thing that this phase will work on.
 *
 *   name    as the tools print it where they begin: "schema.table", "schema.index"; for a
 *           constraint's index "schema.table constraint"
 *   tag     as they print it where they end: the same without "schema."
 *   bytes   its size at the source
 */
void progress_expect(Progress *progress, const char *database, ProgressKind kind, const char *name,
                     const char *tag, int64_t bytes);

/* A tool begins with a database (is_parallel: with several tables at once), or is done with it. */
void progress_begin(Progress *progress, const char *database, bool is_parallel);
void progress_end(Progress *progress);

/* A line of a tool's stderr. */
void progress_line(Progress *progress, const char *line);

/* Bytes of the tables under way that are done already, as pg_stat_progress_copy counts them. */
void progress_in_flight(Progress *progress, int64_t bytes);

/* A copy of the numbers; clear it with progress_clear(). */
void progress_read(Progress *progress, RetrievalProgress *ret);
void progress_clear(RetrievalProgress *numbers);

/* The pure part: what a line tells. */
typedef struct ProgressEvent {
    bool is_end;
    ProgressKind kind;
    char *name; /* full name of a beginning, tag of an end */
} ProgressEvent;

/* True when the line tells something; ret_event->name is for the caller to free. */
bool progress_parse(const char *line, ProgressEvent *ret_event);
