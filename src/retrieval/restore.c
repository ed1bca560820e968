/*
 * Restoring: roles first, then pg_restore for each database, the largest first.
 */
#include "postgres/owners.h"
#include "retrieval/difference.h"
#include "retrieval/dump_dir.h"
#include "retrieval/roles.h"
#include "retrieval/sampler.h"
#include "retrieval/tool.h"

static const json_t *restore_options(const Work *work, const char *database)
{
    return json_object_get(work_config(work)->retrieval.restore.databases, database);
}

static bool restore_takes(const Work *work, const char *database)
{
    return json_object_size(work_config(work)->retrieval.restore.databases) == 0 ||
           restore_options(work, database);
}

static void restore_expect(const Work *work)
{
    for (unsigned d = 0; d < work->source->databases->len; d++) {
        const SourceDatabase *database = work->source->databases->pdata[d];
        for (unsigned i = 0; restore_takes(work, database->name) && i < database->objects->len;
             i++) {
            const SourceObject *object = database->objects->pdata[i];
            progress_expect(work->retrieval->progress, database->name, object->kind, object->name,
                            object->tag, object->bytes);
        }
    }
}

/* initdb has made these: they are filled, all others are created. */
static bool restore_exists_already(const char *database)
{
    return g_str_equal(database, "postgres") || g_str_equal(database, "template1");
}

static Error *restore_run_tool(const Work *work, const char *database)
{
    const LogicalRestoreConfig *config = &work_config(work)->retrieval.restore;
    g_autofree char *path =
        dump_dir_path(work_config(work)->retrieval.dump.dump_location, database);
    g_autoptr(Tool) tool = NULL;

    TRY(tool_new(work, "pg_restore", &tool));
    tool_use_target(tool);
    if (!restore_exists_already(database))
        tool_arg(tool, "--create");
    tool_arg(tool, "--dbname=%s", restore_exists_already(database) ? database : "postgres");
    tool_arg(tool, "--no-password");
    tool_arg(tool, "--no-tablespaces"); /* their directories are the source's */
    tool_arg(tool, "--verbose");
    tool_arg(tool, "--jobs=%" G_GINT64_FORMAT, MAX(config->parallel_jobs, 1));
    tool_arg_list(tool, "--table", json_object_get(restore_options(work, database), "tables"));
    tool_arg_list(tool, "", config->custom_options);
    tool_arg(tool, "%s", path);
    return tool_run(tool, NULL, NULL);
}

/* A dump is the source in plain: it goes as soon as its data is where it belongs. */
static void restore_discard_dump(const Work *work, const char *database)
{
    error_ignore(dump_dir_remove(work_config(work)->retrieval.dump.dump_location, database),
                 "the dump stays until a refresh copies this database again");
}

/* The configuration may ignore errors of single objects, not a dead server or a full disk. */
static Error *restore_judge(const Work *work, Error *e)
{
    if (!e)
        return NULL;
    if (!runtime_is_running(work->engine->runtime, work->volume))
        return work_with_log(work, e);
    if (e->code == ERR_NO_SPACE || e->code == ERR_TIMEOUT ||
        !work_config(work)->retrieval.restore.ignore_errors)
        return e;
    error_ignore(e, "logicalRestore has ignoreErrors: true");
    return NULL;
}

static Error *restore_database(const Work *work, const SourceDatabase *database)
{
    Progress *progress = work->retrieval->progress;
    g_autoptr(Sampler) sampler = NULL;

    progress_begin(progress, database->name,
                   work_config(work)->retrieval.restore.parallel_jobs > 1);
    sampler = sampler_start_target(work);
    TRY(restore_judge(work, restore_run_tool(work, database->name)));
    progress_end(progress);
    return NULL;
}

/* So that a restricted clone need not look at each object for what its user must own. */
static Error *restore_settle_owners(const Work *work)
{
    const EngineInstance instance = work_instance(work);
    const InstanceLine line = {work->engine, &instance};
    const ConnSpec server = instance_server(&line, NULL);

    return owners_settle(&server, work_config(work)->global.database_username);
}

Error *step_restore(Operation *operation)
{
    Work *work = operation->work;

    restore_expect(work);
    Error *roles_error = roles_copy(work);
    if (roles_error)
        return error_wrap(roles_error, "copying roles");
    error_ignore(difference_tell(work), "how the copy differs from its source is not told");
    for (unsigned i = 0; i < work->source->databases->len; i++) {
        const SourceDatabase *database = work->source->databases->pdata[i];
        if (!restore_takes(work, database->name))
            continue;
        Error *e = restore_database(work, database);
        if (e)
            return error_wrap(e, "database \"%s\"", database->name);
        restore_discard_dump(work, database->name);
    }
    error_ignore(dump_discard_all(work), "dumps that were not restored stay");
    return restore_settle_owners(work);
}
