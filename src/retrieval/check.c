/*
 * Everything that can be known to fail, before anything long begins.
 */
#include <locale.h>

#include "base/text.h"
#include "engine/instance/programs.h"
#include "engine/pool/space.h"
#include "postgres/conf.h"
#include "postgres/version.h"
#include "retrieval/extension.h"
#include "retrieval/roles.h"

/* --- the source's databases --- */

static Error *check_hint_extension(Error *e, const Work *work, const char *name)
{
    g_autofree char *package = extension_package(name, work->installation->major);

    if (work->installation->image)
        return error_hint(e, "Use an image that has it: on Debian its package is, probably, %s.",
                          package);
    return error_hint(e, "Install its package, probably: apt-get install %s", package);
}

static Error *check_database_extensions(const Work *work, const SourceDatabase *database)
{
    for (unsigned i = 0; i < database->extensions->len; i++) {
        const SourceExtension *extension = database->extensions->pdata[i];
        if (installation_has_extension(work->installation, extension->name))
            continue;
        g_autofree char *version = version_name(work->installation->major);
        Error *e = error_new(
            ERR_EXTERNAL,
            "database \"%s\" uses the extension \"%s\" %s, which is not installed here for "
            "PostgreSQL %s",
            database->name, extension->name, extension->version, version);
        return check_hint_extension(e, work, extension->name);
    }
    return NULL;
}

static bool locale_is_installed(const char *name)
{
    locale_t locale = newlocale(LC_ALL_MASK, name, (locale_t)0);

    if (locale == (locale_t)0)
        return false;
    freelocale(locale);
    return true;
}

/* Of an image, initdb and CREATE DATABASE find it out. */
static Error *check_database_locale(const Work *work, const SourceDatabase *database)
{
    const char *names[] = {database->collate, database->ctype};

    if (work->installation->image)
        return NULL;
    for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
        if (!*names[i] || locale_is_installed(names[i]))
            continue;
        Error *e = error_new(ERR_EXTERNAL,
                             "database \"%s\" uses the locale \"%s\", which is not installed here",
                             database->name, names[i]);
        return error_hint(
            e, "Install it: on Debian, apt-get install locales, add it to /etc/locale.gen, and run "
               "locale-gen.");
    }
    return NULL;
}

static Error *check_databases(const Work *work)
{
    const Source *source = work->source;

    for (unsigned i = 0; i < source->databases->len; i++) {
        TRY(check_database_extensions(work, source->databases->pdata[i]));
        TRY(check_database_locale(work, source->databases->pdata[i]));
    }
    return check_database_locale(work, source->defaults);
}

/* --- what the configuration asks for --- */

static bool source_has_database(const Source *source, const char *name)
{
    for (unsigned i = 0; i < source->databases->len; i++)
        if (g_str_equal(((const SourceDatabase *)source->databases->pdata[i])->name, name))
            return true;
    return false;
}

static Error *check_restore_list(const Work *work)
{
    const char *name;
    json_t *options;

    json_object_foreach (work_config(work)->retrieval.restore.databases, name, options)
        if (!source_has_database(work->source, name))
            return error_hint(error_new(ERR_INVALID,
                                        "database \"%s\" is to be restored, but is not "
                                        "dumped",
                                        name),
                              "Name it in retrieval.spec.logicalDump.options.databases "
                              "too.");
    return NULL;
}

/* Every new cluster has "postgres"; any other management database must come with the data. */
static Error *check_management_database(const Work *work)
{
    const char *name = work_config(work)->global.database_dbname;
    const json_t *restored = work_config(work)->retrieval.restore.databases;
    bool is_restored = json_object_size(restored) == 0 || json_object_get(restored, name) != NULL;

    if (g_str_equal(name, "postgres") || g_str_equal(name, "template1") ||
        (source_has_database(work->source, name) && is_restored))
        return NULL;
    return error_hint(
        error_new(ERR_INVALID, "the management database \"%s\" is not among those to copy", name),
        "Set global.database.dbname to \"postgres\" or to a database that is copied.");
}

static Error *check_ask(const json_t *settings, void *data)
{
    const Work *work = data;

    return programs_check_settings(work->engine, work->installation, settings);
}

/* The new data is built beside the old. */
static Error *check_space(const Work *work)
{
    return space_check(work->engine, work->pool, (uint64_t)source_total_bytes(work->source));
}

/* --- the step --- */

Error *step_check(Operation *operation)
{
    Work *work = operation->work;
    const LogicalDumpConfig *dump = &work_config(work)->retrieval.dump;

    TRY(jobs_check(work_config(work)));
    TRY(source_new(dump, &work->source));
    work->source->cancel = work->cancel;
    TRY(source_inspect(work->source, dump));
    TRY(programs_find_for_source(work->engine, work->source->major, &work->installation));
    TRY(roles_check(work));
    TRY(check_databases(work));
    TRY(check_restore_list(work));
    TRY(check_management_database(work));
    TRY(settings_check_all(work_config(work), check_ask, work));
    return check_space(work);
}
