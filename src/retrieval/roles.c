/*
 * Copying roles: from the catalogs of the source, through the one database that we may enter in any
 * case, into the new instance.
 */
#include "retrieval/roles.h"

#include "base/log.h"
#include "postgres/owners.h"
#include "postgres/role_catalog.h"

#define REFUSALS_TOLD 20

typedef struct RolesRefused {
    GString *told; /* a line each, the first few */
    int count;
} RolesRefused;

static Error *roles_read_with(const Work *work, bool with_passwords, RoleCatalog **ret_catalog)
{
    g_autoptr(Conn) conn = NULL;

    TRY(source_connect(work->source, NULL, &conn));
    return role_catalog_read(conn, with_passwords, ret_catalog);
}

static Error *roles_read(const Work *work, RoleCatalog **ret_catalog)
{
    if (work_config(work)->provision.keep_user_passwords) {
        Error *e = roles_read_with(work, true, ret_catalog);
        if (!e || e->code != ERR_DENIED)
            return e;
        error_ignore(e, "the source does not show passwords: roles come without them");
    }
    return roles_read_with(work, false, ret_catalog);
}

Error *roles_check(const Work *work)
{
    g_autoptr(RoleCatalog) catalog = NULL;

    Error *e = roles_read_with(work, false, &catalog);
    return e ? error_wrap(e, "reading the source's roles") : NULL;
}

static void roles_take_refusal(const char *what, Error *e, void *data)
{
    RolesRefused *refused = data;

    if (refused->count++ < REFUSALS_TOLD) {
        log_warn("a role could not be copied as it is", "what", what, "error", e->message);
        g_string_append_printf(refused->told, "%s: %s\n", what, e->message);
    }
    error_free(e);
}

static Error *roles_refusal(const RolesRefused *refused)
{
    if (refused->count == 0)
        return NULL;
    Error *e = error_new(ERR_EXTERNAL,
                         "%d of the source's roles, settings and memberships could "
                         "not be copied as they are",
                         refused->count);
    if (refused->count > REFUSALS_TOLD)
        g_string_append_printf(refused->told, "… and %d more\n", refused->count - REFUSALS_TOLD);
    e = error_detail(e, "%s", g_strchomp(refused->told->str));
    return error_hint(e, "Clones lack what is named; what else there is, is complete.");
}

Error *roles_copy(Work *work)
{
    const char *manager = work_config(work)->global.database_username;
    const EngineInstance instance = work_instance(work);
    g_autoptr(RoleCatalog) catalog = NULL;
    g_autoptr(GString) told = g_string_new(NULL);
    g_autoptr(Conn) conn = NULL;
    RolesRefused refused = {told, 0};

    TRY(roles_read(work, &catalog));
    TRY(instance_connect(work->engine, &instance, "postgres", &conn));
    TRY(owners_make_manager(conn, manager));
    TRY(role_catalog_write(catalog, conn, manager, roles_take_refusal, &refused));
    error_free(work->roles_warning);
    work->roles_warning = roles_refusal(&refused);
    return NULL;
}
