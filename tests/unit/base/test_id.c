/*
 * Identifiers: form, order, uniqueness.
 */
#include "base/id.h"

#include <glib.h>
#include <string.h>

/* The seconds in the first 32 bits: six characters and two bits of the seventh. */
static gint64 id_seconds(const char *id)
{
    static const char alphabet[] = "0123456789abcdefghijklmnopqrstuv";
    guint64 bits = 0;

    for (int i = 0; i < 7; i++)
        bits = bits << 5 | (guint64)(strchr(alphabet, id[i]) - alphabet);
    return (gint64)(bits >> 3);
}

static void test_form(void)
{
    gint64 before = g_get_real_time() / G_USEC_PER_SEC;
    g_autofree char *id = id_new();
    gint64 after = g_get_real_time() / G_USEC_PER_SEC;

    g_assert_cmpuint(strlen(id), ==, 20);
    g_assert_cmpuint(strspn(id, "0123456789abcdefghijklmnopqrstuv"), ==, 20);
    g_assert_cmpint(id_seconds(id), >=, before);
    g_assert_cmpint(id_seconds(id), <=, after);
    g_assert_nonnull(strchr("0g", id[19])); /* 96 bits leave one for the last character */
}

static void test_unique(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);

    for (int i = 0; i < 100000; i++)
        g_assert_true(g_hash_table_add(seen, id_new()));
}

static void test_order(void)
{
    g_autofree char *earlier = id_new();

    g_usleep(1100000);

    g_autofree char *later = id_new();

    g_assert_cmpstr(earlier, <, later);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/id/form", test_form);
    g_test_add_func("/id/unique", test_unique);
    g_test_add_func("/id/order", test_order);
    return g_test_run();
}
