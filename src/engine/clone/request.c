/*
 * Checking what a client asks for. Most rules are a table of (broken?, words); the rest need the
 * store.
 */
#include "engine/clone/request.h"

#include <string.h>

#include "base/clock.h"
#include "base/secret.h"
#include "engine/clone/limits.h"
#include "engine/instance/programs.h"
#include "engine/lease.h"
#include "engine/pool/pools.h"
#include "engine/pool/space.h"
#include "engine/snapshot/snapshot.h"
#include "postgres/conf.h"
#include "postgres/installation.h"

#define CLONE_ID_MAX        255
#define CLONE_NAME_MAX      63 /* NAMEDATALEN - 1: PostgreSQL would cut longer names silently */
#define CLONE_PASSWORD_MAX  1024
#define CLONE_PASSWORD_BITS 60

typedef struct RequestRule {
    bool is_broken;
    const char *message;
    const char *hint;
} RequestRule;

static bool request_id_is_good(const char *id)
{
    static GRegex *pattern;

    if (g_once_init_enter(&pattern))
        g_once_init_leave(&pattern,
                          g_regex_new("^[a-zA-Z0-9][a-zA-Z0-9_.-]*\\z", G_REGEX_OPTIMIZE, 0, NULL));
    return strlen(id) <= CLONE_ID_MAX && g_regex_match(pattern, id, 0, NULL);
}

/* A name as PostgreSQL can hold it without cutting it: any text without control characters. */
static bool request_name_is_good(const char *name)
{
    if (strlen(name) > CLONE_NAME_MAX || !g_utf8_validate(name, -1, NULL))
        return false;
    for (const char *c = name; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f)
            return false;
    return true;
}

static bool request_role_is_reserved(const char *name)
{
    return g_str_has_prefix(name, "pg_") || g_str_equal(name, "public") ||
           g_str_equal(name, "none");
}

/* Many ids are names of branches: what is asked for, with "-" where it has what an id cannot have. */
static Error *request_check_id(const char *id)
{
    g_autoptr(GRegex) strange = NULL;
    g_autofree char *mended = NULL;
    Error *e = NULL;

    if (!*id || request_id_is_good(id))
        return NULL;
    e = error_new(ERR_INVALID, "clone ID must start with a letter or number and can only contain "
                               "letters, numbers, underscores, periods, and hyphens");
    strange = g_regex_new("^[^a-zA-Z0-9]+|[^a-zA-Z0-9_.-]+", G_REGEX_RAW, 0, NULL);
    mended = g_regex_replace(strange, id, -1, 0, "-", 0, NULL);
    while (*mended == '-')
        memmove(mended, mended + 1, strlen(mended));
    if (!request_id_is_good(mended))
        return error_hint(e, "Choose such an id of at most 255 bytes, or leave it out to get one.");
    return error_hint(e, "Use \"-\": \"%s\".", mended);
}

static Error *request_check_texts(const CloneRequest *request)
{
    const RequestRule rules[] = {
        {!*request->username && !*request->password, "missing both DB username and password",
         "Give db.username and db.password: the clone gets this user."},
        {!*request->username, "missing DB username", "Give db.username: the clone gets this user."},
        {!*request->password, "missing DB password", "Give db.password: the clone's user gets it."},
        {!request_name_is_good(request->username),
         "DB username must be UTF-8 without control characters, at most 63 bytes",
         "Choose a shorter or simpler name: PostgreSQL cannot hold this one."},
        {!request_name_is_good(request->db_name),
         "DB name must be UTF-8 without control characters, at most 63 bytes",
         "Give a database of the source, or leave it out."},
        {request_role_is_reserved(request->username),
         "DB username must not be \"public\" or \"none\" nor start with \"pg_\": PostgreSQL "
         "reserves them",
         "Choose another name."},
        {strlen(request->password) > CLONE_PASSWORD_MAX, "DB password must be at most 1024 bytes",
         "Shorten it: 20 random characters are strong enough."},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rules); i++)
        if (rules[i].is_broken)
            return error_hint(error_new(ERR_INVALID, "%s", rules[i].message), "%s", rules[i].hint);
    TRY(request_check_id(request->id));
    Error *e = secret_check_password(request->password, CLONE_PASSWORD_BITS);
    return error_hint(error_wrap(e, "password validation"),
                      "It needs %d bits of entropy: 11 characters that mix lower case, upper case "
                      "and digits, or 13 of lower case, without runs like \"aaa\" or \"123\".",
                      CLONE_PASSWORD_BITS);
}

static Error *request_find_snapshot(Engine *engine, const CloneRequest *request,
                                    Snapshot **ret_snapshot)
{
    if (*request->snapshot_id) {
        Error *e = snapshot_check_id(request->snapshot_id);
        if (e)
            return error_wrap(e, "failed to detect pool name for the snapshot %s",
                              request->snapshot_id);
        TRY(snapshot_check_pool(engine, request->snapshot_id));
        return store_get_snapshot(engine->store, request->snapshot_id, ret_snapshot);
    }
    const char *branch = *request->branch ? request->branch : "main";
    Error *e = engine_latest_snapshot(engine, branch, ret_snapshot);
    if (!e || e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    if (!g_str_equal(branch, "main")) {
        e = error_new(ERR_INVALID, "failed to found dataset of the branch: %s", branch);
        return error_hint(e, "This server has one branch: main.");
    }
    e = error_new(ERR_NOT_FOUND, "no snapshot found");
    return error_hint(e, "Make one with a full refresh: ramet refresh --watch");
}

static Error *request_check_settings(Engine *engine, const CloneRequest *request,
                                     const Snapshot *snapshot)
{
    g_autoptr(Installation) installation = NULL;

    TRY(programs_find(engine, snapshot->pg_major, &installation));
    if (!request->extra_conf || json_object_size(request->extra_conf) == 0)
        return NULL;
    Error *e = conf_check_names(request->extra_conf);
    if (!e)
        e = programs_check_settings(engine, installation, request->extra_conf);
    if (e && e->code == ERR_INVALID && !e->hint)
        e = error_hint(e, "Correct the setting in extra_conf, or leave it out.");
    return e;
}

static Error *request_check_space(Engine *engine, const CloneRequest *request,
                                  const Snapshot *snapshot)
{
    g_autoptr(Pool) pool = NULL;

    TRY(engine_find_pool(engine, snapshot->pool, &pool));
    TRY(error_wrap(clone_limits_check_disk(engine, request->limits, pool), "limits"));
    return space_check(engine, pool, 0);
}

Error *clone_request_check(Engine *engine, const CloneRequest *request, Snapshot **ret_snapshot)
{
    g_autoptr(Snapshot) snapshot = NULL;

    TRY(request_check_texts(request));
    TRY(request_find_snapshot(engine, request, &snapshot));
    TRY(request_check_settings(engine, request, snapshot));
    TRY(request_check_space(engine, request, snapshot));
    TRY(clone_limits_check(engine, request->limits, NULL));
    *ret_snapshot = g_steal_pointer(&snapshot);
    return NULL;
}

int64_t clone_protection_end(Engine *engine, bool is_protected, bool has_duration,
                             int64_t duration_minutes)
{
    g_autoptr(Config) config = engine_config(engine);
    const CloningConfig *cloning = &config->cloning;
    const LeaseRules rules = {cloning->protection_lease_minutes, cloning->protection_max_minutes};
    const LeaseRequest request = {is_protected, has_duration, duration_minutes};

    return lease_end(&rules, &request, clock_now_ms());
}
