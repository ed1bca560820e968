/*
 * pg_control is read as it is: its head has been the same since 9.6, what we need is in the head, and
 * not every installation has the program that prints it. Source: src/include/catalog/pg_control.h.
 */
#include "postgres/controldata.h"

#include <string.h>

#include "base/fs.h"
#include "postgres/version.h"

#define CONTROL_FILE_MAX 65536 /* it is 8 KiB */
#define CRC32C_REVERSED  0x82f63b78u

/* ControlFileData up to its state; the writer's byte order, which is ours. */
typedef struct ControlHead {
    uint64_t system_identifier;
    uint32_t control_version;
    uint32_t catalog_version;
    uint32_t state;
} ControlHead;

/* DBState, as pg_controldata calls them. */
static const char *const control_states[] = {
    "starting up",       "shut down",           "shut down in recovery", "shutting down",
    "in crash recovery", "in archive recovery", "in production",
};
#define CONTROL_SHUT_DOWN 1

static uint32_t control_crc(const char *bytes, size_t size)
{
    uint32_t crc = UINT32_MAX;

    for (size_t i = 0; i < size; i++) {
        crc ^= (unsigned char)bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = (crc >> 1) ^ (crc & 1 ? CRC32C_REVERSED : 0);
    }
    return ~crc;
}

static Error *control_check_crc(const char *bytes, size_t size, size_t offset)
{
    uint32_t stored = 0;

    if (offset == 0)
        return NULL;
    if (size < offset + sizeof(stored))
        return error_new(ERR_INVALID, "pg_control is too short");
    memcpy(&stored, bytes + offset, sizeof(stored));
    if (stored != control_crc(bytes, offset))
        return error_new(ERR_INVALID, "pg_control is damaged: its checksum is wrong");
    return NULL;
}

static Error *control_check_version(int64_t found, int64_t major)
{
    g_autofree char *name = version_name(major);
    int64_t expected = version_control(major);

    if (expected == 0 || expected == found)
        return NULL;
    return error_new(ERR_INVALID,
                     "pg_control is of version %" G_GINT64_FORMAT ", but that of PostgreSQL %s "
                     "is %" G_GINT64_FORMAT,
                     found, name, expected);
}

Error *control_data_parse(const char *bytes, size_t size, int64_t major, ControlData *ret_data)
{
    ControlHead head;

    if (size < sizeof(head))
        return error_new(ERR_INVALID, "pg_control is too short");
    memcpy(&head, bytes, sizeof(head));
    TRY(control_check_version(head.control_version, major));
    TRY(control_check_crc(bytes, size, version_control_crc_offset(major)));
    if (head.state >= G_N_ELEMENTS(control_states))
        return error_new(ERR_INVALID, "pg_control tells an unknown state: %u", head.state);

    *ret_data = (ControlData){
        .version = head.control_version,
        .state = control_states[head.state],
        .is_shut_down = head.state == CONTROL_SHUT_DOWN,
    };
    return NULL;
}

Error *control_data_read(const char *data_dir, int64_t major, ControlData *ret_data)
{
    g_autofree char *path = g_build_filename(data_dir, "global", "pg_control", NULL);
    g_autofree char *bytes = NULL;
    size_t size = 0;

    Error *e = fs_read_plain_bytes(path, CONTROL_FILE_MAX, &bytes, &size);
    if (!e)
        e = control_data_parse(bytes, size, major, ret_data);
    return e ? error_wrap(e, "reading the control data of \"%s\"", data_dir) : NULL;
}
