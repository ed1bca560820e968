/*
 * What OpenZFS prints: recorded from 2.1.11 and 2.3.2 in the guest (tests/guest), where they differ
 * from both. Written after the formats is what says so.
 */
#include <string.h>

#include "storage/zfs/parse.h"

static GPtrArray *parse(const char *output, guint columns)
{
    GPtrArray *rows = NULL;
    g_autoptr(Error) e = zfs_parse_table(output, columns, &rows);

    g_assert_null(e);
    return rows;
}

static char *cell(GPtrArray *rows, guint row, guint column)
{
    return ((char **)g_ptr_array_index(rows, row))[column];
}

static void test_table(void)
{
    g_autoptr(GPtrArray) rows = parse("tank/volumes\tyes\ton\t-\t-\n"
                                      "tank/volumes/c\tyes\ton\t-\tclone\n"
                                      "tank/volumes/v\tyes\ton\t-\tgolden\n"
                                      "tank/volumes/v@s\t-\t-\toff\tsnapshot\n"
                                      "tank/volumes/v@by hand\t-\t-\toff\tgolden\n",
                                      5);

    g_assert_cmpuint(rows->len, ==, 5);
    g_assert_cmpstr(cell(rows, 0, 0), ==, "tank/volumes");
    g_assert_cmpstr(cell(rows, 1, 4), ==, "clone");
    g_assert_cmpstr(cell(rows, 3, 3), ==, "off");
    g_assert_cmpstr(cell(rows, 4, 0), ==, "tank/volumes/v@by hand");
}

static void test_empty_table(void)
{
    g_autoptr(GPtrArray) rows = parse("", 3);

    g_assert_cmpuint(rows->len, ==, 0);
}

static void assert_no_table(const char *output, guint columns)
{
    GPtrArray *rows = NULL;
    g_autoptr(Error) e = zfs_parse_table(output, columns, &rows);

    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_null(rows);
}

static void test_broken_tables(void)
{
    assert_no_table("tank\tyes\n", 3);
    assert_no_table("tank\tyes\tno\tmore\n", 3);
    assert_no_table("a\tb\nno datasets available\n", 2);
}

static void test_numbers(void)
{
    static const char *const bad[] = {"", " 1", "1 ", "1K", "-1", "0x10", "18446744073709551616"};
    uint64_t value = 7;

    g_assert_null(zfs_parse_number("18446744073709551615", &value));
    g_assert_cmpuint(value, ==, UINT64_MAX);
    g_assert_null(zfs_parse_number("-", &value));
    g_assert_cmpuint(value, ==, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Error) e = zfs_parse_number(bad[i], &value);

        g_assert_nonnull(e);
    }
}

static void test_ratios(void)
{
    static const char *const bad[] = {"", "x", "-", "0.5", "nan", "1.2y", "1.2 x"};
    double ratio = 0;

    g_assert_null(zfs_parse_ratio("1.00", &ratio));
    g_assert_cmpfloat(ratio, ==, 1.0);
    g_assert_null(zfs_parse_ratio("2.53x", &ratio));
    g_assert_cmpfloat(ratio, ==, 2.53);
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(Error) e = zfs_parse_ratio(bad[i], &ratio);

        g_assert_nonnull(e);
    }
}

static void test_failures(void)
{
    static const struct {
        const char *errors;
        ErrorCode code;
    } cases[] = {
        {"cannot open 'tank/none': dataset does not exist\n", ERR_NOT_FOUND},
        {"could not find any snapshots to destroy; check snapshot names.\n", ERR_NOT_FOUND},
        {"cannot open 'none': no such pool\n", ERR_NOT_FOUND},
        {"cannot import 'none': no such pool available\n", ERR_NOT_FOUND},
        {"cannot create 'tank/volumes/v': dataset already exists\n", ERR_CONFLICT},
        {"cannot create snapshot 'tank/volumes/v@s': dataset already exists\n", ERR_CONFLICT},
        {"cannot destroy 'tank/volumes/v': filesystem has children\nuse '-r' to destroy the "
         "following datasets:\ntank/volumes/v@s\ntank/volumes/v@by hand\n",
         ERR_CONFLICT},
        {"cannot destroy 'tank/volumes/v@s': snapshot has dependent clones\nuse '-R' to destroy "
         "the "
         "following datasets:\ntank/volumes/c\n",
         ERR_CONFLICT},
        {"cannot destroy 'tank/volumes/v': filesystem has dependent clones\nuse '-R' to destroy "
         "the "
         "following datasets:\ntank/volumes/c\n",
         ERR_CONFLICT},
        {"cannot unmount '/mnt/tank/volumes/c': pool or dataset is busy\n", ERR_BUSY},
        {"cannot mount '/mnt/solo/q/x': failed to create mountpoint: Disk quota exceeded\n"
         "filesystem successfully created, but not mounted\n",
         ERR_NO_SPACE},
        {"cannot import 'solo': I/O error\n\tDestroy and re-create the pool from\n\ta backup "
         "source.\n",
         ERR_EXTERNAL},
        {"cannot import 'solo': invalid vdev configuration\n", ERR_EXTERNAL},
        /* Of these only the words are known. */
        {"cannot destroy 'tank/v': dataset is busy\n", ERR_BUSY},
        {"cannot export 'tank': pool is busy\n", ERR_BUSY},
        {"cannot create 'tank/v': out of space\n", ERR_NO_SPACE},
        {"cannot mount '/pool/volumes/v': directory is not empty\n", ERR_CONFLICT},
        {"cannot open 'tank': pool I/O is currently suspended\n", ERR_EXTERNAL},
        {"The ZFS modules are not loaded.\nTry running '/sbin/modprobe zfs' as root to load "
         "them.\n",
         ERR_EXTERNAL},
        {"", ERR_EXTERNAL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(zfs_parse_failure(cases[i].errors), ==, cases[i].code);
}

static void test_hints(void)
{
    const char *hint = zfs_parse_hint("The ZFS modules are not loaded.\nTry running "
                                      "'/sbin/modprobe zfs' as root to load them.\n");

    g_assert_nonnull(strstr(hint, "modprobe"));
    hint = zfs_parse_hint("cannot mount '/pool/volumes/v': directory is not empty\n");
    g_assert_nonnull(strstr(hint, "move it away"));
    g_assert_nonnull(zfs_parse_hint("cannot destroy 'tank/v': dataset is busy\n"));
    g_assert_null(zfs_parse_hint("cannot open 'tank': no such pool\n"));
    g_assert_null(zfs_parse_hint(""));
}

/* Recorded are those of Debian 12 and its backports; the others are named as distributions do. */
static void test_versions(void)
{
    g_assert_cmpint(zfs_parse_version("zfs-2.1.11-1+deb12u1\nzfs-kmod-2.1.11-1+deb12u1\n"), ==,
                    201);
    g_assert_cmpint(zfs_parse_version("zfs-2.3.2-2~bpo12+2\nzfs-kmod-2.3.2-2~bpo12+2\n"), ==, 203);
    g_assert_cmpint(zfs_parse_version("zfs-2.1.5-1ubuntu6~22.04.5\nzfs-kmod-2.2.0-0ubuntu1\n"), ==,
                    201);
    g_assert_cmpint(zfs_parse_version("zfs-2.2.2-0ubuntu9.1\nzfs-kmod-2.2.2-0ubuntu9.1\n"), ==,
                    202);
    g_assert_cmpint(zfs_parse_version("zfs-0.8.3-1ubuntu12\nzfs-kmod-0.8.3-1ubuntu12\n"), ==, 8);
    g_assert_cmpint(zfs_parse_version("zfs-g1234567\n"), ==, 0);
    g_assert_cmpint(zfs_parse_version(""), ==, 0);
}

static const char mountinfo[] =
    "21 1 0:19 / / rw,relatime - overlay overlay rw,lowerdir=/lower\n"
    "60 21 0:45 / /mnt/pool rw,noatime shared:9 master:1 - zfs ramet-1a2b rw,xattr,noacl\n"
    "61 60 0:46 / /mnt/pool/volumes/v rw,noatime - zfs ramet-1a2b/volumes/v rw,xattr,noacl\n"
    "62 60 0:47 / /mnt/pool/snapshots/s ro,nosuid - zfs ramet-1a2b/kept/v.6@s ro,xattr,noacl\n"
    "34 28 0:30 / /mnt/tank rw,noatime - zfs tank rw,xattr,noacl,casesensitive\n"
    "38 36 0:34 / /mnt/tank/volumes/c rw,noatime - zfs tank/volumes/c rw,xattr,noacl\n"
    "39 28 0:35 / /mnt/snap rw,relatime - zfs tank/volumes/v@s ro,xattr,noacl,casesensitive\n"
    "63 21 0:48 / /mnt/a\\040b rw - zfs my\\040pool/x rw\n"
    "64 60 0:49 / /mnt/pool/volumes/c rw - zfs ramet-1a2b/volumes/old rw\n"
    "65 64 0:50 / /mnt/pool/volumes/c rw - zfs ramet-1a2b/volumes/c rw\n"
    "66 21 7:0 / /mnt/other rw - btrfs /dev/loop0 rw\n"
    "broken line\n";

static void assert_mounted(const char *mount, const char *expected)
{
    g_autofree char *dataset = zfs_parse_mounted(mountinfo, mount);

    g_assert_cmpstr(dataset, ==, expected);
}

static void test_mounted(void)
{
    assert_mounted("/mnt/pool", "ramet-1a2b");
    assert_mounted("/mnt/pool/volumes/v", "ramet-1a2b/volumes/v");
    assert_mounted("/mnt/pool/snapshots/s", "ramet-1a2b/kept/v.6@s");
    assert_mounted("/mnt/tank", "tank");
    assert_mounted("/mnt/tank/volumes/c", "tank/volumes/c");
    assert_mounted("/mnt/snap", "tank/volumes/v@s");
    assert_mounted("/mnt/a b", "my pool/x");
    assert_mounted("/mnt/pool/volumes/c", "ramet-1a2b/volumes/c");
    assert_mounted("/mnt/pool/volumes", NULL);
    assert_mounted("/mnt/pool/", NULL);
    assert_mounted("/mnt/other", NULL);
}

/*
 * 2.1.11; 2.3.2 pads the names of classes by some more. They stand unindented, and without tabs, -H
 * or not.
 */
#define LISTING(padding)                                                                           \
    "solo\t240M\t152K\t240M\t-\t-\t3%\t0%\t1.00x\tONLINE\t-\n"                                     \
    "\t/dev/shm/e.img\t256M\t152K\t240M\t-\t-\t3%\t0.06%\t-\tONLINE\n"                             \
    "tank\t480M\t624K\t479M\t-\t-\t0%\t0%\t1.00x\tONLINE\t-\n"                                     \
    "\tmirror-0\t240M\t0\t240M\t-\t-\t0%\t0.00%\t-\tONLINE\n"                                      \
    "\t/dev/shm/a.img\t256M\t-\t-\t-\t-\t-\t-\t-\tONLINE\n"                                        \
    "\t/dev/shm/b.img\t256M\t-\t-\t-\t-\t-\t-\t-\tONLINE\n"                                        \
    "special                 -      -      -        -         -      -      -      -  " padding    \
    "-\n"                                                                                          \
    "\t/dev/shm/c.img\t256M\t624K\t239M\t-\t-\t3%\t0.24%\t-\tONLINE\n"                             \
    "logs                    -      -      -        -         -      -      -      -  " padding    \
    "-\n"                                                                                          \
    "\t/dev/shm/d.img\t256M\t0\t240M\t-\t-\t0%\t0.00%\t-\tONLINE\n"                                \
    "cache                   -      -      -        -         -      -      -      -  " padding    \
    "-\n"                                                                                          \
    "\t/dev/loop0\t128M\t0\t123M\t-\t-\t0%\t0.00%\t-\tONLINE\n"

static const char *const listings[] = {LISTING(""), LISTING("       ")};

/* Written after the format: names with spaces, and devices indented further. */
static const char spaces[] = "my tank\t7.50G\t150K\t7.50G\t-\t-\t0%\t0%\t1.00x\tONLINE\t-\n"
                             "\t  /dev/vda1\t7.50G\t150K\t7.50G\t-\t-\t0%\t0.00%\t-\tONLINE\n"
                             "\t/dev/disk/by-id/my cache\t1G\t0\t1G\t-\t-\t0%\t0.00%\t-\tONLINE\n";

static void assert_pool_on(const char *listing, const char *device, const char *expected)
{
    g_autofree char *pool = zfs_parse_pool_on(listing, device);

    g_assert_cmpstr(pool, ==, expected);
}

static void test_pool_on(void)
{
    static const char *const of_tank[] = {"/dev/shm/a.img", "/dev/shm/b.img", "/dev/shm/c.img",
                                          "/dev/shm/d.img", "/dev/loop0"};
    static const char *const of_none[] = {"/dev/shm/e", "tank", "logs", ""};

    for (size_t i = 0; i < G_N_ELEMENTS(listings); i++) {
        assert_pool_on(listings[i], "/dev/shm/e.img", "solo");
        for (size_t j = 0; j < G_N_ELEMENTS(of_tank); j++)
            assert_pool_on(listings[i], of_tank[j], "tank");
        for (size_t j = 0; j < G_N_ELEMENTS(of_none); j++)
            assert_pool_on(listings[i], of_none[j], NULL);
    }
    assert_pool_on(spaces, "/dev/vda1", "my tank");
    assert_pool_on(spaces, "/dev/disk/by-id/my cache", "my tank");
    assert_pool_on("", "/dev/vda1", NULL);
    assert_pool_on("\t/dev/vda1\t-\n", "/dev/vda1", NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zfs_parse/table", test_table);
    g_test_add_func("/zfs_parse/empty-table", test_empty_table);
    g_test_add_func("/zfs_parse/broken-tables", test_broken_tables);
    g_test_add_func("/zfs_parse/numbers", test_numbers);
    g_test_add_func("/zfs_parse/ratios", test_ratios);
    g_test_add_func("/zfs_parse/failures", test_failures);
    g_test_add_func("/zfs_parse/mounted", test_mounted);
    g_test_add_func("/zfs_parse/pool-on", test_pool_on);
    g_test_add_func("/zfs_parse/hints", test_hints);
    g_test_add_func("/zfs_parse/versions", test_versions);
    return g_test_run();
}
