/*
 * What zpool(8) says of a pool's health, recorded from OpenZFS 2.1.11 and 2.3.2, which agree.
 */
#include "storage/zfs/care.h"

#include <stdint.h>

static const char degraded[] =
    "  pool: tank\n"
    " state: DEGRADED\n"
    "status: One or more devices has been taken offline by the administrator.\n"
    "\tSufficient replicas exist for the pool to continue functioning in a\n"
    "\tdegraded state.\n"
    "action: Online the device using 'zpool online' or replace the device with\n"
    "\t'zpool replace'.\n"
    "config:\n"
    "\n"
    "\tNAME                STATE     READ WRITE CKSUM\n"
    "\ttank                DEGRADED     0     0     0\n"
    "\t  mirror-0          DEGRADED     0     0     0\n"
    "\t    /dev/shm/a.img  ONLINE       0     0     0\n"
    "\t    /dev/shm/b.img  OFFLINE      0     0     0\n"
    "\tspecial\t\n"
    "\t  /dev/shm/c.img    ONLINE       0     0     0\n"
    "\tlogs\t\n"
    "\t  /dev/shm/d.img    ONLINE       0     0     0\n"
    "\tcache\n"
    "\t  loop0             ONLINE       0     0     0\n"
    "\n"
    "errors: No known data errors\n";

/* None: it is well. */
static void assert_problems(const char *output, const char *const *expected)
{
    g_autoptr(GPtrArray) problems = g_ptr_array_new_with_free_func(g_free);

    zfs_parse_health(output, problems);
    g_assert_cmpuint(problems->len, ==, g_strv_length((char **)(uintptr_t)expected));
    for (guint i = 0; i < problems->len; i++)
        g_assert_cmpstr(g_ptr_array_index(problems, i), ==, expected[i]);
}

static void test_well(void)
{
    static const char *const none[] = {NULL};

    assert_problems("pool 'tank' is healthy\n", none);
    assert_problems("all pools are healthy\n", none);
    assert_problems("", none);
}

static void test_degraded(void)
{
    static const char *const said[] = {
        "zpool status: state: DEGRADED",
        "zpool status: status: One or more devices has been taken offline by the administrator.",
        NULL,
    };

    assert_problems(degraded, said);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/zfs_care/well", test_well);
    g_test_add_func("/zfs_care/degraded", test_degraded);
    return g_test_run();
}
