/*
 * The properties that DBLab sets, as values. Its own ids are names of ZFS snapshots, so they are
 * kept as public ids; the internal name is made of the snapshot's guid, which no rename changes.
 */
#include "storage/zfs/dblab.h"

#include <string.h>

#include "base/clock.h"
#include "storage/zfs/command.h"
#include "storage/zfs/kept.h"
#include "storage/zfs/mount.h"
#include "storage/zfs/parse.h"

#define DBLAB_PROPERTIES                                                                           \
    "creation,guid,logicalreferenced,defer_destroy,dblab:datastateat,dle:branch,dle:parent,"       \
    "dle:message,dle:protected_till"
#define DBLAB_PRE_SUFFIX     "_pre"
#define DBLAB_EMPTY          "-"
#define DBLAB_FOREVER        "forever"
#define DBLAB_BRANCH_DIR     "/branch/"
#define DBLAB_BRANCH_DEFAULT "main"

/* Columns of a row of `zfs get`. */
enum {
    GET_NAME,
    GET_PROPERTY,
    GET_VALUE,
    GET_SOURCE,
    GET_COLUMNS
};

void dblab_snapshot_free(DblabSnapshot *snapshot)
{
    if (!snapshot)
        return;
    g_free(snapshot->snapshot);
    g_free(snapshot->name);
    manifest_free(snapshot->manifest);
    g_free(snapshot);
}

/* --- reading properties --- */

/* Set on the snapshot itself: what it inherits from its dataset says nothing of it. */
static bool dblab_is_own(const char *source)
{
    return g_str_equal(source, "-") || g_str_equal(source, "local") ||
           g_str_equal(source, "received");
}

static const char *dblab_get(GHashTable *properties, const char *name)
{
    const char *value = g_hash_table_lookup(properties, name);

    return value && !g_str_equal(value, DBLAB_EMPTY) ? value : "";
}

static uint64_t dblab_number(GHashTable *properties, const char *name)
{
    uint64_t value = 0;

    error_free(zfs_parse_number(dblab_get(properties, name), &value));
    return value;
}

/* Base64 of UTF-8. */
static char *dblab_message(GHashTable *properties)
{
    const char *encoded = dblab_get(properties, "dle:message");
    gsize length = 0;
    g_autofree guchar *decoded = g_base64_decode(encoded, &length);

    return g_utf8_make_valid((const char *)decoded, (gssize)length);
}

/* By its label, one or several names; without, by the dataset that it is in. */
static char *dblab_branch(GHashTable *properties, const char *id)
{
    const char *label = dblab_get(properties, "dle:branch");

    if (*label)
        return g_utf8_make_valid(label, (gssize)strcspn(label, ","));
    if (!g_str_has_prefix(id, DBLAB_BRANCH_DIR))
        return g_strdup(DBLAB_BRANCH_DEFAULT);
    id += strlen(DBLAB_BRANCH_DIR);
    return g_strndup(id, strcspn(id, "/@"));
}

static StorageForeign dblab_foreign(GHashTable *properties)
{
    const char *till = dblab_get(properties, "dle:protected_till");
    StorageForeign foreign = {.maker = "DBLab",
                              .logical_size = dblab_number(properties, "logicalreferenced"),
                              .is_protected = g_str_equal(till, DBLAB_FOREVER)};

    if (foreign.is_protected || !*till)
        return foreign;

    g_autoptr(Error) e = clock_parse_rfc3339(till, &foreign.protected_till_ms);

    if (e) /* it does not protect */
        foreign.protected_till_ms = 0;
    foreign.is_protected = foreign.protected_till_ms > clock_now_ms();
    return foreign;
}

static Manifest *dblab_manifest(GHashTable *properties, const char *name, const char *id,
                                int64_t data_state_at_ms)
{
    Manifest *manifest = g_new0(Manifest, 1);

    manifest->uid = g_strdup(name);
    manifest->kind = g_strdup("snapshot");
    manifest->id = g_strdup(id);
    manifest->pool = g_strdup("");
    manifest->branch = dblab_branch(properties, id);
    manifest->parent = g_strdup(dblab_get(properties, "dle:parent")); /* for now: its ZFS name */
    manifest->message = dblab_message(properties);
    manifest->owner = g_strdup("");
    manifest->data_state_at_ms = data_state_at_ms;
    manifest->created_at_ms = (int64_t)MIN(dblab_number(properties, "creation"), G_MAXINT32) * 1000;
    return manifest;
}

/* --- choosing --- */

char *zfs_foreign_name(uint64_t guid)
{
    return g_strdup_printf(STORAGE_FOREIGN_PREFIX "%016" G_GINT64_MODIFIER "x", guid);
}

/* What follows the dataset's name; NULL when the snapshot is in a dataset of ours. */
static const char *dblab_id(const char *snapshot, const char *dataset)
{
    const char *id = g_str_has_prefix(snapshot, dataset) ? snapshot + strlen(dataset) : NULL;

    if (!id || !strchr("/@", *id) || !strchr(id, '@') || g_str_has_suffix(id, DBLAB_PRE_SUFFIX) ||
        g_str_has_prefix(id, "/" ZFS_VOLUMES "/") || g_str_has_prefix(id, "/" ZFS_KEPT "/"))
        return NULL;
    return id;
}

static DblabSnapshot *dblab_snapshot(GHashTable *properties, const char *full, const char *dataset)
{
    const char *id = dblab_id(full, dataset);
    uint64_t guid = dblab_number(properties, "guid");
    int64_t data_state_at_ms = 0;

    if (!id || guid == 0 || g_str_equal(dblab_get(properties, "defer_destroy"), "on"))
        return NULL;

    g_autoptr(Error) e =
        clock_parse_stamp(dblab_get(properties, "dblab:datastateat"), &data_state_at_ms);

    if (e || data_state_at_ms <= 0)
        return NULL;

    DblabSnapshot *snapshot = g_new0(DblabSnapshot, 1);

    snapshot->snapshot = g_strdup(full);
    snapshot->name = zfs_foreign_name(guid);
    snapshot->manifest = dblab_manifest(properties, snapshot->name, id, data_state_at_ms);
    snapshot->foreign = dblab_foreign(properties);
    return snapshot;
}

/* Parents are known by their ZFS names; what is not in the list is no parent. */
static void dblab_link(GPtrArray *snapshots)
{
    g_autoptr(GHashTable) names = g_hash_table_new(g_str_hash, g_str_equal);

    for (guint i = 0; i < snapshots->len; i++) {
        const DblabSnapshot *snapshot = g_ptr_array_index(snapshots, i);

        g_hash_table_insert(names, snapshot->snapshot, snapshot->name);
    }
    for (guint i = 0; i < snapshots->len; i++) {
        Manifest *manifest = ((DblabSnapshot *)g_ptr_array_index(snapshots, i))->manifest;
        const char *parent = g_hash_table_lookup(names, manifest->parent);

        g_free(manifest->parent);
        manifest->parent = g_strdup(parent ? parent : "");
    }
}

static void dblab_take(GPtrArray *snapshots, GHashTable *properties, const char *full,
                       const char *dataset)
{
    DblabSnapshot *snapshot = full ? dblab_snapshot(properties, full, dataset) : NULL;

    if (snapshot)
        g_ptr_array_add(snapshots, snapshot);
    g_hash_table_remove_all(properties);
}

/* The rows of one snapshot follow each other. */
GPtrArray *zfs_dblab_parse(const char *output, const char *dataset)
{
    GPtrArray *snapshots = g_ptr_array_new_with_free_func((GDestroyNotify)dblab_snapshot_free);
    g_autoptr(GHashTable) properties =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    g_auto(GStrv) lines = g_strsplit(output, "\n", -1);
    g_autofree char *full = NULL;

    for (char **line = lines; *line; line++) {
        g_auto(GStrv) row = g_strsplit(*line, "\t", -1);

        if (g_strv_length(row) != GET_COLUMNS)
            continue;
        if (g_strcmp0(full, row[GET_NAME]) != 0) {
            dblab_take(snapshots, properties, full, dataset);
            g_free(full);
            full = g_strdup(row[GET_NAME]);
        }
        if (dblab_is_own(row[GET_SOURCE]))
            g_hash_table_insert(properties, g_strdup(row[GET_PROPERTY]), g_strdup(row[GET_VALUE]));
    }
    dblab_take(snapshots, properties, full, dataset);
    dblab_link(snapshots);
    return snapshots;
}

/* --- asking ZFS --- */

Error *zfs_dblab_list(const char *dataset, GPtrArray **ret_snapshots)
{
    const char *const argv[] = {"zfs",
                                "get",
                                "-Hp",
                                "-r",
                                "-t",
                                "snapshot",
                                "-o",
                                "name,property,value,source",
                                DBLAB_PROPERTIES,
                                dataset,
                                NULL};
    g_autofree char *output = NULL;

    TRY(zfs_run(argv, &output));
    *ret_snapshots = zfs_dblab_parse(output, dataset);
    return NULL;
}
