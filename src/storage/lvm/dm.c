/*
 * ioctls of /dev/mapper/control, which are stable, rather than libdevmapper: that keeps its
 * descriptor in a global variable, opened without CLOEXEC, and may not be used by several threads.
 */
#include "storage/lvm/dm.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/dm-ioctl.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/fs.h"

#define DM_BUFFER_BYTES 16384
#define DM_SECTOR_BYTES 512
#define POOL_LAYER      "tpool" /* LVM's name for the device behind a thin pool in use */

/* The header of a request, with room for what goes with it and comes back. */
static struct dm_ioctl *dm_request_new(const LvmPlace *place)
{
    g_autofree char *name = lvm_mapper_name(place->vg, place->pool, POOL_LAYER);
    struct dm_ioctl *request = g_malloc0(DM_BUFFER_BYTES);

    request->version[0] = DM_VERSION_MAJOR;
    request->data_size = DM_BUFFER_BYTES;
    request->data_start = sizeof(*request);
    g_strlcpy(request->name, name, sizeof(request->name));
    return request;
}

static Error *dm_call(const LvmPlace *place, unsigned long command, struct dm_ioctl *request)
{
    AUTO_FD fd = open("/dev/" DM_DIR "/" DM_CONTROL_NODE, O_RDWR | O_CLOEXEC);

    if (fd < 0)
        return error_errno(errno, "could not open the device mapper");
    if (ioctl(fd, command, request) == 0)
        return NULL;
    if (errno == ENXIO)
        return error_new(ERR_NOT_FOUND, "thin pool \"%s/%s\" is not active", place->vg,
                         place->pool);
    if (errno == EBUSY)
        return error_new(ERR_BUSY, "thin pool \"%s/%s\" is busy", place->vg, place->pool);
    return error_errno(errno, "could not ask thin pool \"%s/%s\"", place->vg, place->pool);
}

Error *lvm_dm_pool_state(const LvmPlace *place, LvmPoolState *ret_state)
{
    g_autofree struct dm_ioctl *request = dm_request_new(place);
    LvmPoolState state = {0};

    TRY(dm_call(place, DM_TABLE_STATUS, request));

    const char *data = (const char *)request + request->data_start;
    const struct dm_target_spec *target = (const void *)data;

    if (request->target_count != 1 || !g_str_equal(target->target_type, "thin-pool"))
        return error_new(ERR_EXTERNAL, "\"%s/%s\" is not a thin pool", place->vg, place->pool);
    TRY(lvm_parse_pool_status(data + sizeof(*target), &state.status));
    state.size_bytes = target->length * DM_SECTOR_BYTES;
    state.block_bytes = state.size_bytes / state.status.data_total;
    *ret_state = state;
    return NULL;
}

Error *lvm_dm_message(const LvmPlace *place, const char *message)
{
    g_autofree struct dm_ioctl *request = dm_request_new(place);
    struct dm_target_msg *target = (void *)((char *)request + request->data_start);

    g_strlcpy(target->message, message,
              DM_BUFFER_BYTES - sizeof(*request) - offsetof(struct dm_target_msg, message));
    return dm_call(place, DM_TARGET_MSG, request);
}
