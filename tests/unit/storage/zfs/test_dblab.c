/*
 * An existing DBLab pool, as `zfs get -Hp -o name,property,value,source` shows it: the worked
 * example of branches and commits, and what must not be taken for DBLab's.
 */
#include <string.h>

#include "base/clock.h"
#include "storage/zfs/dblab.h"

/* A snapshot's rows: creation and guid as given, the rest as DBLab leaves it on most. */
#define NATIVE(name, created, guid)                                                                \
    name "\tcreation\t" created "\t-\n" name "\tguid\t" guid "\t-\n" name                          \
         "\tlogicalreferenced\t41943040\t-\n" name "\tdefer_destroy\toff\t-\n"
#define STATE(name, stamp) name "\tdblab:datastateat\t" stamp "\tlocal\n"
#define OTHER(name, branch, parent, message, till)                                                 \
    name "\tdle:branch\t" branch "\tlocal\n" name "\tdle:parent\t" parent "\tlocal\n" name         \
         "\tdle:message\t" message "\tlocal\n" name "\tdle:protected_till\t" till "\n"

#define S0 "tank/dblab@snapshot_20260701080000"
#define B0 "tank/dblab/branch/dev@20260701100000"
#define C1 "tank/dblab/branch/dev/c1/r0@20260701110000"
#define C2 "tank/dblab/branch/dev/c1/r0@20260701120000"

static const char example[] = NATIVE(S0, "1782892800", "13131313131313131313")
    STATE(S0, "20260701080000") OTHER(S0, "main", "-", "-", "-\t-") /**/
    NATIVE(B0, "1782900000", "255") STATE(B0, "20260701080000")
        OTHER(B0, "-", S0, "-", "forever\tlocal") /**/
    NATIVE(C1, "1782903600", "4096") STATE(C1, "20260701110000")
        OTHER(C1, "-", B0, "Zmlyc3QgY29tbWl0IOKclA==", "2000-01-01T00:00:00Z\tlocal") /**/
    NATIVE(C2, "1782907200", "4097") STATE(C2, "20260701120000")
        OTHER(C2, "dev,other", C1, "!!", "2999-12-31T00:00:00Z\tlocal");

static const DblabSnapshot *at(const GPtrArray *snapshots, guint i)
{
    g_assert_cmpuint(i, <, snapshots->len);
    return g_ptr_array_index(snapshots, i);
}

static void test_example(void)
{
    g_autoptr(GPtrArray) snapshots = zfs_dblab_parse(example, "tank/dblab");

    g_assert_cmpuint(snapshots->len, ==, 4);
    g_assert_cmpstr(at(snapshots, 0)->snapshot, ==, S0);
    g_assert_cmpstr(at(snapshots, 0)->name, ==, "foreign-b63bcbb862576f31");
    g_assert_cmpstr(at(snapshots, 1)->name, ==, "foreign-00000000000000ff");
    g_assert_true(storage_is_foreign(at(snapshots, 0)->name));
    g_assert_cmpuint(at(snapshots, 0)->foreign.logical_size, ==, 41943040);
}

static void test_manifests(void)
{
    static const struct {
        const char *id, *branch, *parent, *message, *data_state;
    } expected[] = {
        {"@snapshot_20260701080000", "main", "", "", "20260701080000"},
        {"/branch/dev@20260701100000", "dev", "foreign-b63bcbb862576f31", "", "20260701080000"},
        {"/branch/dev/c1/r0@20260701110000", "dev", "foreign-00000000000000ff", "first commit ✔",
         "20260701110000"},
        {"/branch/dev/c1/r0@20260701120000", "dev", "foreign-0000000000001000", "",
         "20260701120000"},
    };
    g_autoptr(GPtrArray) snapshots = zfs_dblab_parse(example, "tank/dblab");

    for (guint i = 0; i < G_N_ELEMENTS(expected); i++) {
        const Manifest *manifest = at(snapshots, i)->manifest;
        g_autofree char *stamp = clock_format_stamp(manifest->data_state_at_ms);

        g_assert_cmpstr(manifest->uid, ==, at(snapshots, i)->name);
        g_assert_cmpstr(manifest->kind, ==, "snapshot");
        g_assert_cmpstr(manifest->id, ==, expected[i].id);
        g_assert_cmpstr(manifest->branch, ==, expected[i].branch);
        g_assert_cmpstr(manifest->parent, ==, expected[i].parent);
        g_assert_cmpstr(manifest->message, ==, expected[i].message);
        g_assert_cmpstr(stamp, ==, expected[i].data_state);
    }
    g_assert_cmpint(at(snapshots, 2)->manifest->created_at_ms, ==, 1782903600000);
}

static void test_protection(void)
{
    g_autoptr(GPtrArray) snapshots = zfs_dblab_parse(example, "tank/dblab");

    g_assert_false(at(snapshots, 0)->foreign.is_protected);
    g_assert_true(at(snapshots, 1)->foreign.is_protected);
    g_assert_cmpint(at(snapshots, 1)->foreign.protected_till_ms, ==, 0);
    g_assert_false(at(snapshots, 2)->foreign.is_protected); /* it is over */
    g_assert_true(at(snapshots, 3)->foreign.is_protected);
    g_assert_cmpint(at(snapshots, 3)->foreign.protected_till_ms, >, clock_now_ms());
}

static void assert_found(const char *output, guint count)
{
    g_autoptr(GPtrArray) snapshots = zfs_dblab_parse(output, "tank/dblab");

    g_assert_cmpuint(snapshots->len, ==, count);
}

static void test_what_is_not_dblabs(void)
{
    assert_found("", 0);
    assert_found("broken\n\t\t\t\nname\tguid\n", 0);
    assert_found(NATIVE("tank/dblab@manual", "1", "7"), 0);
    assert_found(NATIVE("tank/dblab@x", "1", "7") STATE("tank/dblab@x", "20260701080000"), 1);
    assert_found(NATIVE("tank/dblab@x", "1", "7") STATE("tank/dblab@x", "soon"), 0);
    assert_found(NATIVE("tank/dblab@x", "1", "-") STATE("tank/dblab@x", "20260701080000"), 0);
    assert_found(NATIVE("tank/dblab2@x", "1", "7") STATE("tank/dblab2@x", "20260701080000"), 0);
    assert_found(NATIVE("tank/dblab@x_pre", "1", "7") STATE("tank/dblab@x_pre", "20260701080000"),
                 0);
}

/* A clone of ours that DBLab's properties came along with, and one that only inherits them. */
static void test_ours_and_inherited(void)
{
    assert_found(NATIVE("tank/dblab/volumes/v@s", "1", "7")
                     STATE("tank/dblab/volumes/v@s", "20260701080000"),
                 0);
    assert_found(NATIVE("tank/dblab/kept/v.5@s", "1", "7")
                     STATE("tank/dblab/kept/v.5@s", "20260701080000"),
                 0);
    assert_found(NATIVE("tank/dblab@x", "1", "7") "tank/dblab@x\tdblab:datastateat\t20260701080000"
                                                  "\tinherited from tank\n",
                 0);
    assert_found(NATIVE("tank/dblab@x", "1", "7") "tank/dblab@x\tdblab:datastateat\t20260701080000"
                                                  "\treceived\n",
                 1);
}

static void test_half_destroyed(void)
{
    assert_found("tank/dblab@x\tguid\t7\t-\ntank/dblab@x\tdefer_destroy\ton\t-\n" /**/
                 STATE("tank/dblab@x", "20260701080000"),
                 0);
}

/* A tab in a property that somebody set by hand costs that line, not the listing. */
static void test_tab_in_a_value(void)
{
    g_autoptr(GPtrArray) snapshots = zfs_dblab_parse(
        NATIVE("tank/dblab@x", "1", "7")
            STATE("tank/dblab@x", "20260701080000") "tank/dblab@x\tdle:message\ta\tb\tlocal\n",
        "tank/dblab");

    g_assert_cmpstr(at(snapshots, 0)->manifest->message, ==, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zfs_dblab/example", test_example);
    g_test_add_func("/zfs_dblab/manifests", test_manifests);
    g_test_add_func("/zfs_dblab/protection", test_protection);
    g_test_add_func("/zfs_dblab/what-is-not-dblabs", test_what_is_not_dblabs);
    g_test_add_func("/zfs_dblab/ours-and-inherited", test_ours_and_inherited);
    g_test_add_func("/zfs_dblab/half-destroyed", test_half_destroyed);
    g_test_add_func("/zfs_dblab/tab-in-a-value", test_tab_in_a_value);
    return g_test_run();
}
