/*
 * One name is held by one thread at a time; different names do not wait for each other.
 */
#include "storage/name_lock.h"

#define THREADS 8
#define ROUNDS  2000

static NameLocks *locks;
static int holders[2]; /* of each name, plain on purpose: the lock alone keeps it right */
static int total[2];

static void *hold_often(void *data)
{
    int which = GPOINTER_TO_INT(data) % 2;

    for (int i = 0; i < ROUNDS; i++) {
        g_autoptr(NameLock) lock G_GNUC_UNUSED =
            name_lock_acquire(locks, which ? "volumes/a" : "volumes/b");

        g_assert_cmpint(holders[which]++, ==, 0);
        total[which]++;
        holders[which]--;
    }
    return NULL;
}

static void test_one_at_a_time(void)
{
    GThread *threads[THREADS];

    locks = name_locks_new();
    for (int i = 0; i < THREADS; i++)
        threads[i] = g_thread_new("holder", hold_often, GINT_TO_POINTER(i));
    for (int i = 0; i < THREADS; i++)
        g_thread_join(threads[i]);
    g_assert_cmpint(total[0], ==, THREADS / 2 * ROUNDS);
    g_assert_cmpint(total[1], ==, THREADS / 2 * ROUNDS);
    name_locks_free(locks);
}

static void test_names_do_not_wait_for_each_other(void)
{
    locks = name_locks_new();

    NameLock *a = name_lock_acquire(locks, "a");
    NameLock *b = name_lock_acquire(locks, "b");

    name_lock_release(a);
    a = name_lock_acquire(locks, "a");
    name_lock_release(a);
    name_lock_release(b);
    name_lock_release(NULL);
    name_locks_free(locks);
    name_locks_free(NULL);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/storage/name-lock/one-at-a-time", test_one_at_a_time);
    g_test_add_func("/storage/name-lock/names-do-not-wait-for-each-other",
                    test_names_do_not_wait_for_each_other);
    return g_test_run();
}
