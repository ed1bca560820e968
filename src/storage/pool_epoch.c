/*
 * The file lies beside the pool's identity.
 */
#include "storage/pool_epoch.h"

#include "base/fs.h"
#include "base/number_file.h"
#include "base/outside.h"
#include "storage/layout.h"
#include "storage/pool.h"

static char *epoch_path(const char *mount)
{
    return g_build_filename(mount, LAYOUT_PRIVATE, "epoch", NULL);
}

Error *storage_epoch_seen(Pool *pool, int64_t *ret_epoch)
{
    g_autofree char *path = epoch_path(pool->mount);
    Error *e = number_file_read(path, ret_epoch);

    outside_call(__func__);
    if (!e || e->code != ERR_INVALID)
        return e;
    error_free(e); /* a power cut may leave an empty one */
    *ret_epoch = 0;
    return NULL;
}

Error *storage_epoch_tell(Pool *pool, int64_t epoch)
{
    g_autofree char *path = epoch_path(pool->mount);

    outside_call(__func__);
    TRY(storage_check_pool(pool));
    return number_file_write(path, epoch);
}

Error *pool_epoch_remove(const char *mount)
{
    g_autofree char *path = epoch_path(mount);

    return fs_remove(path);
}
