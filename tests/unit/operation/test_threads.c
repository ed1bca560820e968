/*
 * Operations at the limit of threads: they wait for one.
 */
#include <sys/resource.h>
#include <unistd.h>

#include "operation_fixture.h"

#define USER_WITHOUT_PROCESSES 65533 /* root is not limited */

static const Step long_steps[] = {{"step c", run_c, NULL}, {0}};
static const OperationKind long_kind = {.name = "long",
                                        .steps = long_steps,
                                        .is_long = true,
                                        .load = load,
                                        .unload = unload,
                                        .finish = finish,
                                        .fail = fail};

static rlim_t limit_threads(rlim_t to)
{
    struct rlimit limit;
    rlim_t before;

    g_assert_no_errno(getrlimit(RLIMIT_NPROC, &limit));
    before = limit.rlim_cur;
    limit.rlim_cur = to;
    g_assert_no_errno(setrlimit(RLIMIT_NPROC, &limit));
    return before;
}

static void submit(Fixture *f, const OperationKind *kind, const char *target)
{
    operations_submit_take(f->operations, record(f, kind, target), on_ended, NULL);
}

static void wait_for_ends(int n)
{
    g_mutex_lock(&trace_lock);
    while (n_ended < n)
        g_cond_wait(&trace_changed, &trace_lock);
    g_mutex_unlock(&trace_lock);
}

/* Neither is lost, and nobody has to ask for another before they go on. */
static void run_without_threads(Fixture *f)
{
    operations_register(f->operations, &long_kind, f);

    rlim_t before = limit_threads(0);

    submit(f, &resuming_kind, "short");
    submit(f, &long_kind, "t");
    g_assert_cmpstr(trace->str, ==, "");
    g_assert_true(operations_is_busy(f->operations, NULL, "short"));
    limit_threads(before);
    wait_for_ends(2);
    g_assert_cmpuint(journal_length(f), ==, 0);
}

static void test_without_threads(void)
{
    Fixture f = {0};

    if (g_test_subprocess()) {
        if (geteuid() == 0)
            g_assert_no_errno(setuid(USER_WITHOUT_PROCESSES));
        set_up(&f, NULL);
        run_without_threads(&f);
        tear_down(&f, NULL);
        return;
    }
    g_test_trap_subprocess(NULL, 0, G_TEST_SUBPROCESS_DEFAULT);
    g_test_trap_assert_passed();
    g_test_trap_assert_stderr("*no thread for an operation*operation=long*");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/operation/without-threads", test_without_threads);
    return g_test_run();
}
