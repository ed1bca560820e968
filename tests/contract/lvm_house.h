/*
 * A thin pool as an administrator has it, for pools in place: a volume group in an image that is
 * not one of ours, and in it a root with a file system of his choice.
 */
#pragma once

#include <stdint.h>

/*
 * lvm_house_make - make the group and mount its root.
 *
 *   image      file to be made
 *   metadata   of the thin pool, as lvcreate takes it: "2m" is the least
 *   fs         "ext4" or "xfs": of the root, and so of all volumes
 *   mount      directory to be made
 *
 * Caller frees the group's name. Undo: lvm_house_remove().
 */
char *lvm_house_make(const char *image, uint64_t size_bytes, const char *metadata, const char *fs,
                     const char *mount);

void lvm_house_remove(const char *image, const char *vg, const char *mount);
