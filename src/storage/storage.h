/*
 * Pools of copy-on-write storage: volumes (writable data) and snapshots (immutable). For the caller
 * they do not depend on each other. The front validates, dispatches, wraps errors and measures
 * time. It is the only file that knows the table of drivers.
 *
 * With every driver, a pool that is mounted at <mount> has:
 *   <mount>/.ramet/pool.json                    identity of the pool: name, driver, created
 *   <mount>/volumes/<name>/<data_sub_dir>       a volume's data directory
 *   <mount>/volumes/<name>/.ramet/manifest.json what the volume is
 *   <mount>/snapshots/<name>/…                  the same for snapshots, read-only
 * Names are [a-z0-9_.-], 1..63 bytes, starting with a letter or digit.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "storage/manifest.h"

typedef struct Pool Pool;

/* What a driver can do, as data. */
typedef struct StorageTraits {
    bool atomic_snapshot; /* of a running PostgreSQL; otherwise the caller stops it first     */
    bool exact_diff;      /* storage_diff_bytes() is exact and cheap enough for every listing */
    bool limits_volumes;  /* storage_limit_volume(); btrfs needs quotas, too                  */
    bool constant_cost;   /* cloning does not cost more with the number of files              */
} StorageTraits;

typedef struct PoolSpec {
    const char *name;   /* directory name under the mount directory */
    const char *mount;  /* absolute path                            */
    const char *driver; /* NULL = as its pool.json says             */
    const char *image;  /* file or device to mount; NULL = none     */
    const char *data_sub_dir;
    const char *owner;    /* operating-system user who owns data directories */
    bool is_to_look;      /* nothing is changed: beside a running server            */
    const char *instance; /* the server's identity: locks others out; NULL = a command of its own */
} PoolSpec;

/*
 * storage_create_pool - make a pool. With an image, make the file (sparse), or take the empty
 * device, format it and mount it (noatime) at spec->mount. Without one, take the file system that
 * is mounted there.
 *
 *   size_bytes   of the image; without one it does not count
 *
 * Errors: ERR_CONFLICT the image exists, something is mounted or lies at the mount point, or a pool
 *         is there; ERR_NOT_FOUND without an image: no such directory; ERR_INVALID a relative path,
 *         an unknown driver (hint: the known ones), too small; ERR_NO_SPACE; ERR_EXTERNAL mkfs,
 *         losetup or mount (detail).
 * Undo:   on failure everything that was made is removed; later storage_destroy_pool().
 */
MUST_CHECK Error *storage_create_pool(const PoolSpec *spec, uint64_t size_bytes);

/*
 * storage_destroy_pool - unmount and detach the pool, and delete its image or clear its device. On
 * a file system of somebody else, remove only what is Ramet's. A device without a pool that can be
 * seen, as one that is not mounted and is_forced, is left as it is. A missing pool is success.
 *
 *   is_forced   with all that is in it; on somebody else's file system only what has a manifest
 *
 * Errors: ERR_CONFLICT volumes or snapshots are in it, or it is another pool; ERR_BUSY files are
 *         open in it (hint); ERR_EXTERNAL.
 */
MUST_CHECK Error *storage_destroy_pool(const PoolSpec *spec, bool is_forced);

/*
 * storage_open_pool - mount it if it has an image and is not mounted, check it, and open it. With
 * is_to_look nothing is mounted: ERR_NOT_FOUND.
 *
 *   ret_pool   caller closes with storage_close_pool()
 *
 * Errors: ERR_NOT_FOUND no pool there (hint: pool create), no image, no such owner; ERR_CONFLICT it
 *         has another name or driver, or belongs to another server (hint); ERR_INVALID; ERR_BUSY
 *         the image or the pool is in use (hint); ERR_EXTERNAL cannot be mounted or used.
 */
MUST_CHECK Error *storage_open_pool(const PoolSpec *spec, Pool **ret_pool);

/* Adds a user; each user calls storage_close_pool(). */
Pool *storage_ref_pool(Pool *pool);

/* True while somebody else has a reference, too. */
bool storage_pool_is_shared(Pool *pool);

/* Ends one use; the last one forgets the pool. The pool stays mounted. */
void storage_close_pool(Pool *pool);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Pool, storage_close_pool)

/*
 * Checks that what was opened is still there. Each verb does so by itself. Cost: two stat(2).
 *
 * Errors: ERR_EXTERNAL it was unmounted, or its image was deleted or truncated (hints).
 */
MUST_CHECK Error *storage_check_pool(const Pool *pool);

const char *storage_pool_name(const Pool *pool);
const char *storage_pool_driver(const Pool *pool);
StorageTraits storage_pool_traits(const Pool *pool);

/* Absolute path of the data directory of a volume or snapshot, there or not; caller frees. */
char *storage_volume_data(const Pool *pool, const char *volume);
char *storage_snapshot_data(const Pool *pool, const char *snapshot);

/*
 * The five verbs. Each writes the manifest that it is given into the new thing. Every destroy may
 * be repeated, also after a crash in the middle. Destroying something missing is success.
 *
 * Cost that grows with the number of other clones: with lvm, whose programs write the books of all
 * volumes anew; with zfs, a line of the mount table for each; overlay's destroy_snapshot looks at
 * each.
 *
 * Errors: ERR_INVALID a name; ERR_CONFLICT what is to be made exists; ERR_NOT_FOUND its origin does
 *         not; ERR_NO_SPACE only the last hundredth of the pool is left, 16 to 256 MiB (hint; not
 *         of a destroy); ERR_EXTERNAL.
 * Undo:   the destroy of the same name.
 */
MUST_CHECK Error *storage_create_volume(Pool *pool, const char *volume, const Manifest *manifest);
MUST_CHECK Error *storage_snapshot(Pool *pool, const char *volume, const char *snapshot,
                                   const Manifest *manifest);
MUST_CHECK Error *storage_clone(Pool *pool, const char *snapshot, const char *volume,
                                const Manifest *manifest);
MUST_CHECK Error *storage_destroy_volume(Pool *pool, const char *volume);
MUST_CHECK Error *storage_destroy_snapshot(Pool *pool, const char *snapshot);

typedef struct StorageEntry {
    char *name;
    bool is_snapshot;
    Manifest *manifest; /* NULL when it has none that can be read: not ours, or half made */
    struct StorageForeign *foreign; /* of another program, storage_foreign.h; NULL = ours */
} StorageEntry;

/* What really exists: GPtrArray of StorageEntry *; caller unrefs. Lists the whole pool. */
MUST_CHECK Error *storage_list(Pool *pool, GPtrArray **ret_entries);

/* Makes what was written to a volume durable (before a snapshot of loaded data). */
MUST_CHECK Error *storage_sync(Pool *pool, const char *volume);

/* True when there is a pool at this mount point, whoever made it. */
bool storage_is_pool(const char *mount);

/* Names of all drivers, NULL-terminated, for messages and tests. */
const char *const *storage_driver_names(void);
