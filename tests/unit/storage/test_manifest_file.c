/*
 * Manifests in their places: written, lent, taken back, also after a crash.
 */
#include "storage/manifest_file.h"

#include "base/fs.h"

static const char golden[] = "{\"uid\": \"v\", \"kind\": \"golden\"}";
static const char snapshot[] = "{\"uid\": \"s\", \"kind\": \"snapshot\"}";

static char *mount;
static char *volume;
static char *lent;

static void setup(void)
{
    mount = g_dir_make_tmp("ramet-test-XXXXXX", NULL);
    volume = g_build_filename(mount, "volumes", "v", NULL);
    lent = g_build_filename(mount, ".ramet", "undo-v", NULL);

    g_autofree char *private_dir = g_build_filename(mount, ".ramet", NULL);
    g_autofree char *volume_private_dir = g_build_filename(volume, ".ramet", NULL);

    g_assert_null(fs_make_dir(private_dir, 0700, NULL));
    g_assert_null(fs_make_dir(volume_private_dir, 0700, NULL));
    g_assert_null(manifest_file_write(volume, golden));
}

static void teardown(void)
{
    g_assert_null(fs_remove_tree(mount));
    g_free(lent);
    g_free(volume);
    g_free(mount);
}

static void assert_uid(bool is_snapshot, const char *uid)
{
    g_autoptr(Manifest) manifest = manifest_file_find(volume, is_snapshot);

    g_assert_cmpstr(manifest ? manifest->uid : NULL, ==, uid);
}

static void test_find(void)
{
    setup();
    assert_uid(false, "v");
    assert_uid(true, NULL);
    g_assert_null(manifest_file_write(volume, snapshot));
    assert_uid(false, NULL);
    assert_uid(true, "s");
    g_assert_null(manifest_file_write(volume, "{"));
    assert_uid(false, NULL);
    g_assert_null(manifest_file_find(mount, false));
    teardown();
}

static void test_lend_and_take_back(void)
{
    setup();
    g_assert_null(manifest_file_lend(mount, "v", snapshot));
    assert_uid(true, "s");
    for (int i = 0; i < 2; i++) {
        g_assert_null(manifest_file_take_back(mount, "v"));
        assert_uid(false, "v");
        g_assert_false(fs_exists(lent));
    }
    teardown();
}

/* Between the two, the server died; and of another volume nothing is left. */
static void test_take_back_all(void)
{
    g_autofree char *gone = NULL;

    setup();
    gone = g_build_filename(mount, ".ramet", "undo-gone", NULL);
    g_assert_null(manifest_file_lend(mount, "v", snapshot));
    g_assert_null(fs_write_file(gone, golden, NULL));
    for (int i = 0; i < 2; i++) {
        g_assert_null(manifest_file_take_back_all(mount));
        assert_uid(false, "v");
        g_assert_false(fs_exists(lent));
        g_assert_false(fs_exists(gone));
    }
    teardown();
}

static void test_without_manifest(void)
{
    g_autofree char *file = NULL;

    setup();
    file = g_build_filename(volume, ".ramet/manifest.json", NULL);
    g_assert_null(fs_remove(file));
    g_assert_null(manifest_file_lend(mount, "v", snapshot));
    assert_uid(true, "s");
    g_assert_null(manifest_file_take_back(mount, "v"));
    assert_uid(true, NULL);
    assert_uid(false, NULL);
    teardown();
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/manifest-file/find", test_find);
    g_test_add_func("/storage/manifest-file/lend-and-take-back", test_lend_and_take_back);
    g_test_add_func("/storage/manifest-file/take-back-all", test_take_back_all);
    g_test_add_func("/storage/manifest-file/without-manifest", test_without_manifest);
    return g_test_run();
}
