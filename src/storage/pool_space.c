/*
 * What a file system and the disk below it say, and what is enough.
 */
#include "storage/pool_space.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "base/text.h"
#include "storage/loopfile.h"

#define RESERVE_MIN     (UINT64_C(16) << 20)
#define RESERVE_MAX     (UINT64_C(256) << 20)
#define RESERVE_DIVISOR 100

Error *pool_space_ask(const char *mount, SpaceUsage *ret_usage)
{
    struct statvfs status;

    if (statvfs(mount, &status) < 0)
        return error_errno(errno, "could not look at \"%s\"", mount);
    *ret_usage = (SpaceUsage){
        .size_bytes = (uint64_t)status.f_blocks * status.f_frsize,
        .used_bytes = (uint64_t)(status.f_blocks - status.f_bfree) * status.f_frsize,
        .free_bytes = (uint64_t)status.f_bavail * status.f_frsize,
        .compress_ratio = 1.0,
    };
    return NULL;
}

Error *pool_space_subtract_missing(const char *image, SpaceUsage *usage)
{
    uint64_t missing_bytes = 0;

    if (image)
        TRY(loopfile_missing_bytes(image, &missing_bytes));
    usage->free_bytes -= MIN(usage->free_bytes, missing_bytes);
    return NULL;
}

Error *pool_space_check(const SpaceUsage *usage)
{
    uint64_t reserve = CLAMP(usage->size_bytes / RESERVE_DIVISOR, RESERVE_MIN, RESERVE_MAX);
    g_autofree char *free_text = text_format_size(usage->free_bytes);

    if (usage->free_bytes >= reserve)
        return NULL;
    return error_hint(error_new(ERR_NO_SPACE, "the pool is full: %s free", free_text),
                      "Destroy clones and snapshots that nobody needs, or make the pool larger.");
}
