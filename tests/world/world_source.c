/*
 * The source of a refresh, and PostgreSQL's own programs that copy it.
 */
#include "world_private.h"

#include <string.h>

#include "base/outside.h"
#include "engine/pool/space.h"
#include "plan.h"
#include "postgres/controldata.h"
#include "postgres/owners.h"
#include "postgres/role_catalog.h"
#include "retrieval/orphan.h"
#include "runtime/runtime.h"

/* --- programs --- */

static const char *program_option(const ProcSpec *spec, const char *prefix)
{
    for (const char *const *word = spec->argv; *word; word++)
        if (g_str_has_prefix(*word, prefix))
            return *word + strlen(prefix);
    return NULL;
}

/* pg_dump alone leaves something behind on this machine. */
static void program_write_dump(const char *directory)
{
    g_autofree char *path = g_build_filename(directory, "toc.dat", NULL);

    g_assert_true(g_file_set_contents(path, "", 0, NULL));
}

static Error *program_run(const ProcSpec *spec)
{
    const char *dump = program_option(spec, "--file=");

    outside_call(__func__);
    TRY(plan_before(spec->argv[0]));
    if (dump)
        program_write_dump(dump);
    return plan_after();
}

Error *runtime_run(Runtime *runtime, const ProcSpec *spec, ProcResult *ret_result)
{
    return program_run(spec);
}

Error *runtime_run_inside(Runtime *runtime, const ProcSpec *spec, ProcResult *ret_result)
{
    return program_run(spec);
}

/* None outlives the server that has started it. */
char *orphan_mark(const char *id)
{
    return g_strdup(id);
}

Error *orphans_stop(const char *id)
{
    return world_touch();
}

/* --- what is asked of the data that is filled --- */

Error *control_data_read(const char *data_dir, int64_t major, ControlData *ret_data)
{
    outside_call(__func__);
    *ret_data = (ControlData){.is_shut_down = !world_runs_on(data_dir), .state = "in production"};
    return NULL;
}

Error *space_check(Engine *engine, Pool *pool, uint64_t needed_bytes)
{
    return world_touch();
}

/* --- roles --- */

Error *role_catalog_read(Conn *conn, bool with_passwords, RoleCatalog **ret_catalog)
{
    *ret_catalog = NULL;
    return world_touch();
}

void role_catalog_free(RoleCatalog *catalog)
{
}

Error *role_catalog_write(const RoleCatalog *catalog, Conn *conn, const char *manager,
                          BatchRefused refused, void *data)
{
    return world_touch();
}

Error *owners_make_manager(Conn *conn, const char *manager)
{
    return world_touch();
}

Error *owners_settle(const ConnSpec *server, const char *manager)
{
    return world_touch();
}
