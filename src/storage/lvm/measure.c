/*
 * thin_ls reads a snapshot of the metadata, of which a pool has one at a time. While it is held,
 * nothing that is destroyed gives its space back: a file beside the pool's identity says that it is
 * ours, and is there before it, so that what a killed run held is let go.
 */
#include "storage/lvm/measure.h"

#include "base/fs.h"
#include "storage/layout.h"
#include "storage/lvm/dm.h"
#include "storage/lvm/parse.h"
#include "storage/program.h"

#define MEASURE_AGE_MIN_US     G_USEC_PER_SEC
#define MEASURE_AGE_FACTOR     20 /* at most a twentieth of the time is spent on measuring */
#define MEASURE_TIMEOUT_MS     120000
#define HOLDING_FILE           LAYOUT_PRIVATE "/holds-metadata"
#define METADATA_BLOCK_BYTES   4096
#define METADATA_LOW_DIVISOR   20
#define METADATA_PLENTY_FACTOR 4 /* a quarter of the metadata is plenty for all of the data */

struct LvmMeasure {
    const LvmPlace *place;
    const char *mount;
    bool is_to_look;
    GMutex lock;
    int64_t until_us; /* the answer is good, monotonic; 0 = not measured */
    bool is_exact;
    GHashTable *volumes; /* name of the logical volume → uint64_t * */
};

LvmMeasure *lvm_measure_new(const LvmPlace *place, const char *mount, bool is_to_look)
{
    LvmMeasure *measure = g_new0(LvmMeasure, 1);

    measure->place = place;
    measure->mount = mount;
    measure->is_to_look = is_to_look;
    g_mutex_init(&measure->lock);
    return measure;
}

void lvm_measure_free(LvmMeasure *measure)
{
    g_mutex_clear(&measure->lock);
    g_clear_pointer(&measure->volumes, g_hash_table_unref);
    g_free(measure);
}

void lvm_measure_forget(LvmMeasure *measure)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&measure->lock);

    measure->until_us = 0;
}

/* --- the pool --- */

/* What the kernel keeps for itself, a tenth, counts as used already. */
static uint64_t metadata_free(const LvmPoolStatus *status)
{
    return status->metadata_total - status->metadata_used;
}

static SpaceUsage measure_usage(const LvmPoolState *state)
{
    const LvmPoolStatus *status = &state->status;
    uint64_t data_free = (status->data_total - status->data_used) * state->block_bytes;
    double metadata_share = (double)metadata_free(status) / (double)status->metadata_total;
    uint64_t metadata_room =
        (uint64_t)((double)state->size_bytes * METADATA_PLENTY_FACTOR * metadata_share);

    return (SpaceUsage){
        .size_bytes = state->size_bytes,
        .used_bytes = status->data_used * state->block_bytes,
        .free_bytes = status->is_writable ? MIN(data_free, metadata_room) : 0,
        .compress_ratio = 1.0,
    };
}

Error *lvm_measure_pool(const LvmPlace *place, SpaceUsage *ret_usage)
{
    LvmPoolState state = {0};

    TRY(lvm_dm_pool_state(place, &state));
    *ret_usage = measure_usage(&state);
    return NULL;
}

static Error *measure_check_writable(const LvmPlace *place, const LvmPoolStatus *status)
{
    if (status->needs_check)
        return error_hint(error_new(ERR_EXTERNAL, "the metadata of thin pool \"%s/%s\" is damaged",
                                    place->vg, place->pool),
                          "Stop what uses the pool, then: lvchange -an %s; lvconvert --repair "
                          "%s/%s.",
                          place->vg, place->vg, place->pool);
    if (status->is_writable &&
        metadata_free(status) > status->metadata_total / METADATA_LOW_DIVISOR)
        return NULL;
    return error_hint(
        error_new(ERR_NO_SPACE,
                  "the metadata of thin pool \"%s/%s\" is %s: %" G_GUINT64_FORMAT
                  " of %" G_GUINT64_FORMAT " MiB",
                  place->vg, place->pool,
                  status->is_writable ? "nearly full" : "full, which makes the pool read-only",
                  status->metadata_used * METADATA_BLOCK_BYTES >> 20,
                  status->metadata_total * METADATA_BLOCK_BYTES >> 20),
        "%s: lvextend --poolmetadatasize +%" G_GUINT64_FORMAT "M %s/%s.",
        status->is_writable ? "Destroy clones and snapshots that nobody needs, or make it larger"
                            : "Make it larger; nothing can be written or destroyed until then",
        status->metadata_total * METADATA_BLOCK_BYTES >> 20, place->vg, place->pool);
}

Error *lvm_measure_space(const LvmPlace *place, SpaceUsage *ret_usage)
{
    LvmPoolState state = {0};

    TRY(lvm_dm_pool_state(place, &state));
    TRY(measure_check_writable(place, &state.status));
    *ret_usage = measure_usage(&state);
    return NULL;
}

/* --- volumes --- */

static char *holding_path(const char *mount)
{
    return g_build_filename(mount, HOLDING_FILE, NULL);
}

static Error *measure_hold(const LvmPlace *place, const char *mount)
{
    g_autofree char *path = holding_path(mount);
    const FsWrite how = {.is_durable = true};

    TRY(fs_write_file(path, "", &how));

    Error *e = lvm_dm_message(place, "reserve_metadata_snap");

    if (e)
        error_ignore(fs_remove(path), "it says that we hold what we do not");
    return e;
}

static Error *measure_let_go(const LvmPlace *place, const char *mount)
{
    g_autofree char *path = holding_path(mount);

    TRY(lvm_dm_message(place, "release_metadata_snap"));
    return fs_remove(path);
}

Error *lvm_measure_recover(const LvmPlace *place, const char *mount)
{
    g_autofree char *path = holding_path(mount);
    LvmPoolState state = {0};

    if (!fs_exists(path))
        return NULL;
    TRY(lvm_dm_pool_state(place, &state));
    return state.status.has_metadata_holder ? measure_let_go(place, mount) : fs_remove(path);
}

static Error *measure_run_thin_ls(const LvmPlace *place, char **ret_output)
{
    g_autofree char *mapper = lvm_mapper_name(place->vg, place->pool, NULL);
    g_autofree char *metadata = g_strconcat("/dev/mapper/", mapper, "_tmeta", NULL);
    const char *const argv[] = {
        "thin_ls", "--metadata-snap", "--no-headers", "-o", "DEV,EXCLUSIVE_BYTES", metadata, NULL};

    return program_ask(argv, MEASURE_TIMEOUT_MS, ret_output);
}

/* Thin device id → bytes. */
static Error *measure_devices(const LvmPlace *place, const char *mount, GHashTable **ret_bytes)
{
    g_autofree char *output = NULL;

    TRY(lvm_measure_recover(place, mount));
    TRY(measure_hold(place, mount));

    Error *e = measure_run_thin_ls(place, &output);

    error_ignore(measure_let_go(place, mount), "it is let go when sizes are asked for next");
    return e ? e : lvm_parse_thin_list(output, ret_bytes);
}

static Error *measure_list(const LvmPlace *place, GPtrArray **ret_rows)
{
    static const char *const fields[] = {"lv_name", "thin_id", NULL};
    g_autofree char *selection = lvm_selection(place);

    return lvm_report("lvs", fields, place->vg, selection, ret_rows);
}

static Error *measure_join(LvmMeasure *measure, const GPtrArray *rows, GHashTable *devices)
{
    g_clear_pointer(&measure->volumes, g_hash_table_unref);
    measure->volumes = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);
        guint64 id = 0;

        if (!g_ascii_string_to_unsigned(row[1], 10, 0, G_MAXUINT32, &id, NULL))
            return error_new(ERR_EXTERNAL, "lvs printed \"%.40s\" for a thin id", row[1]);

        const uint64_t *bytes = devices ? g_hash_table_lookup(devices, &id) : NULL;

        g_hash_table_insert(measure->volumes, g_strdup(row[0]),
                            g_memdup2(bytes ? bytes : &(uint64_t){0}, sizeof(*bytes)));
    }
    return NULL;
}

/* The snapshot of the metadata is the server's: who only looks leaves it alone. */
static Error *measure_all(LvmMeasure *measure)
{
    int64_t started_us = g_get_monotonic_time();
    g_autoptr(GPtrArray) rows = NULL;
    g_autoptr(GHashTable) devices = NULL;

    TRY(measure_list(measure->place, &rows));

    Error *e =
        measure->is_to_look ? NULL : measure_devices(measure->place, measure->mount, &devices);

    measure->is_exact = !e && !measure->is_to_look;
    error_ignore(e, "sizes of volumes are not known");
    TRY(measure_join(measure, rows, devices));

    int64_t now_us = g_get_monotonic_time();

    measure->until_us =
        now_us + MAX(MEASURE_AGE_MIN_US, MEASURE_AGE_FACTOR * (now_us - started_us));
    return NULL;
}

Error *lvm_measure_volume(LvmMeasure *measure, const char *path, uint64_t *ret_bytes,
                          bool *ret_is_exact)
{
    g_autoptr(GMutexLocker) locker G_GNUC_UNUSED = g_mutex_locker_new(&measure->lock);
    g_autofree char *lv = lvm_volume_name(measure->place->root, path);
    const uint64_t *bytes = NULL;

    if (g_get_monotonic_time() < measure->until_us)
        bytes = g_hash_table_lookup(measure->volumes, lv);
    if (!bytes) { /* too old, or made since */
        TRY(measure_all(measure));
        bytes = g_hash_table_lookup(measure->volumes, lv);
    }
    if (!bytes)
        return error_new(ERR_NOT_FOUND, "there is no logical volume \"%s\"", lv);
    *ret_bytes = *bytes;
    *ret_is_exact = measure->is_exact;
    return NULL;
}
