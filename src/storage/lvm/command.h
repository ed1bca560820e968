/*
 * Running LVM's programs, one a step. What they change is not copied to /etc/lvm/archive: a copy of
 * the whole volume group for each clone would make each more expensive than the one before.
 */
#pragma once

#include "storage/manifest.h"

/* Tags of everything of ours: the first of each logical volume, and then what it is. */
#define LVM_TAG_POOL     "ramet.pool=" /* the logical volume at the pool's mount point */
#define LVM_TAG_VOLUME   "ramet.volume="
#define LVM_TAG_SNAPSHOT "ramet.snapshot="

/* Where a pool lives: the thin volume mounted at its mount point is its root. */
typedef struct LvmPlace {
    char *vg;
    char *root;
    char *pool; /* thin pool */
} LvmPlace;

void lvm_place_clear(LvmPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(LvmPlace, lvm_place_clear)

/*
 * lvm_run - run one of LVM's programs to its end, in the C locale.
 *
 *   ret_output   its stdout; caller frees; NULL = not wanted
 *
 * Errors: ERR_NOT_FOUND, ERR_CONFLICT, ERR_BUSY and ERR_NO_SPACE by what it says; ERR_EXTERNAL for
 *         the rest (detail: its stderr; hint when it is missing or too old).
 */
MUST_CHECK Error *lvm_run(const char *const *argv, char **ret_output);

/* The same for a few words. */
MUST_CHECK Error *lvm_do(const char *program, ...) G_GNUC_NULL_TERMINATED;

/*
 * lvm_report - ask lvs, pvs or vgs.
 *
 *   fields   columns, NULL-terminated
 *   target   what to report on: a name, a device
 *   select   NULL, or which of them
 *
 * Rows as lvm_parse_report() returns them; sizes in bytes.
 */
MUST_CHECK Error *lvm_report(const char *program, const char *const *fields, const char *target,
                             const char *select, GPtrArray **ret_rows);

/*
 * lvm_make - lvcreate of a logical volume of ours, tagged with who it is.
 *
 *   path   <mount>/volumes/<name> or <mount>/snapshots/<name>
 *   …      options and the origin's name, NULL-terminated
 */
MUST_CHECK Error *lvm_make(const LvmPlace *place, const char *path, const Manifest *manifest,
                           ...) G_GNUC_NULL_TERMINATED;

/* For --select: what belongs to this pool. Caller frees. */
char *lvm_selection(const LvmPlace *place);

/* "<vg>/<lv>" and "/dev/<vg>/<lv>"; caller frees. */
char *lvm_name(const LvmPlace *place, const char *lv);
char *lvm_device(const LvmPlace *place, const char *lv);

/*
 * The pool whose root is mounted there. ERR_INVALID when it is no logical volume, or not a thin one
 * (hint: how to make one).
 */
MUST_CHECK Error *lvm_find_place(const char *mount, LvmPlace *ret_place);
