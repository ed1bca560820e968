/*
 * Dumping: pg_dump in directory format, one database after the other, the largest first. The data
 * is as of the start of the first dump; databases are not of one moment, as pg_dump sees one at a
 * time.
 */
#include "base/clock.h"
#include "retrieval/dump_dir.h"
#include "retrieval/orphan.h"
#include "retrieval/sampler.h"
#include "retrieval/tool.h"

static void dump_expect(const Work *work)
{
    for (unsigned d = 0; d < work->source->databases->len; d++) {
        const SourceDatabase *database = work->source->databases->pdata[d];
        for (unsigned i = 0; i < database->objects->len; i++) {
            const SourceObject *object = database->objects->pdata[i];
            if (object->kind == PROGRESS_TABLE)
                progress_expect(work->retrieval->progress, database->name, object->kind,
                                object->name, object->tag, object->bytes);
        }
    }
}

/* The undo must know what was made, also after a crash. */
static void dump_record(Operation *operation)
{
    Work *work = operation->work;
    const LogicalDumpConfig *config = &work_config(work)->retrieval.dump;
    json_t *names = json_array();

    for (unsigned i = 0; i < work->source->databases->len; i++) {
        const SourceDatabase *database = work->source->databases->pdata[i];
        json_array_append_new(names, json_string(database->name));
    }
    json_object_set_new(work->args, "dumps", names);
    json_object_set_new(work->args, "dumpLocation", json_string(config->dump_location));
    work_save_args(operation);
}

static Error *dump_run_tool(const Work *work, const SourceDatabase *database)
{
    const LogicalDumpConfig *config = &work_config(work)->retrieval.dump;
    g_autofree char *path = dump_dir_path(config->dump_location, database->name);
    g_autofree char *conninfo = NULL;
    g_autoptr(Tool) tool = NULL;

    TRY(source_conninfo(work->source, database->name, &conninfo));
    TRY(tool_new(work, "pg_dump", &tool));
    tool_use_source(tool);
    tool_arg(tool, "--create");
    tool_arg(tool, "--no-password");
    tool_arg(tool, "--verbose");
    tool_arg(tool, "--dbname=%s", conninfo);
    tool_arg(tool, "--jobs=%" G_GINT64_FORMAT, MAX(config->parallel_jobs, 1));
    tool_arg(tool, "--compress=1"); /* read once, soon: time matters more than bytes */
    tool_arg_list(tool, "--table", database->tables);
    tool_arg_list(tool, "--exclude-table", database->exclude_tables);
    tool_arg_list(tool, "", config->custom_options);
    tool_arg(tool, "--format=directory");
    tool_arg(tool, "--file=%s", path);
    return dump_dir_explain(tool_run(tool, NULL, NULL), path, work_config(work)->postgres.os_user);
}

static Error *dump_database(const Work *work, const SourceDatabase *database)
{
    const Config *config = work_config(work);
    Progress *progress = work->retrieval->progress;
    g_autoptr(Sampler) sampler = NULL;

    TRY(dump_dir_make(config->retrieval.dump.dump_location, database->name,
                      config->postgres.os_user));
    progress_begin(progress, database->name, config->retrieval.dump.parallel_jobs > 1);
    sampler = sampler_start_source(work, database->name);
    TRY(dump_run_tool(work, database));
    progress_end(progress);
    return NULL;
}

Error *step_dump(Operation *operation)
{
    Work *work = operation->work;

    dump_record(operation);
    TRY(store_update_operation(work->engine->store, operation->row));
    dump_expect(work);
    work->data_state_at_ms = clock_now_ms();
    for (unsigned i = 0; i < work->source->databases->len; i++) {
        const SourceDatabase *database = work->source->databases->pdata[i];
        Error *e = dump_database(work, database);
        if (e)
            return error_wrap(e, "database \"%s\"", database->name);
    }
    return NULL;
}

Error *dump_discard_all(const Work *work)
{
    const char *location = json_string_value(json_object_get(work->args, "dumpLocation"));
    size_t i;
    json_t *name;

    json_array_foreach (json_object_get(work->args, "dumps"), i, name)
        TRY(dump_dir_remove(location, json_string_value(name)));
    return NULL;
}

Error *undo_dump(Operation *operation)
{
    const Work *work = operation->work;

    TRY(orphans_stop(work->volume));
    return dump_discard_all(work);
}
