/*
 * What LVM's programs and the kernel's device mapper print, as values, and the names that LVM
 * allows. Pure functions: they look at their arguments and at nothing else.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"

/*
 * lvm_parse_report - the rows of a report made with --reportformat json.
 *
 *   kind       of the rows: "lv", "pv", "vg"
 *   fields     names of the columns that are wanted, NULL-terminated
 *   ret_rows   GPtrArray of GStrv, the values in the order of the fields; caller unrefs
 *
 * Errors: ERR_EXTERNAL no such report, or a row lacks a field.
 */
MUST_CHECK Error *lvm_parse_report(const char *output, const char *kind, const char *const *fields,
                                   GPtrArray **ret_rows);

/* What a failed program means by what it wrote to stderr; ERR_EXTERNAL when it is unknown. */
ErrorCode lvm_parse_failure(const char *errors);

/* True when it did not know one of the options that we give it: it is too old. */
bool lvm_parse_is_too_old(const char *errors);

/* State of a thin pool, in blocks: the metadata's have 4 kB, the data's the pool's chunk size. */
typedef struct LvmPoolStatus {
    uint64_t metadata_used;
    uint64_t metadata_total;
    uint64_t data_used;
    uint64_t data_total;
    bool is_writable;         /* has not become read-only, and has not failed */
    bool needs_check;         /* its metadata must be repaired first          */
    bool has_metadata_holder; /* somebody holds a snapshot of its metadata    */
} LvmPoolStatus;

/* The status line of the kernel's thin-pool target (dm-thin). ERR_EXTERNAL. */
MUST_CHECK Error *lvm_parse_pool_status(const char *line, LvmPoolStatus *ret_status);

/* Lines of two numbers, "<thin device id> <bytes>", of thin_ls(8): id → bytes. Caller unrefs. */
MUST_CHECK Error *lvm_parse_thin_list(const char *output, GHashTable **ret_bytes);

/* The tag with this prefix ("ramet.volume="), without it; NULL for none. Caller frees. */
char *lvm_parse_tag(const char *tags, const char *prefix);

/* A tag's text with what LVM does not allow in tags replaced by "_". Caller frees. */
char *lvm_tag_text(const char *text);

/*
 * The logical volume for <mount>/volumes/<name> or <mount>/snapshots/<name> of the pool whose root
 * is that logical volume: <root>.v.<name> or <root>.s.<name>. Hyphens, which the device mapper
 * doubles, become "+", and "_", which begins LVM's reserved endings, "U". Caller frees.
 */
char *lvm_volume_name(const char *root, const char *path);

#define LVM_SNAPSHOT_INFIX ".s."
#define LVM_VOLUME_INFIX   ".v."

/* The device mapper's name of a logical volume: hyphens are doubled. Caller frees. */
char *lvm_mapper_name(const char *vg, const char *lv, const char *layer);
