/*
 * Growing a pool in which clones run: its image, the device over it, then the file system. Each
 * step may be repeated: after a crash the same command goes on where it was.
 */
#include "storage/storage_care.h"

#include <errno.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/text.h"
#include "storage/device.h"
#include "storage/loopfile.h"
#include "storage/pool.h"
#include "storage/pool_file.h"

static Error *grow_check_request(const PoolSpec *spec, uint64_t size_bytes)
{
    bool is_file = spec->image && !device_is(spec->image);

    if (is_file && size_bytes == 0)
        return error_hint(error_new(ERR_INVALID, "the new size is missing"), "Add --size 20G.");
    if (!is_file && size_bytes > 0)
        return error_hint(error_new(ERR_INVALID, "the pool has no image, so it has no size to set"),
                          "Enlarge its device, then grow the pool without --size.");
    if (loopfile_is_mounted(spec->mount) || !spec->image)
        return NULL;
    return error_hint(error_new(ERR_NOT_FOUND, "the pool is not mounted at \"%s\"", spec->mount),
                      "Start rametd: it mounts it. It may run while the pool grows.");
}

static Error *grow_check_image(const char *image, uint64_t size_bytes)
{
    struct stat status;

    if (stat(image, &status) < 0)
        return error_errno(errno, "could not look at image \"%s\"", image);
    if (size_bytes >= (uint64_t)status.st_size)
        return NULL;

    g_autofree char *size_text = text_format_size((uint64_t)status.st_size);

    return error_hint(
        error_new(ERR_INVALID, "the pool has %s: it cannot shrink", size_text),
        "For a smaller pool make another one; refreshes go to it, and this one can be "
        "destroyed when its clones are gone.");
}

static Error *pool_grow(const PoolSpec *spec, uint64_t size_bytes)
{
    g_auto(PoolFile) file = {0};
    PoolSpec found = *spec;
    const StorageDriver *driver = NULL;

    TRY(grow_check_request(spec, size_bytes));
    TRY(pool_file_read(spec->mount, &file));
    TRY(pool_check_identity(spec, &file));
    TRY(driver_find(file.driver, &driver));
    found.driver = file.driver;
    if (spec->image && !device_is(spec->image)) {
        TRY(grow_check_image(spec->image, size_bytes));
        TRY(driver_image_ops(&found)->grow(spec->image, size_bytes));
    }
    return driver_grow(driver, spec->mount);
}

Error *storage_grow_pool(const PoolSpec *spec, uint64_t size_bytes)
{
    return error_wrap(pool_grow(spec, size_bytes), "growing pool \"%s\"", spec->name);
}
