/*
 * Differences between the source and its copy.
 */
#include "retrieval/difference.h"

#include "base/log.h"
#include "postgres/version.h"

/* Each part but the first follows a separator. */
static void difference_separate(GString *text, gsize begin, const char *separator)
{
    if (text->len > begin)
        g_string_append(text, separator);
}

static void difference_append_major(GString *text, int64_t source, int64_t here)
{
    g_autofree char *there_name = version_name(source);
    g_autofree char *here_name = version_name(here);

    if (source != here)
        g_string_append_printf(text, "PostgreSQL %s instead of %s", here_name, there_name);
}

/* NULL: somebody has chosen so, or every server has it. */
static const char *difference_why_left_out(const Source *source, const SourceDatabase *database)
{
    if (database->is_misnamed)
        return "its name is no UTF-8";
    if (source->is_chosen || g_str_equal(database->name, "template0") ||
        g_str_equal(database->name, "template1"))
        return NULL;
    if (!database->is_open)
        return "closed to everybody";
    if (!database->may_connect)
        return "closed to the source's user";
    return "a template";
}

static void difference_append_databases(GString *text, const Source *source)
{
    g_autoptr(GString) names = g_string_new(NULL);

    for (unsigned i = 0; i < source->others->len; i++) {
        const SourceDatabase *database = source->others->pdata[i];
        const char *why = difference_why_left_out(source, database);
        if (!why)
            continue;
        difference_separate(names, 0, ", ");
        g_string_append_printf(names, "\"%s\" (%s)", database->name, why);
    }
    if (names->len == 0)
        return;
    difference_separate(text, 0, "; ");
    g_string_append_printf(text, "databases left out: %s", names->str);
}

static void difference_append_extensions(GString *text, const SourceDatabase *database,
                                         GHashTable *versions)
{
    for (unsigned i = 0; i < database->extensions->len; i++) {
        const SourceExtension *extension = database->extensions->pdata[i];
        const char *version = g_hash_table_lookup(versions, extension->name);

        if (!version || g_str_equal(version, extension->version))
            continue;
        difference_separate(text, 0, "; ");
        g_string_append_printf(text, "extension \"%s\" of database \"%s\": %s instead of %s",
                               extension->name, database->name, version, extension->version);
    }
}

char *difference_text(const Source *source, int64_t major, GHashTable *versions)
{
    GString *text = g_string_new(NULL);

    difference_append_major(text, source->major, major);
    difference_append_databases(text, source);
    for (unsigned i = 0; i < source->databases->len; i++)
        difference_append_extensions(text, source->databases->pdata[i], versions);
    return g_string_free(text, FALSE);
}

/* What pg_restore makes of CREATE EXTENSION without a version. */
static Error *difference_read_versions(const Work *work, GHashTable *versions)
{
    const EngineInstance instance = work_instance(work);
    g_autoptr(Conn) conn = NULL;
    g_autoptr(Rows) rows = NULL;

    TRY(instance_connect(work->engine, &instance, "postgres", &conn));
    TRY(conn_query(conn, &rows,
                   "SELECT name, default_version FROM pg_catalog.pg_available_extensions "
                   "WHERE default_version IS NOT NULL",
                   NULL));
    for (int i = 0; i < rows_count(rows); i++)
        g_hash_table_insert(versions, g_strdup(rows_text(rows, i, 0)),
                            g_strdup(rows_text(rows, i, 1)));
    return NULL;
}

Error *difference_tell(const Work *work)
{
    g_autoptr(GHashTable) versions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    TRY(difference_read_versions(work, versions));
    g_autofree char *text = difference_text(work->source, work->installation->major, versions);
    if (*text)
        log_info("the copy differs from its source", "differences", text);
    return NULL;
}
