/*
 * The order of the pools, and which one a refresh goes to.
 */
#include "engine/pool/choice.h"

static Pool *const there = (Pool *)(uintptr_t)1; /* never looked into */

static void test_order(void)
{
    PoolStatus empty = {.name = (char[]){"a"}, .pool = there};
    PoolStatus away = {.name = (char[]){"b"}, .data_state_at_ms = 9000};
    PoolStatus old = {.name = (char[]){"c"}, .pool = there, .data_state_at_ms = 1000};
    PoolStatus latest = {.name = (char[]){"d"}, .pool = there, .data_state_at_ms = 2000};
    PoolStatus same = {.name = (char[]){"e"}, .pool = there, .data_state_at_ms = 2000};
    const PoolStatus *const expected[] = {&latest, &same, &old, &empty, &away};
    g_autoptr(GPtrArray) statuses = g_ptr_array_new();

    g_ptr_array_add(statuses, &empty);
    g_ptr_array_add(statuses, &away);
    g_ptr_array_add(statuses, &same);
    g_ptr_array_add(statuses, &old);
    g_ptr_array_add(statuses, &latest);
    pool_choice_sort(statuses);
    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
        g_assert_true(statuses->pdata[i] == expected[i]);
}

/* Pools in the order of the rotation: clones, data (0 = empty), space. */
typedef struct Case {
    struct {
        unsigned n_clones;
        int64_t data_state_at_ms;
        uint64_t free_bytes;
    } pools[3];
    size_t n;
    uint64_t needed_bytes;
    size_t expected;
} Case;

static const Case cases[] = {
    {.n = 0, .expected = 0},
    {.pools = {{5, 9, 100}}, .n = 1, .needed_bytes = 1000, .expected = 0}, /* the only one     */
    {.pools = {{0, 9, 900}, {0, 5, 100}}, .n = 2, .expected = 1},          /* not the active   */
    {.pools = {{0, 9, 900}, {0, 5, 100}, {0, 3, 100}},
     .n = 3,
     .expected = 2}, /* the oldest data  */
    {.pools = {{0, 9, 900}, {0, 5, 100}, {0, 0, 100}},
     .n = 3,
     .expected = 2},                                              /* the empty one    */
    {.pools = {{0, 0, 900}, {0, 0, 900}}, .n = 2, .expected = 0}, /* all are empty    */
    {.pools = {{1, 9, 900}, {0, 5, 100}}, .n = 2, .expected = 1}, /* without clones   */
    {.pools = {{0, 9, 100}, {1, 5, 900}}, .n = 2, .expected = 0}, /* active, unused   */
    {.pools = {{1, 9, 100}, {2, 5, 900}}, .n = 2, .expected = 1}, /* most space       */
    {.pools = {{1, 9, 900}, {2, 5, 100}}, .n = 2, .expected = 0}, /* also the active  */
    {.pools = {{1, 9, 900}, {0, 5, 100}},
     .n = 2,
     .needed_bytes = 500,
     .expected = 0}, /* fits     */
    {.pools = {{1, 9, 300}, {0, 5, 100}},
     .n = 2,
     .needed_bytes = 500,
     .expected = 1}, /* none does */
};

static void test_refresh(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        PoolStatus statuses[3] = {0};
        PoolCandidate candidates[3];

        for (size_t j = 0; j < cases[i].n; j++) {
            statuses[j].n_clones = cases[i].pools[j].n_clones;
            statuses[j].data_state_at_ms = cases[i].pools[j].data_state_at_ms;
            candidates[j] = (PoolCandidate){&statuses[j], cases[i].pools[j].free_bytes};
        }
        size_t choice = pool_choice_for_refresh(candidates, cases[i].n, cases[i].needed_bytes);
        if (choice != cases[i].expected)
            g_error("case %zu: chose %zu, not %zu", i, choice, cases[i].expected);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/pool_choice/order", test_order);
    g_test_add_func("/pool_choice/refresh", test_refresh);
    return g_test_run();
}
