/*
 * Pools in images, and what the tests look at in them.
 */
#include "storage_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "lvm_house.h"
#include "storage/loopfile.h"
#include "storage/tree.h"

#define FIXTURE_OWNER "nobody" /* every system has this user */

const char *fixture_driver;
const char *fixture_dir;
bool fixture_is_on_xfs;
uint64_t fixture_pool_size = UINT64_C(1) << 30;

void fixture_assert_code(const char *where, Error *e, int code)
{
    int got = e ? (int)e->code : 0;

    if (got != code) {
        g_test_message("%s: expected %s, got %s", where,
                       code ? error_code_name((ErrorCode)code) : "success",
                       e ? e->message : "success");
        if (e && e->detail)
            g_test_message("%s", e->detail);
        g_assert_cmpint(got, ==, code);
    }
    error_free(e);
}

void fixture_init(PoolFixture *fixture)
{
    static int count;

    fixture->name = g_strdup_printf("pool%d", ++count);
    fixture->mount = g_build_filename(fixture_dir, fixture->name, NULL);
    fixture->image = g_strconcat(fixture->mount, ".img", NULL);
    fixture->spec = (PoolSpec){.name = fixture->name,
                               .mount = fixture->mount,
                               .driver = fixture_driver,
                               .image = fixture->image,
                               .data_sub_dir = "data",
                               .owner = FIXTURE_OWNER};
    fixture->house = NULL;
    fixture->pool = NULL;
}

void fixture_clear(PoolFixture *fixture)
{
    g_free(fixture->name);
    g_free(fixture->mount);
    g_free(fixture->image);
    g_free(fixture->house);
}

/* A loop device goes a moment after its last user. */
static bool fixture_has_loop(const PoolFixture *fixture)
{
    g_autoptr(GDir) blocks = g_dir_open("/sys/block", 0, NULL);
    bool has_loop = false;

    for (const char *device; blocks && (device = g_dir_read_name(blocks));) {
        g_autofree char *file = g_build_filename("/sys/block", device, "loop/backing_file", NULL);
        g_autofree char *image = NULL;

        if (g_file_get_contents(file, &image, NULL, NULL) &&
            g_str_has_prefix(image, fixture->image))
            has_loop = true;
    }
    return has_loop;
}

void fixture_assert_not_attached(const PoolFixture *fixture)
{
    for (int i = 0; i < 1000 && fixture_has_loop(fixture); i++)
        g_usleep(1000);
    g_assert_false(fixture_has_loop(fixture));
}

void fixture_assert_nothing_left(const PoolFixture *fixture)
{
    fixture_assert_not_attached(fixture);
    g_assert_false(fs_exists(fixture->image));
    g_assert_false(fs_exists(fixture->mount));
}

void fixture_move_in(PoolFixture *fixture, uint64_t size_bytes, const char *metadata,
                     const char *fs)
{
    fixture->house = lvm_house_make(fixture->image, size_bytes, metadata, fs, fixture->mount);
    fixture->spec.image = NULL;
}

void fixture_setup(PoolFixture *fixture, gconstpointer data)
{
    fixture_init(fixture);
    if (fixture_is_on_xfs)
        fixture_move_in(fixture, fixture_pool_size, "16m", "xfs");
    ASSERT_OK(storage_create_pool(&fixture->spec, fixture_pool_size));
    ASSERT_OK(storage_open_pool(&fixture->spec, &fixture->pool));
}

void fixture_teardown(PoolFixture *fixture, gconstpointer data)
{
    storage_close_pool(fixture->pool);
    ASSERT_OK(storage_destroy_pool(&fixture->spec, true));
    if (fixture->house)
        lvm_house_remove(fixture->image, fixture->house, fixture->mount);
    fixture_assert_nothing_left(fixture);
    fixture_clear(fixture);
}

Manifest fixture_manifest(const char *kind, const char *uid)
{
    return (Manifest){.kind = (char *)(uintptr_t)kind,
                      .uid = (char *)(uintptr_t)uid,
                      .pg_major = 15,
                      .data_state_at_ms = 1751360400000,
                      .created_at_ms = 1751360400001};
}

void make_volume(PoolFixture *fixture, const char *volume)
{
    const Manifest manifest = fixture_manifest("golden", volume);

    ASSERT_OK(storage_create_volume(fixture->pool, volume, &manifest));
}

void make_snapshot(PoolFixture *fixture, const char *volume, const char *snapshot)
{
    const Manifest manifest = fixture_manifest("snapshot", snapshot);

    ASSERT_OK(storage_snapshot(fixture->pool, volume, snapshot, &manifest));
}

void make_clone(PoolFixture *fixture, const char *snapshot, const char *volume)
{
    const Manifest manifest = fixture_manifest("clone", volume);

    ASSERT_OK(storage_clone(fixture->pool, snapshot, volume, &manifest));
}

void write_text(PoolFixture *fixture, const char *volume, const char *file, const char *text)
{
    g_autofree char *data = storage_volume_data(fixture->pool, volume);
    g_autofree char *path = g_build_filename(data, file, NULL);

    ASSERT_OK(fs_write_file(path, text, NULL));
}

static void assert_text(const char *data, const char *file, const char *text)
{
    g_autofree char *path = g_build_filename(data, file, NULL);
    g_autofree char *found = NULL;

    if (!text) {
        g_assert_false(fs_exists(path));
        return;
    }
    ASSERT_OK(fs_read_file(path, 4096, &found));
    g_assert_cmpstr(found, ==, text);
}

void assert_volume_text(PoolFixture *fixture, const char *volume, const char *file,
                        const char *text)
{
    g_autofree char *data = storage_volume_data(fixture->pool, volume);

    assert_text(data, file, text);
}

void assert_snapshot_text(PoolFixture *fixture, const char *snapshot, const char *file,
                          const char *text)
{
    g_autofree char *data = storage_snapshot_data(fixture->pool, snapshot);

    assert_text(data, file, text);
}

void write_random(PoolFixture *fixture, const char *volume, const char *file, size_t bytes,
                  guint32 seed)
{
    g_autofree char *data = storage_volume_data(fixture->pool, volume);
    g_autofree char *path = g_build_filename(data, file, NULL);
    g_autofree guint32 *words = g_malloc(bytes);
    g_autoptr(GRand) generator = g_rand_new_with_seed(seed);

    for (size_t i = 0; i < bytes / sizeof(*words); i++)
        words[i] = g_rand_int(generator);
    g_assert_true(g_file_set_contents(path, (const char *)words, (gssize)bytes, NULL));
}

static void checksum_add_text(GChecksum *sum, const char *text)
{
    g_checksum_update(sum, (const guchar *)text, (gssize)strlen(text) + 1);
}

static void checksum_add_entry(GChecksum *sum, TreeAt *at, const TreeEntry *entry)
{
    int dir_fd = tree_at(at, entry);
    struct stat status;
    char buffer[65536];
    ssize_t n = 0;

    g_assert_cmpint(fstatat(dir_fd, entry->path, &status, AT_SYMLINK_NOFOLLOW), ==, 0);

    g_autofree char *about =
        g_strdup_printf("%s %o %u %u %ld", entry->path, status.st_mode, status.st_uid,
                        status.st_gid, S_ISLNK(status.st_mode) ? 0 : status.st_mtim.tv_nsec);

    checksum_add_text(sum, about);
    if (S_ISLNK(status.st_mode)) {
        n = readlinkat(dir_fd, entry->path, buffer, sizeof(buffer));
        g_checksum_update(sum, (const guchar *)buffer, n);
    }
    if (S_ISREG(status.st_mode)) {
        AUTO_FD fd = openat(dir_fd, entry->path, O_RDONLY | O_CLOEXEC);

        while ((n = read(fd, buffer, sizeof(buffer))) > 0)
            g_checksum_update(sum, (const guchar *)buffer, n);
        g_assert_cmpint(n, ==, 0);
    }
}

static gint compare_entries(gconstpointer a, gconstpointer b)
{
    const TreeEntry *const *left = a;
    const TreeEntry *const *right = b;

    return strcmp((*left)->path, (*right)->path);
}

char *tree_checksum(const char *directory)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    g_autoptr(GPtrArray) entries = NULL;
    AUTO_FD root_fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_auto(TreeAt) at = {.root_fd = root_fd};

    g_assert_cmpint(root_fd, >=, 0);
    ASSERT_OK(tree_list(root_fd, &entries));
    g_ptr_array_sort(entries, compare_entries);
    for (guint i = 0; i < entries->len; i++)
        checksum_add_entry(sum, &at, g_ptr_array_index(entries, i));
    return g_strdup(g_checksum_get_string(sum));
}
