/*
 * The source: the live server that the data comes from. How to reach it, and what is in it. Nothing
 * is written there.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "postgres/conn.h"
#include "retrieval/progress.h"

/* The name of our sessions, by which the contract's activity finds them. */
#define SOURCE_APPLICATION "dle_retrieval"

typedef struct SourceExtension {
    char *name;
    char *version;
} SourceExtension;

/* A table or index, as progress_expect() takes it. */
typedef struct SourceObject {
    ProgressKind kind;
    char *name;
    char *tag;
    int64_t bytes;
} SourceObject;

typedef struct SourceDatabase {
    char *name;
    int64_t bytes;
    char *encoding;
    char *collate;
    char *ctype;
    bool is_open;     /* datallowconn: it takes connections at all */
    bool may_connect; /* the source's user has the right to    */
    bool is_template;
    bool is_misnamed; /* no UTF-8, and so not to be taken: the name is one for people */
    json_t *tables;   /* array of patterns, or NULL = all */
    json_t *exclude_tables;
    GPtrArray *extensions; /* of SourceExtension * */
    GPtrArray *objects;    /* of SourceObject * */
} SourceDatabase;

typedef struct Source {
    char *conninfo;       /* without password */
    char *password;       /* NULL = none; never in an argv */
    GCancellable *cancel; /* borrowed, or NULL: ends what waits for the source */
    int64_t major;
    bool has_checksums;       /* of its pages */
    bool is_chosen;           /* the configuration names the databases */
    GPtrArray *databases;     /* of SourceDatabase *: those to take, largest first */
    GPtrArray *others;        /* the rest, for messages */
    SourceDatabase *defaults; /* of one of these: encoding and locale of the new cluster */
} Source;

/* How to reach it, from the configuration; no connection is made. ERR_INVALID what cannot work. */
MUST_CHECK Error *source_new(const LogicalDumpConfig *config, Source **ret_source);
void source_free(Source *source);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Source, source_free)

/*
 * source_connect - for short looks: read-only, with time limits, and not as SOURCE_APPLICATION.
 *
 *   dbname     NULL = the one of the configuration
 *   ret_conn   caller closes
 *
 * Errors: those of conn_open() (hint: what to check).
 */
MUST_CHECK Error *source_connect(const Source *source, const char *dbname, Conn **ret_conn);

/*
 * source_inspect - connect, and learn version, databases, extensions, sizes.
 *
 * Errors: as conn_open() (hint: what to check); ERR_NOT_FOUND `database "x" does not exist at the
 *         source` (detail: those that do); ERR_DENIED a database that does not let us in.
 */
MUST_CHECK Error *source_inspect(Source *source, const LogicalDumpConfig *config);

/* The connection string for one database; caller frees. */
MUST_CHECK Error *source_conninfo(const Source *source, const char *dbname, char **ret_conninfo);

/* Of the databases that are taken whole: what the tables of the others make up is not known. */
int64_t source_total_bytes(const Source *source);
