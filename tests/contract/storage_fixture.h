/*
 * What the tests of the storage contract share: a fresh pool for each test, and short words for
 * what they do to it.
 */
#pragma once

#include <glib.h>

#include "storage/measure.h"
#include "storage/storage.h"

typedef struct PoolFixture {
    char *name; /* also of the mount point and the image, in the sandbox */
    char *mount;
    char *image;
    char *house; /* volume group in the image that a pool in place lies in; NULL = none */
    PoolSpec spec;
    Pool *pool;
} PoolFixture;

extern const char *fixture_driver; /* the one under test */
extern const char *fixture_dir;    /* the sandbox */
extern bool fixture_is_on_xfs;     /* pools of lvm are in place, in a group with XFS volumes */
extern uint64_t fixture_pool_size; /* of the pools that fixture_setup() makes */

/* For g_test_add(): a new open pool in an image; and all of it gone, which is checked. */
void fixture_setup(PoolFixture *fixture, gconstpointer data);
void fixture_teardown(PoolFixture *fixture, gconstpointer data);

/* For a pool in place on LVM: its group and root are made, by lvm_house_make(). */
void fixture_move_in(PoolFixture *fixture, uint64_t size_bytes, const char *metadata,
                     const char *fs);

/* A spec with names of its own that nothing was made for yet; and frees them. */
void fixture_init(PoolFixture *fixture);
void fixture_clear(PoolFixture *fixture);

/* No loop device has its image, or has so in a moment. */
void fixture_assert_not_attached(const PoolFixture *fixture);

/* Nothing of the pool is left: no image, no mount, no loop device. */
void fixture_assert_nothing_left(const PoolFixture *fixture);

/* Ends the test with the whole error when there is one, or when it is not this one. */
#define ASSERT_OK(call)         fixture_assert_code(G_STRLOC, (call), 0)
#define ASSERT_CODE(call, code) fixture_assert_code(G_STRLOC, (call), (code))
void fixture_assert_code(const char *where, Error *e, int code);

/* The verbs, with a manifest whose uid is the name, and expected to succeed. */
void make_volume(PoolFixture *fixture, const char *volume);
void make_snapshot(PoolFixture *fixture, const char *volume, const char *snapshot);
void make_clone(PoolFixture *fixture, const char *snapshot, const char *volume);
Manifest fixture_manifest(const char *kind, const char *uid); /* strings are borrowed */

/* A small file in a volume's data directory. */
void write_text(PoolFixture *fixture, const char *volume, const char *file, const char *text);
void assert_volume_text(PoolFixture *fixture, const char *volume, const char *file,
                        const char *text);
void assert_snapshot_text(PoolFixture *fixture, const char *snapshot, const char *file,
                          const char *text);

/* Bytes that do not compress, the same for the same seed. */
void write_random(PoolFixture *fixture, const char *volume, const char *file, size_t bytes,
                  guint32 seed);

/* SHA-256 over all names, types, modes, owners, times and contents of a tree; caller frees. */
char *tree_checksum(const char *directory);
