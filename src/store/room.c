/*
 * The reserve is given up before anything fails for want of space, and taken again well above that.
 */
#include "store/room.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"

#define ROOM_RESERVE_BYTES (UINT64_C(4) << 20)
#define ROOM_LOW_BYTES     (UINT64_C(1) << 20) /* below that the reserve is given up           */
#define ROOM_AGAIN_BYTES   (UINT64_C(8) << 20) /* with so much free it is taken again          */

/*
 * What everybody may take: what a file system keeps for root is in part for its own use, as ext4's.
 * Of a directory that cannot be asked nothing is known: all is free.
 */
static uint64_t room_free(const Room *room)
{
    g_autofree char *dir = g_path_get_dirname(room->path);
    struct statvfs status;

    if (statvfs(dir, &status) < 0)
        return UINT64_MAX;
    return (uint64_t)status.f_frsize * status.f_bavail;
}

static void room_give_up(Room *room)
{
    g_autoptr(Error) e = fs_remove(room->path);

    room->is_held = e != NULL;
}

static void room_take(Room *room)
{
    AUTO_FD fd = open(room->path, O_WRONLY | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600);

    room->is_held = fd >= 0 && posix_fallocate(fd, 0, (off_t)ROOM_RESERVE_BYTES) == 0;
    if (fd >= 0 && !room->is_held)
        room_give_up(room);
}

void room_look(Room *room)
{
    room->free_bytes = room_free(room);
    if (room->is_held && room->free_bytes < ROOM_LOW_BYTES)
        room_give_up(room);
    else if (!room->is_held && room->free_bytes >= ROOM_AGAIN_BYTES)
        room_take(room);
}

void room_open(Room *room, const char *state_dir)
{
    struct stat status;

    room->path = g_build_filename(state_dir, "ramet.reserve", NULL);
    room->is_held =
        lstat(room->path, &status) == 0 && (uint64_t)status.st_blocks * 512 >= ROOM_RESERVE_BYTES;
    room_look(room);
}

void room_close(Room *room)
{
    g_clear_pointer(&room->path, g_free);
}

Error *room_check(const Room *room)
{
    if (room->is_held || !room->path)
        return NULL;

    g_autofree char *dir = g_path_get_dirname(room->path);
    g_autofree char *free_text = text_format_size(room->free_bytes);
    g_autofree char *needed = text_format_size(ROOM_AGAIN_BYTES);
    Error *e =
        error_new(ERR_NO_SPACE, "the disk of the state directory \"%s\" is full: %s are free", dir,
                  free_text);

    return error_hint(e,
                      "Free some space there: from %s on, clones can be made again. Destroying "
                      "works meanwhile.",
                      needed);
}
