/*
 * Which programs of LVM's are started, how, and what their failures mean to us.
 */
#include "storage/lvm/command.h"

#include <string.h>

#include "base/proc.h"
#include "storage/lvm/image.h"

static GString *started;      /* one line for each program         */
static const char *says;      /* what the next one writes to stdout */
static const char *complains; /* and to stderr: then it fails       */

static Error *play_program(const ProcSpec *spec, ProcResult *ret_result)
{
    g_autofree char *line = g_strjoinv(" ", (char **)(uintptr_t)spec->argv);

    g_string_append_printf(started, "%s\n", line);
    g_assert_cmpint(spec->timeout_ms, >, 0);
    g_assert_true(g_strv_contains(spec->env, "LC_ALL=C"));
    *ret_result = (ProcResult){.output = g_strdup(says), .errors = g_strdup(complains)};
    return complains ? error_new(ERR_EXTERNAL, "program \"%s\" failed with status 5", spec->argv[0])
                     : NULL;
}

static void setup(void)
{
    started = g_string_new(NULL);
    says = "";
    complains = NULL;
    proc_run_hook = play_program;
}

static void teardown(void)
{
    proc_run_hook = NULL;
    g_string_free(started, TRUE);
}

static void assert_started(const char *words)
{
    if (!strstr(started->str, words))
        g_test_message("%s", started->str);
    g_assert_nonnull(strstr(started->str, words));
}

static const LvmPlace place = {(char *)(uintptr_t) "vg", (char *)(uintptr_t) "ramet",
                               (char *)(uintptr_t) "pool"};

/* One program, which names what it makes and what it is made of. */
static void test_make(void)
{
    const Manifest manifest = {.kind = (char *)(uintptr_t) "clone",
                               .uid = (char *)(uintptr_t) "c-1",
                               .id = (char *)(uintptr_t) "my clone"};

    setup();
    g_assert_null(
        lvm_make(&place, "/mnt/p/volumes/c-1", &manifest, "-prw", "-s", "vg/ramet.s.s", NULL));
    assert_started("lvcreate --config backup{backup=0 archive=0}");
    assert_started(" -y -ay -kn -n ramet.v.c+1 --addtag ramet.pool=ramet "
                   "--addtag ramet.volume=c-1 --addtag ramet.kind=clone --addtag ramet.uid=c-1 "
                   "--addtag ramet.id=my_clone -prw -s vg/ramet.s.s\n");
    g_assert_cmpuint(started->len, ==, strcspn(started->str, "\n") + 1);
    teardown();
}

static void test_snapshot_tags(void)
{
    const Manifest manifest = {.kind = (char *)(uintptr_t) "snapshot"};

    setup();
    g_assert_null(lvm_make(&place, "/mnt/p/snapshots/s", &manifest, "-s", "vg/ramet.v.v", NULL));
    assert_started("-n ramet.s.s --addtag ramet.pool=ramet --addtag ramet.snapshot=s "
                   "--addtag ramet.kind=snapshot -s vg/ramet.v.v\n");
    teardown();
}

static void test_report(void)
{
    static const char *const fields[] = {"lv_name", "lv_tags", NULL};
    g_autofree char *selection = lvm_selection(&place);
    g_autoptr(GPtrArray) rows = NULL;

    setup();
    says = "  {\"report\": [{\"lv\": [{\"lv_name\":\"ramet.v.a\", \"lv_tags\":\"x\"}]}]}\n";
    g_assert_null(lvm_report("lvs", fields, "vg", selection, &rows));
    g_assert_cmpuint(rows->len, ==, 1);
    assert_started("--reportformat json --units b --nosuffix -o lv_name,lv_tags vg "
                   "--select lv_tags=\"ramet.pool=ramet\"\n");
    teardown();
}

static void test_failures(void)
{
    setup();
    complains = "  Failed to find logical volume \"vg/ramet.v.a\"\n";

    g_autoptr(Error) missing = lvm_do("lvremove", "vg/ramet.v.a", NULL);

    complains = "lvs: unrecognized option '--reportformat'\n";

    g_autoptr(Error) old = lvm_do("lvs", NULL);

    g_assert_cmpint(missing->code, ==, ERR_NOT_FOUND);
    g_assert_cmpint(old->code, ==, ERR_EXTERNAL);
    g_assert_nonnull(strstr(old->hint, "2.02.158"));
    teardown();

    g_autoptr(Error) none = lvm_do("no-such-program-of-lvm", NULL);

    g_assert_nonnull(strstr(none->hint, "thin-provisioning-tools"));
}

/* A program that does not know of autoactivation fails once, and is asked again without. */
static Error *play_old_vgcreate(const ProcSpec *spec, ProcResult *ret_result)
{
    bool is_first = g_strv_contains(spec->argv, "--setautoactivation");

    complains = is_first ? "vgcreate: unrecognized option '--setautoactivation'\n" : NULL;

    Error *e = play_program(spec, ret_result);

    return is_first ? error_detail(e, "%s", complains) : e;
}

static void test_group_of_old_lvm(void)
{
    setup();
    proc_run_hook = play_old_vgcreate;

    g_autoptr(Error) e = lvm_make_group("no_such_group", "/dev/loop7", UINT64_C(1) << 30);

    g_assert_nonnull(e); /* there is no device of the root to be filled */
    assert_started("-y --setautoactivation n --metadatasize 8m --addtag ramet.image no_such_group");
    assert_started("-y --metadatasize 8m --addtag ramet.image no_such_group /dev/loop7\n");
    assert_started("lvcreate ");
    teardown();
}

/* Neither what is no logical volume, nor a directory that is not there. */
static void test_find_nothing(void)
{
    LvmPlace found = {0};
    g_autoptr(Error) none = lvm_find_place("/proc", &found);
    g_autoptr(Error) missing = lvm_find_place("/no/such/directory", &found);

    g_assert_cmpint(none->code, ==, ERR_INVALID);
    g_assert_nonnull(strstr(none->hint, "lvcreate"));
    g_assert_nonnull(missing);
    g_assert_null(found.vg);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lvm_command/make", test_make);
    g_test_add_func("/lvm_command/snapshot-tags", test_snapshot_tags);
    g_test_add_func("/lvm_command/report", test_report);
    g_test_add_func("/lvm_command/failures", test_failures);
    g_test_add_func("/lvm_command/group-of-old-lvm", test_group_of_old_lvm);
    g_test_add_func("/lvm_command/find-nothing", test_find_nothing);
    return g_test_run();
}
