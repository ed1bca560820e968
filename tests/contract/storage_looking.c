/*
 * A pool that is opened to look: beside a server at work nothing may change, neither what the server
 * has under way nor what only a server would mend.
 */
#include <ftw.h>
#include <string.h>
#include <sys/mount.h>

#include "base/fs.h"
#include "storage/storage_care.h"
#include "storage_fixture.h"
#include "storage_tests.h"

#define LOOKS_BESIDE_WORK 5
#define WALK_DESCRIPTORS  20
#define MOUNTS_MAX        (16 << 20)

/* --- what a pool looks like from outside --- */

static GPtrArray *picture_lines;

static int picture_add(const char *path, const struct stat *st, int type, struct FTW *where)
{
    g_ptr_array_add(picture_lines,
                    g_strdup_printf("%s: inode %lu mode %o of %u:%u, %ld bytes, changed %ld.%09ld",
                                    path, st->st_ino, st->st_mode, st->st_uid, st->st_gid,
                                    st->st_size, st->st_ctim.tv_sec, st->st_ctim.tv_nsec));
    return 0;
}

static void picture_add_mounts(const char *mount)
{
    g_autofree char *text = NULL;

    ASSERT_OK(fs_read_file("/proc/self/mountinfo", MOUNTS_MAX, &text));

    g_auto(GStrv) lines = g_strsplit(text, "\n", 0);

    for (char **line = lines; *line; line++)
        if (strstr(*line, mount))
            g_ptr_array_add(picture_lines, g_strdup(*line));
}

static gint compare_lines(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Every file and directory, by name, inode, size and time of its last change, and every mount. */
static char **picture_of(const PoolFixture *f)
{
    picture_lines = g_ptr_array_new();
    g_assert_cmpint(nftw(f->mount, picture_add, WALK_DESCRIPTORS, FTW_PHYS), ==, 0);
    picture_add_mounts(f->mount);
    g_ptr_array_sort(picture_lines, compare_lines);
    g_ptr_array_add(picture_lines, NULL);
    return (char **)g_ptr_array_free(g_steal_pointer(&picture_lines), FALSE);
}

static void assert_same(char **before, char **after)
{
    for (size_t i = 0; before[i] && after[i]; i++)
        g_assert_cmpstr(before[i], ==, after[i]);
    g_assert_cmpuint(g_strv_length(before), ==, g_strv_length(after));
}

/* --- looking --- */

static void look_at_sizes(Pool *pool, const GPtrArray *entries)
{
    SpaceUsage usage;
    uint64_t bytes = 0;
    bool is_exact = false;

    ASSERT_OK(storage_usage(pool, &usage));
    ASSERT_OK(storage_snapshots_bytes(pool, &bytes));
    for (guint i = 0; i < entries->len; i++) { /* any of them may be gone by now */
        const StorageEntry *entry = g_ptr_array_index(entries, i);

        error_free(entry->is_snapshot ? storage_snapshot_bytes(pool, entry->name, &bytes)
                                      : storage_diff_bytes(pool, entry->name, &bytes, &is_exact));
    }
}

/* All that the doctor and the commands that show pools do. */
static void look(const PoolFixture *f)
{
    g_autoptr(GPtrArray) entries = NULL;
    g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);
    PoolSpec spec = f->spec;
    Pool *pool = NULL;

    spec.is_to_look = true;
    spec.instance = "mine";
    ASSERT_OK(storage_open_pool(&spec, &pool));
    ASSERT_OK(storage_list(pool, &entries));
    ASSERT_OK(storage_check_health(pool, texts));
    ASSERT_OK(storage_list_aside(pool, texts));
    look_at_sizes(pool, entries);
    storage_close_pool(pool);
}

static const char *const unfinished[] = {
    "volumes/.gone.deleted",  "volumes/.new.partial", "snapshots/.gone.deleted",
    "snapshots/.new.partial", "snapshots/left-over",  ".ramet/layers/.gone.deleted",
    ".ramet/kept/s.1234",     ".ramet/aside/v.1234",
};

/* As the server has it when it is killed, or in the middle of something. */
static void leave_unfinished(PoolFixture *f)
{
    static const char *const files[] = {".ramet/undo-v", ".ramet/holds-metadata"};
    static const char *const mounted[] = {"volumes/c", "snapshots/s"};

    for (size_t i = 0; i < G_N_ELEMENTS(unfinished); i++) {
        g_autofree char *path = g_build_filename(f->mount, unfinished[i], "data", NULL);

        ASSERT_OK(fs_make_dir(path, 0700, NULL));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
        g_autofree char *path = g_build_filename(f->mount, files[i], NULL);

        ASSERT_OK(fs_write_file(path, "{}", NULL));
    }
    for (size_t i = 0; i < G_N_ELEMENTS(mounted); i++) {
        g_autofree char *path = g_build_filename(f->mount, mounted[i], NULL);

        (void)umount2(path, UMOUNT_NOFOLLOW); /* with some drivers nothing is */
    }
}

/* What is another driver's way of working is nobody's work to mend. */
static void remove_unfinished(PoolFixture *f)
{
    for (size_t i = 0; i < G_N_ELEMENTS(unfinished); i++) {
        g_autofree char *path = g_build_filename(f->mount, unfinished[i], NULL);
        g_autofree char *dir = g_path_get_dirname(path);

        ASSERT_OK(fs_remove_tree(path));
        if (!g_str_equal(fixture_driver, "overlay") && strstr(dir, "/.ramet/"))
            ASSERT_OK(fs_remove_dir(dir));
    }
}

static void make_sample(PoolFixture *f)
{
    make_volume(f, "v");
    write_text(f, "v", "file", "text");
    make_snapshot(f, "v", "s");
    make_clone(f, "s", "c");
    make_volume(f, "kept");
    make_snapshot(f, "kept", "k");
    write_text(f, "kept", "file", "text");
    ASSERT_OK(storage_destroy_volume(f->pool, "kept"));
    ASSERT_OK(storage_sync(f->pool, "v"));
}

static void test_nothing_changes(PoolFixture *f, gconstpointer data)
{
    make_sample(f);
    leave_unfinished(f);

    g_auto(GStrv) before = picture_of(f);

    look(f);
    look(f);

    g_auto(GStrv) after = picture_of(f);

    assert_same(before, after);
    storage_close_pool(f->pool);
    ASSERT_OK(storage_open_pool(&f->spec, &f->pool)); /* and what a server mends, it still does */
    assert_volume_text(f, "c", "file", "text");
    remove_unfinished(f);
}

static void test_nothing_can_be_changed(PoolFixture *f, gconstpointer data)
{
    const Manifest manifest = fixture_manifest("golden", "w");
    PoolSpec spec = f->spec;
    g_autoptr(Pool) pool = NULL;

    make_sample(f);
    spec.is_to_look = true;
    ASSERT_OK(storage_open_pool(&spec, &pool));
    ASSERT_CODE(storage_create_volume(pool, "w", &manifest), ERR_BUG);
    ASSERT_CODE(storage_snapshot(pool, "v", "w", &manifest), ERR_BUG);
    ASSERT_CODE(storage_clone(pool, "s", "w", &manifest), ERR_BUG);
    ASSERT_CODE(storage_destroy_volume(pool, "v"), ERR_BUG);
    ASSERT_CODE(storage_destroy_snapshot(pool, "s"), ERR_BUG);
    ASSERT_CODE(storage_mend_volume(pool, "v"), ERR_BUG);
    assert_volume_text(f, "v", "file", "text");
}

static void *work_beside(void *data)
{
    PoolFixture *f = data;

    for (int i = 0; i < LOOKS_BESIDE_WORK; i++) {
        make_clone(f, "s", "w");
        write_text(f, "w", "file", "other");
        make_snapshot(f, "w", "t");
        ASSERT_OK(storage_destroy_volume(f->pool, "w"));
        ASSERT_OK(storage_destroy_snapshot(f->pool, "t"));
    }
    return NULL;
}

/* The server's work succeeds as if nobody looked, and nothing of it is left. */
static void test_beside_work(PoolFixture *f, gconstpointer data)
{
    g_autoptr(GPtrArray) entries = NULL;

    make_sample(f);

    GThread *worker = g_thread_new("work", work_beside, f);

    for (int i = 0; i < LOOKS_BESIDE_WORK; i++)
        look(f);
    g_thread_join(worker);
    ASSERT_OK(storage_list(f->pool, &entries));
    g_assert_cmpuint(entries->len, ==, 4); /* v, c, s, k */
}

#define ADD(name, function)                                                                        \
    g_test_add("/storage/looking/" name, PoolFixture, NULL, fixture_setup, function,               \
               fixture_teardown)

void storage_add_looking_tests(void)
{
    ADD("nothing-changes", test_nothing_changes);
    ADD("nothing-can-be-changed", test_nothing_can_be_changed);
    ADD("beside-work", test_beside_work);
}
