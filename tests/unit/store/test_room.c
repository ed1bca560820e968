/*
 * Room on the disk of the state directory: a small one of our own, in a mount namespace that goes with
 * the test. Without the right to make one these are skipped.
 */
#include "store/room.h"

#include <fcntl.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "fixture.h"

static bool has_disk;

static void disk_set_up(Fixture *f, const void *unused)
{
    fixture_make_dir(f, NULL);
    has_disk = unshare(CLONE_NEWNS) == 0 &&
               mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
               mount("tmpfs", f->dir, "tmpfs", 0, "size=24m,mode=700") == 0;
}

static void disk_tear_down(Fixture *f, const void *unused)
{
    fixture_close(f);
    if (has_disk)
        g_assert_cmpint(umount(f->dir), ==, 0);
    assert_ok(fs_remove_tree(f->dir));
    g_free(f->dir);
}

/* Somebody who takes all that there is. */
static void fill(const Fixture *f)
{
    static char block[65536];
    g_autofree char *path = g_build_filename(f->dir, "flood", NULL);
    AUTO_FD fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);

    while (write(fd, block, sizeof(block)) > 0)
        continue;
}

static void drain(const Fixture *f)
{
    g_autofree char *path = g_build_filename(f->dir, "flood", NULL);

    assert_ok(fs_remove(path));
}

static Error *commit(const Fixture *f, StoreDurability durability, const char *value)
{
    g_autoptr(StoreTransaction) tx = NULL;

    TRY(store_begin(f->store, durability, &tx));
    TRY(store_set_fact(f->store, "a", value));
    return store_commit(&tx);
}

static void assert_full(const Fixture *f)
{
    g_autoptr(Error) e = commit(f, STORE_ACCEPTING, "x");

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_NO_SPACE);
    g_assert_nonnull(strstr(e->message, "the disk of the state directory"));
    g_assert_nonnull(e->hint);
}

#define SKIP_WITHOUT_DISK()                                                                        \
    if (!has_disk) {                                                                               \
        g_test_skip("a file system cannot be mounted here");                                       \
        return;                                                                                    \
    }

/* What begins is refused; ends are committed, many of them, with nothing left on the disk. */
static void test_full(Fixture *f, const void *unused)
{
    SKIP_WITHOUT_DISK();
    fixture_open(f, STORE_READ_WRITE);
    assert_ok(commit(f, STORE_ACCEPTING, "0"));
    fill(f);
    assert_full(f);
    fill(f); /* and who goes on with it takes what was given up */
    for (int i = 0; i < 100; i++) {
        g_autofree char *value = g_strdup_printf("%d", i);

        assert_ok(commit(f, STORE_DURABLE, value));
    }
    assert_full(f);
    drain(f);
    assert_ok(commit(f, STORE_ACCEPTING, "again"));
}

/* A server that was stopped on a full disk starts, and ends what it has to. */
static void test_restart(Fixture *f, const void *unused)
{
    SKIP_WITHOUT_DISK();
    fixture_open(f, STORE_READ_WRITE);
    fill(f);
    fixture_close(f);
    fill(f);
    fixture_open(f, STORE_READ_WRITE);
    assert_ok(commit(f, STORE_DURABLE, "after"));
    assert_full(f);
    fixture_close(f);
    drain(f);
    fixture_open(f, STORE_READ_WRITE);
    assert_ok(commit(f, STORE_ACCEPTING, "again"));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/store/room/full", Fixture, NULL, disk_set_up, test_full, disk_tear_down);
    g_test_add("/store/room/restart", Fixture, NULL, disk_set_up, test_restart, disk_tear_down);
    return g_test_run();
}
