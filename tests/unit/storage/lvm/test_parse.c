/*
 * What LVM 2.02 and 2.03, dm-thin and thin_ls print: recorded from 2.03.16 and Linux 6.1, and
 * written after the formats of the others.
 */
#include "storage/lvm/parse.h"

#include <string.h>

static const char *const fields[] = {"lv_name", "thin_id", "lv_tags", NULL};

/* 2.03.16: two spaces before all, one object a line. */
static const char recorded[] =
    "  {\n"
    "      \"report\": [\n"
    "          {\n"
    "              \"lv\": [\n"
    "                  {\"vg_name\":\"ramet_x\", \"lv_name\":\"ramet\", \"thin_id\":\"1\", "
    "\"lv_tags\":\"ramet.root\"},\n"
    "                  {\"vg_name\":\"ramet_x\", \"lv_name\":\"ramet.v.a+b\", \"thin_id\":\"2\", "
    "\"lv_tags\":\"ramet.pool=ramet,ramet.volume=a-b\"}\n"
    "              ]\n"
    "          }\n"
    "      ]\n"
    "  }\n";

/* With log/report_command_log=1, in any version. */
static const char with_log[] =
    "{\"report\": [{\"lv\": [{\"lv_name\":\"a\",\"thin_id\":\"\",\"lv_tags\":\"\"}]}],\n"
    " \"log\": [{\"log_seq_num\":\"1\", \"log_type\":\"status\", \"log_message\":\"success\"}]}\n";

/* "json_std" of 2.03.17: numbers are numbers. */
static const char with_numbers[] =
    "{\"report\":[{\"lv\":[{\"lv_name\":\"a\",\"thin_id\":7,\"lv_tags\":\"x\"}]}],\"log\":[]}";

/* A report for each of several volume groups. */
static const char several[] =
    "{\"report\": [{\"lv\": [{\"lv_name\":\"a\",\"thin_id\":\"1\",\"lv_tags\":\"\"}]},"
    "{\"lv\": [{\"lv_name\":\"b\",\"thin_id\":\"2\",\"lv_tags\":\"\"}]}]}";

static GPtrArray *parse(const char *output)
{
    GPtrArray *rows = NULL;
    g_autoptr(Error) e = lvm_parse_report(output, "lv", fields, &rows);

    g_assert_null(e);
    return rows;
}

static const char *cell(GPtrArray *rows, guint row, guint column)
{
    return ((char **)g_ptr_array_index(rows, row))[column];
}

static void test_reports(void)
{
    g_autoptr(GPtrArray) rows = parse(recorded);
    g_autoptr(GPtrArray) logged = parse(with_log);
    g_autoptr(GPtrArray) numbers = parse(with_numbers);
    g_autoptr(GPtrArray) both = parse(several);
    g_autoptr(GPtrArray) empty = parse("  {\"report\": [{\"lv\": []}]}");

    g_assert_cmpuint(rows->len, ==, 2);
    g_assert_cmpstr(cell(rows, 0, 0), ==, "ramet");
    g_assert_cmpstr(cell(rows, 1, 0), ==, "ramet.v.a+b");
    g_assert_cmpstr(cell(rows, 1, 1), ==, "2");
    g_assert_cmpstr(cell(rows, 1, 2), ==, "ramet.pool=ramet,ramet.volume=a-b");
    g_assert_cmpuint(logged->len, ==, 1);
    g_assert_cmpstr(cell(logged, 0, 1), ==, "");
    g_assert_cmpstr(cell(numbers, 0, 1), ==, "7");
    g_assert_cmpuint(both->len, ==, 2);
    g_assert_cmpuint(empty->len, ==, 0);
}

static void test_broken_reports(void)
{
    static const char *const broken[] = {
        "",
        "{",
        "[]",
        "null",
        "{\"report\": []}",
        "{\"report\": {}}",
        "{\"report\": [7]}",
        "{\"report\": [{\"pv\": []}]}",
        "{\"report\": [{\"lv\": {}}]}",
        "{\"report\": [{\"lv\": [7]}]}",
        "{\"report\": [{\"lv\": [{\"lv_name\": \"a\", \"thin_id\": \"1\"}]}]}",
        "{\"report\": [{\"lv\": [{\"lv_name\": [], \"thin_id\": \"1\", \"lv_tags\": \"\"}]}]}",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        GPtrArray *rows = NULL;
        g_autoptr(Error) e = lvm_parse_report(broken[i], "lv", fields, &rows);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
        g_assert_null(rows);
    }
}

static void test_failures(void)
{
    static const struct {
        const char *errors;
        ErrorCode code;
    } cases[] = {
        {"  Failed to find logical volume \"ramet_x/ramet.v.c\"\n", ERR_NOT_FOUND},
        {"  Volume group \"nope\" not found\n  Cannot process volume group nope\n", ERR_NOT_FOUND},
        {"  Failed to find physical volume \"/dev/loop7\".\n", ERR_NOT_FOUND},
        {"  Logical Volume \"ramet.v.a\" already exists in volume group \"ramet_x\"\n",
         ERR_CONFLICT},
        {"  Logical volume ramet_x/ramet.v.c contains a filesystem in use.\n", ERR_BUSY},
        {"  Logical volume ramet_x/ramet.v.c in use.\n", ERR_BUSY},
        {"  Logical volume ramet_x/ramet.v.c is used by another device.\n", ERR_BUSY},
        {"  Volume group \"x\" has insufficient free space (0 extents): 4 required.\n",
         ERR_NO_SPACE},
        {"  Cannot create new thin volume, free space in thin pool x/pool reached threshold.\n",
         ERR_NO_SPACE},
        {"  VG x metadata on /dev/sda (52101 bytes) too large for circular buffer (521728 bytes)\n",
         ERR_NO_SPACE},
        {"  /dev/mapper/control: open failed: Permission denied\n", ERR_EXTERNAL},
        {"", ERR_EXTERNAL},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(lvm_parse_failure(cases[i].errors), ==, cases[i].code);
    g_assert_true(lvm_parse_is_too_old("lvs: unrecognized option '--reportformat'\n"));
    g_assert_true(lvm_parse_is_too_old("  lvs: unrecognised option '--reportformat'\n"));
    g_assert_false(lvm_parse_is_too_old("  Volume group \"nope\" not found\n"));
}

static LvmPoolStatus status(const char *line)
{
    LvmPoolStatus found = {0};
    g_autoptr(Error) e = lvm_parse_pool_status(line, &found);

    g_assert_null(e);
    return found;
}

static void test_pool_status(void)
{
    LvmPoolStatus fresh =
        status("2 420/4096 16/15360 - rw discard_passdown error_if_no_space - 1024 ");
    LvmPoolStatus full = status(
        "9 520/4096 15360/15360 77 out_of_data_space discard_passdown error_if_no_space - 0");
    LvmPoolStatus broken = status("1 4096/4096 5/6 - ro no_discard_passdown queue_if_no_space "
                                  "needs_check 1024");
    LvmPoolStatus old = status("0 20/1024 0/1600 - rw no_discard_passdown"); /* Linux 3.x */

    g_assert_cmpuint(fresh.metadata_used, ==, 420);
    g_assert_cmpuint(fresh.metadata_total, ==, 4096);
    g_assert_cmpuint(fresh.data_used, ==, 16);
    g_assert_cmpuint(fresh.data_total, ==, 15360);
    g_assert_true(fresh.is_writable && !fresh.needs_check && !fresh.has_metadata_holder);
    g_assert_true(full.is_writable && full.has_metadata_holder);
    g_assert_cmpuint(full.data_used, ==, full.data_total);
    g_assert_true(!broken.is_writable && broken.needs_check);
    g_assert_true(old.is_writable && old.data_total == 1600);
}

static void test_broken_pool_status(void)
{
    static const char *const broken[] = {
        "",
        "Fail",
        "Error",
        "2 420/4096 16/15360 -",
        "2 420/4096 16 - rw",
        "2 420/4096 16/0 - rw",
        "2 5000/4096 16/15360 - rw",
        "2 -1/4096 16/15360 - rw",
        "2 1/2/3 16/15360 - rw",
        "2 420/4096 16/99999999999999999999 - rw",
    };

    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        LvmPoolStatus found = {0};
        g_autoptr(Error) e = lvm_parse_pool_status(broken[i], &found);

        g_assert_nonnull(e);
        g_assert_cmpuint(found.data_total, ==, 0);
    }
}

static void test_thin_list(void)
{
    static const char *const broken[] = {"1", "1 2 3", "a b", "1 x", "1 -2"};
    g_autoptr(GHashTable) bytes = NULL;
    guint64 id = 4;

    /* thin_ls 0.9 pads with spaces, 1.0 does not */
    g_assert_null(lvm_parse_thin_list("1      0 \n2  65536 \n\n4 327680\n", &bytes));
    g_assert_cmpuint(g_hash_table_size(bytes), ==, 3);
    g_assert_cmpuint(*(guint64 *)g_hash_table_lookup(bytes, &id), ==, 327680);
    for (size_t i = 0; i < G_N_ELEMENTS(broken); i++) {
        GHashTable *none = NULL;
        g_autoptr(Error) e = lvm_parse_thin_list(broken[i], &none);

        g_assert_nonnull(e);
        g_assert_null(none);
    }
}

static void assert_volume_name(const char *path, const char *expected)
{
    g_autofree char *name = lvm_volume_name("ramet", path);

    g_assert_cmpstr(name, ==, expected);
}

static void test_names(void)
{
    g_autofree char *plain = lvm_mapper_name("vg", "pool", "tpool");
    g_autofree char *hyphens = lvm_mapper_name("my-vg", "a--b", NULL);

    assert_volume_name("/mnt/p/volumes/golden", "ramet.v.golden");
    assert_volume_name("/mnt/p/snapshots/golden", "ramet.s.golden");
    assert_volume_name("/mnt/p/volumes/c-1.x", "ramet.v.c+1.x");
    assert_volume_name("/mnt/p/volumes/x_tdata", "ramet.v.xUtdata");
    assert_volume_name("/mnt/snapshots/p/volumes/a", "ramet.v.a");
    g_assert_cmpstr(plain, ==, "vg-pool-tpool");
    g_assert_cmpstr(hyphens, ==, "my--vg-a----b");
}

static void test_tags(void)
{
    g_autofree char *found = lvm_parse_tag("a,ramet.volume=c-1,b", "ramet.volume=");
    g_autofree char *missing = lvm_parse_tag("a,xramet.volume=c", "ramet.volume=");
    g_autofree char *text = lvm_tag_text("Jörg's clone, a=b");

    g_assert_cmpstr(found, ==, "c-1");
    g_assert_null(missing);
    g_assert_cmpstr(text, ==, "J__rg_s_clone__a=b");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lvm_parse/reports", test_reports);
    g_test_add_func("/lvm_parse/broken-reports", test_broken_reports);
    g_test_add_func("/lvm_parse/failures", test_failures);
    g_test_add_func("/lvm_parse/pool-status", test_pool_status);
    g_test_add_func("/lvm_parse/broken-pool-status", test_broken_pool_status);
    g_test_add_func("/lvm_parse/thin-list", test_thin_list);
    g_test_add_func("/lvm_parse/names", test_names);
    g_test_add_func("/lvm_parse/tags", test_tags);
    return g_test_run();
}
