/*
 * What a volume group has free goes to the thin pool: most to its data, a sixty-fourth to its
 * metadata and as much to LVM's spare for that; and as much again stays free, to enlarge the
 * metadata should it run full. Metadata first: a call that was cut short goes on when repeated.
 */
#include "storage/lvm/care.h"

#include <string.h>

#include "storage/lvm/dm.h"
#include "storage/lvm/measure.h"
#include "storage/lvm/parse.h"

#define EXTENTS_KEPT     4
#define METADATA_DIVISOR 64

typedef struct LvmRoom {
    uint64_t size_bytes;
    uint64_t free_bytes;
    uint64_t extent_bytes;
} LvmRoom;

static Error *care_parse_bytes(const char *field, uint64_t *ret_bytes)
{
    guint64 bytes = 0;

    if (!g_ascii_string_to_unsigned(field, 10, 0, INT64_MAX, &bytes, NULL))
        return error_new(ERR_EXTERNAL, "vgs printed \"%.40s\" for a size", field);
    *ret_bytes = bytes;
    return NULL;
}

/* Of a group that we made: a user's free space is not ours to take. */
static Error *care_find_room(const LvmPlace *place, LvmRoom *ret_room)
{
    static const char *const fields[] = {"vg_tags", "vg_size", "vg_free", "vg_extent_size", NULL};
    g_autoptr(GPtrArray) rows = NULL;

    TRY(lvm_report("vgs", fields, place->vg, NULL, &rows));

    char **row = rows->len == 1 ? g_ptr_array_index(rows, 0) : NULL;

    if (!row || !strstr(row[0], LVM_TAG_IMAGE))
        return error_hint(
            error_new(ERR_INVALID, "volume group \"%s\" was not made by Ramet", place->vg),
            "Enlarge its thin pool yourself, it is seen at once: lvextend -L +10G %s/%s.",
            place->vg, place->pool);
    TRY(care_parse_bytes(row[1], &ret_room->size_bytes));
    TRY(care_parse_bytes(row[2], &ret_room->free_bytes));
    return care_parse_bytes(row[3], &ret_room->extent_bytes);
}

static Error *care_extend(const LvmPlace *place, const char *option, uint64_t bytes)
{
    g_autofree char *pool = lvm_name(place, place->pool);
    g_autofree char *size = g_strdup_printf("+%" G_GUINT64_FORMAT "b", bytes);

    return bytes > 0 ? lvm_do("lvextend", "-y", option, size, pool, NULL) : NULL;
}

static Error *care_give(const LvmPlace *place, const LvmRoom *room)
{
    uint64_t extent = room->extent_bytes;
    uint64_t kept = MAX(room->size_bytes / METADATA_DIVISOR, EXTENTS_KEPT * extent);

    if (room->free_bytes < kept + extent)
        return NULL;

    uint64_t given = room->free_bytes - kept;
    uint64_t metadata = given / METADATA_DIVISOR / extent * extent;

    TRY(care_extend(place, "--poolmetadatasize", metadata));
    return care_extend(place, "-L", (given - 2 * metadata) / extent * extent);
}

Error *lvm_grow(const char *mount)
{
    g_auto(LvmPlace) place = {0};
    LvmRoom room = {0};

    TRY(lvm_find_place(mount, &place));
    TRY(care_find_room(&place, &room));
    return care_give(&place, &room);
}

/* Half of it: LVM's spare for the metadata grows along. */
static Error *care_give_kept(const LvmPlace *place)
{
    LvmRoom room = {0};

    TRY(care_find_room(place, &room));

    uint64_t given = room.free_bytes / 2 / room.extent_bytes * room.extent_bytes;

    return given > 0 ? care_extend(place, "--poolmetadatasize", given)
                     : error_new(ERR_NO_SPACE, "volume group \"%s\" has nothing left", place->vg);
}

/* What it says when it cannot be done is what is wrong with the pool, and who may mend that. */
Error *lvm_relieve_metadata(const LvmPlace *place)
{
    LvmPoolState state = {.status.is_writable = true};
    SpaceUsage usage;

    error_ignore(lvm_dm_pool_state(place, &state), "what is done next says what is wrong");
    if (state.status.is_writable)
        return NULL;

    g_autoptr(Error) full = lvm_measure_space(place, &usage);

    if (!full || full->code != ERR_NO_SPACE)
        return g_steal_pointer(&full);

    g_autoptr(Error) e = care_give_kept(place);

    return e ? g_steal_pointer(&full) : NULL;
}

/* LVM's own words: "out_of_data", "metadata_read_only", "failed", "partial" … */
Error *lvm_check(const char *mount, GPtrArray *problems)
{
    static const char *const fields[] = {"lv_name", "lv_health_status", NULL};
    g_auto(LvmPlace) place = {0};
    g_autoptr(GPtrArray) rows = NULL;
    SpaceUsage usage = {0};

    TRY(lvm_find_place(mount, &place));
    TRY(lvm_report("lvs", fields, place.vg, NULL, &rows));
    for (guint i = 0; i < rows->len; i++) {
        char **row = g_ptr_array_index(rows, i);

        if (*row[1])
            g_ptr_array_add(problems, g_strdup_printf("lvs: %s/%s: %s", place.vg, row[0], row[1]));
    }

    g_autoptr(Error) e = lvm_measure_space(&place, &usage);

    if (e)
        g_ptr_array_add(problems, g_strdup(e->message));
    return NULL;
}
