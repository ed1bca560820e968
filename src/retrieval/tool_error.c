/*
 * Errors of PostgreSQL's tools. A block is an error line with the lines that belong to it: the
 * entry of the table of contents before it; DETAIL, HINT, LINE, "Command was" after it, until the
 * tool's next message.
 */
#include "retrieval/tool_error.h"

#include <string.h>

#define BLOCKS_MAX      5    /* errors that are kept for the detail */
#define BLOCK_BYTES_MAX 1500 /* of each: a command may be long      */

/* Whose words they are: the same ones mean another thing, and ask for another cure. */
typedef enum CauseSide {
    CAUSE_ANY,
    CAUSE_SOURCE, /* pg_dump and its like: the operator's server, and the disk of dumpLocation */
    CAUSE_TARGET, /* pg_restore and its like: our instance, which has no network, and the pool */
} CauseSide;

struct ToolErrors {
    CauseSide side;
    char *prefix; /* "pg_restore: "                                  */
    char *entry;  /* last entry named: "TABLE places alice"; or NULL */
    char *first;  /* message of the first error                      */
    char *first_entry;
    GPtrArray *blocks; /* of GString *            */
    GString *open;     /* the last block, or NULL */
    int count;
};

typedef struct KnownCause {
    CauseSide side;
    const char *text;
    ErrorCode code;
    const char *hint;
} KnownCause;

/* pg_dump and pg_restore of a newer major write what an older server does not know. */
#define OLDER_CLIENT                                                                               \
    "Install the client of the source's own major (postgresql-client-N), or set ignoreErrors: "    \
    "true "                                                                                        \
    "where only settings are not known."

#define READ_RIGHTS                                                                                \
    "Give the source's user the right to read it (from 14 on pg_read_all_data has it for all), "   \
    "or leave it out with excludeTables."

/* Source: messages of PostgreSQL 10 … 18 and libpq. Order: the most telling first. */
static const KnownCause known_causes[] = {
    {CAUSE_SOURCE, "ERROR:  could not write to file", ERR_NO_SPACE,
     "The source's own disk has no space left for temporary files."},
    {CAUSE_SOURCE, "No space left on device", ERR_NO_SPACE,
     "Enlarge the disk of dumpLocation, or take fewer databases or tables."},
    {CAUSE_TARGET, "No space left on device", ERR_NO_SPACE,
     "Enlarge the pool, or take fewer databases or tables."},
    {CAUSE_SOURCE, "Disk quota exceeded", ERR_NO_SPACE, "Raise the quota of dumpLocation."},
    {CAUSE_TARGET, "Disk quota exceeded", ERR_NO_SPACE, "Raise the quota of the pool."},
    {CAUSE_SOURCE, "password authentication failed", ERR_DENIED,
     "Check username and password of the source; PGPASSWORD in the server's environment wins."},
    {CAUSE_SOURCE, "no pg_hba.conf entry", ERR_DENIED,
     "Let this host and user in, in the source's pg_hba.conf."},
    {CAUSE_SOURCE, "permission denied for database", ERR_DENIED,
     "Give the source's user the right to connect to it: GRANT CONNECT ON DATABASE …"},
    {CAUSE_SOURCE, "permission denied for table", ERR_DENIED, READ_RIGHTS},
    {CAUSE_SOURCE, "permission denied for relation", ERR_DENIED, READ_RIGHTS}, /* before 11 */
    {CAUSE_SOURCE, "permission denied for sequence", ERR_DENIED, READ_RIGHTS},
    {CAUSE_SOURCE, "permission denied for schema", ERR_DENIED, READ_RIGHTS},
    {CAUSE_SOURCE, "permission denied for large object", ERR_DENIED,
     "Large objects are read by their owner or a superuser: use such a user, or leave them out "
     "with "
     "customOptions: [\"--no-blobs\"]."},
    {CAUSE_SOURCE, "permission denied for", ERR_DENIED, NULL},
    {CAUSE_SOURCE, "unsupported startup parameter", ERR_INVALID,
     "This is a pooler: give the address of the server itself, or have the pooler ignore the "
     "parameter (ignore_startup_parameters)."},
    {CAUSE_ANY, "aborting because of server version mismatch", ERR_INVALID,
     "Install PostgreSQL's programs of the source's major or a later one."},
    {CAUSE_TARGET, "option \"locale_provider\" not recognized", ERR_INVALID, OLDER_CLIENT},
    {CAUSE_TARGET, "option \"locale\" not recognized", ERR_INVALID, OLDER_CLIENT},
    {CAUSE_TARGET, "unrecognized configuration parameter \"transaction_timeout\"", ERR_INVALID,
     OLDER_CLIENT},
    {CAUSE_SOURCE, "conflict with recovery", ERR_EXTERNAL,
     "The source is a standby: set hot_standby_feedback = on, or a longer "
     "max_standby_streaming_delay."},
    {CAUSE_SOURCE, "terminating connection due to administrator command", ERR_EXTERNAL,
     "The source was shut down, or the session was ended, while it was read. Start the refresh "
     "again."},
    {CAUSE_SOURCE, "server closed the connection unexpectedly", ERR_EXTERNAL,
     "The source ended, or the network broke, in the middle. See the source's log; start the "
     "refresh again."},
    {CAUSE_TARGET, "could not connect to server \"", ERR_EXTERNAL,
     "It is a foreign server, and data is loaded in an instance without a network. With "
     "ignoreErrors: true of logicalRestore the refresh goes on without what needs it."},
    {CAUSE_SOURCE, "could not connect to server", ERR_EXTERNAL,
     "Check that the source runs and can be reached."},
    {CAUSE_SOURCE, "Connection refused", ERR_EXTERNAL,
     "Check that the source runs and can be reached."},
    {CAUSE_TARGET, "is not available", ERR_EXTERNAL,
     "Install the package of the extension for this major."},
    {CAUSE_SOURCE, "canceling statement due to lock timeout", ERR_TIMEOUT,
     "A table of the source is locked for long. Try again when it is free."},
};

static void block_free(void *block)
{
    g_string_free(block, TRUE);
}

ToolErrors *tool_errors_new(const char *tool)
{
    ToolErrors *errors = g_new0(ToolErrors, 1);

    errors->side = g_str_has_prefix(tool, "pg_dump") ? CAUSE_SOURCE : CAUSE_TARGET;
    errors->prefix = g_strconcat(tool, ": ", NULL);
    errors->blocks = g_ptr_array_new_with_free_func(block_free);
    return errors;
}

void tool_errors_free(ToolErrors *errors)
{
    if (!errors)
        return;
    g_free(errors->prefix);
    g_free(errors->entry);
    g_free(errors->first);
    g_free(errors->first_entry);
    g_ptr_array_unref(errors->blocks);
    g_free(errors);
}

static void tool_errors_append(ToolErrors *errors, const char *line)
{
    if (errors->open && errors->open->len + strlen(line) < BLOCK_BYTES_MAX)
        g_string_append_printf(errors->open, "%s\n", line);
}

/* "from TOC entry 216; 1259 24577 TABLE places alice": from the fourth word on. */
static void tool_errors_set_entry(ToolErrors *errors, const char *text)
{
    g_auto(GStrv) words = g_strsplit(text, " ", 7);

    g_free(errors->entry);
    errors->entry = g_strdup(g_strv_length(words) == 7 ? words[6] : text);
}

static void tool_errors_begin(ToolErrors *errors, const char *message)
{
    errors->count++;
    errors->open = NULL;
    if (!errors->first) {
        g_auto(GStrv) parts = g_strsplit(message, "ERROR:  ", 2);
        errors->first = g_strjoinv("ERROR: ", parts);
        errors->first_entry = g_strdup(errors->entry);
    }
    if (errors->blocks->len < BLOCKS_MAX) {
        errors->open = g_string_new(NULL);
        g_ptr_array_add(errors->blocks, errors->open);
        if (errors->entry)
            tool_errors_append(errors, errors->entry);
        tool_errors_append(errors, message);
    }
    g_clear_pointer(&errors->entry, g_free);
}

/* psql says "psql:<stdin>:12: ERROR:  …"; the others "pg_dump: error: …". */
static const char *tool_errors_message(const ToolErrors *errors, const char *line)
{
    static const char *const levels[] = {"error: ", "fatal: ", NULL};

    if (!g_str_has_prefix(line, errors->prefix))
        return NULL;
    for (const char *const *level = levels; *level; level++)
        if (g_str_has_prefix(line + strlen(errors->prefix), *level))
            return line + strlen(errors->prefix) + strlen(*level);
    return NULL;
}

void tool_errors_line(ToolErrors *errors, const char *line)
{
    const char *message = tool_errors_message(errors, line);

    if (message) {
        tool_errors_begin(errors, message);
        return;
    }
    if (!g_str_has_prefix(line, errors->prefix)) {
        tool_errors_append(errors, line); /* goes on with the block, if one is open */
        return;
    }
    const char *text = line + strlen(errors->prefix);
    const char *level_end = strstr(text, ": ");
    if (g_str_has_prefix(text, "detail: ") || g_str_has_prefix(text, "hint: "))
        tool_errors_append(errors, level_end + 2);
    else
        errors->open = NULL;
    if (g_str_has_prefix(text, "from TOC entry "))
        tool_errors_set_entry(errors, text);
}

static const KnownCause *tool_errors_cause(const ToolErrors *errors, const char *text)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known_causes); i++) {
        const KnownCause *cause = &known_causes[i];

        if ((cause->side == CAUSE_ANY || cause->side == errors->side) && strstr(text, cause->text))
            return cause;
    }
    return NULL;
}

static char *tool_errors_detail(const ToolErrors *errors)
{
    GString *detail = g_string_new(NULL);

    for (unsigned i = 0; i < errors->blocks->len; i++)
        g_string_append(detail, ((GString *)errors->blocks->pdata[i])->str);
    if (errors->count > BLOCKS_MAX)
        g_string_append_printf(detail, "… and %d more errors\n", errors->count - BLOCKS_MAX);
    return g_strchomp(g_string_free(detail, FALSE));
}

Error *tool_errors_take(const ToolErrors *errors, Error *failure)
{
    if (!failure || !errors->first || failure->code == ERR_TIMEOUT)
        return failure; /* what it says when it is stopped is not why */
    g_autoptr(Error) replaced = failure;
    g_autofree char *detail = tool_errors_detail(errors);
    const KnownCause *cause = tool_errors_cause(errors, detail);
    Error *e = error_new(cause ? cause->code : ERR_EXTERNAL, "%s%s", errors->prefix, errors->first);

    e = error_detail(e, "%s", detail);

    if (errors->first_entry)
        e = error_wrap(e, "%s", errors->first_entry);
    return cause && cause->hint ? error_hint(e, "%s", cause->hint) : e;
}
