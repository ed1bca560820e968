/*
 * What a storage driver offers. A driver is one file and one const table; the front calls it with
 * checked names, and never twice at once for one name. To add one: write the file, add one line to
 * the table in storage.c, pass the contract suite.
 */
#pragma once

#include <glib.h>

#include "storage/image.h"
#include "storage/measure.h"

typedef struct StorageDriver {
    const char *name; /* in pool.json; "mode" in the API */
    StorageTraits traits;
    const char *const *format_argv; /* program that makes the file system; the device is appended */
    uint64_t size_min;              /* smallest image that works, bytes                           */
    int64_t file_system;       /* f_type of statfs(2) that it is the first choice for; 0 = none */
    const ImageOps *image_ops; /* NULL = a loop device                                       */
    /* Once, in a new image of ours and nowhere else: may change the format. NULL = nothing. */
    Error *(*prepare)(const char *mount);
    /*
     * Checks that the mounted file system can do it; sets *ret_private. To work, it also mounts and
     * collects what a crash has left. To look, beside a server at work, it changes nothing at all,
     * and neither does what measures, lists and checks; nothing else is called then.
     */
    Error *(*open)(const char *mount, bool is_to_look, void **ret_private);
    void (*close)(void *private);
    /* Takes what open() added beside the directories out of an empty pool. NULL = nothing. */
    Error *(*dismantle)(const char *mount);
    /*
     * Paths are absolute: <mount>/volumes/<name> or <mount>/snapshots/<name>. The manifest is for
     * storage that can carry an identity itself: the front writes the file.
     */
    Error *(*create_volume)(void *private, const char *volume_path, const Manifest *manifest);
    Error *(*snapshot)(void *private, const char *volume_path, const char *snapshot_path,
                       const Manifest *manifest);
    Error *(*clone)(void *private, const char *snapshot_path, const char *volume_path,
                    const Manifest *manifest);
    Error *(*destroy)(void *private, const char *path);     /* a missing one is success */
    Error *(*mend)(void *private, const char *volume_path); /* NULL = nothing to be done */
    Error *(*usage)(void *private, SpaceUsage *ret_usage);  /* NULL = what statvfs(3) says */
    /* What decides, at next to no cost, whether a new volume fits; NULL = what statvfs(3) says. */
    Error *(*space)(void *private, SpaceUsage *ret_usage);
    Error *(*diff_bytes)(void *private, const char *volume_path, uint64_t *ret_bytes,
                         bool *ret_is_exact);
    Error *(*snapshot_bytes)(void *private, const char *snapshot_path,
                             uint64_t *ret_bytes);                 /* NULL = unknown */
    Error *(*snapshots_bytes)(void *private, uint64_t *ret_bytes); /* NULL = unknown */
    /* As storage_limit_volume(), within what is checked there; by the traits. */
    Error *(*limit)(void *private, const char *volume_path, uint64_t bytes);
    Error *(*sync)(void *private, const char *volume_path); /* NULL = syncfs(2) */
    /*
     * Snapshots of another program, see storage_foreign.h: adds a StorageEntry * for each. Destroying one
     * only forgets it. And one without a manifest for what people made by hand. NULL = neither.
     */
    Error *(*list_foreign)(void *private, GPtrArray *entries);
    Error *(*show_foreign)(void *private, const char *snapshot_path, bool is_shown);
    /* The mounted file system takes all of its device. NULL = it does so by itself. */
    Error *(*grow)(const char *mount);
    /* What is wrong with it, in its own words: char * are added to problems. NULL = it has none. */
    Error *(*check)(const char *mount, GPtrArray *problems);
} StorageDriver;

extern const StorageDriver btrfs_driver;
extern const StorageDriver lvm_driver;
extern const StorageDriver overlay_driver;
extern const StorageDriver reflink_driver;
extern const StorageDriver zfs_driver;
