/*
 * Passwords: which are refused, with which words, and random ones.
 */
#include <string.h>

#include "base/secret.h"

/*
 * Entropy by hand: length × log2(base), with base = sum of the classes in use. The estimate must
 * lie within ±0.01 of bits: accepted a little below, refused a little above.
 */
static void assert_bits(const char *password, double bits)
{
    g_autoptr(Error) below = secret_check_password(password, bits - 0.01);
    g_autoptr(Error) above = secret_check_password(password, bits + 0.01);

    g_assert_null(below);
    g_assert_nonnull(above);
    g_assert_cmpint(above->code, ==, ERR_INVALID);
}

static void test_classes(void)
{
    assert_bits("qa", 2 * 4.70044);     /* 26 */
    assert_bits("QA", 2 * 4.70044);     /* 26 */
    assert_bits("72", 2 * 3.32193);     /* 10 */
    assert_bits("!@", 2 * 2.32193);     /* 5 */
    assert_bits("_-", 2 * 2.32193);     /* 5 */
    assert_bits("#(", 2 * 4.45943);     /* 22 */
    assert_bits("qA7!_#", 6 * 6.55459); /* 94 */
    assert_bits("äö", 4 * 1.0);         /* two characters beyond the classes, of two bytes each */
    assert_bits("ää", 0.0);             /* one of them: log2(1) */
    assert_bits("`a", 2 * 4.75489);     /* a backquote is beyond them, too */
    assert_bits("qä", 3 * 4.75489);     /* 27 */
    assert_bits("gK8-mZ2xW9pQ4", 13 * 6.06609); /* 26 + 26 + 10 + 5 = 67 */
}

static void test_runs(void)
{
    assert_bits("aaaa", 2 * 4.70044);
    assert_bits("aabb", 4 * 4.70044);
    assert_bits("aaaabaaaa", 5 * 4.70044);
    assert_bits("11111111111111111111", 2 * 3.32193);
}

static void test_sequences(void)
{
    assert_bits("abcdefgh", 2 * 4.70044);
    assert_bits("hgfedcba", 4 * 4.70044); /* "hg" + "ed": the keyboard row comes first */
    assert_bits("qwertyuiop", 2 * 4.70044);
    assert_bits("lkjhgfdsa", 2 * 4.70044);
    assert_bits("zxcvbnm", 2 * 4.70044);
    assert_bits("0123456789", 2 * 3.32193);
    assert_bits("987654321", 2 * 3.32193);
    assert_bits("abcabc", 5 * 4.70044); /* "ab" + "abc": see secret_cap_sequence() */
    assert_bits("xabc", 4 * 4.70044);
    assert_bits("-abc-cba-", 7 * 4.95420); /* 31 */
    assert_bits("ABCDEF", 6 * 4.70044);    /* the sequences are of lower-case letters */
    assert_bits("za", 2 * 4.70044);        /* they do not wrap around */
    assert_bits("qwerty12345", 4 * 5.16993);
}

static void assert_refused(const char *password, const char *message)
{
    g_autoptr(Error) e = secret_check_password(password, 60);

    g_assert_nonnull(e);
    g_assert_cmpstr(e->message, ==, message);
}

static void test_messages(void)
{
    assert_refused("",
                   "insecure password, try including more special characters, using lowercase "
                   "letters, using uppercase letters, using numbers or using a longer password");
    assert_refused("123", "insecure password, try including more special characters, using "
                          "lowercase letters, using uppercase letters or using a longer password");
    assert_refused("MYPASS!", "insecure password, try including more special characters, using "
                              "lowercase letters, using numbers or using a longer password");
    assert_refused("aQ7!_#", "insecure password, try using a longer password");
    g_assert_null(secret_check_password("aGoo0dMi#oFChaR2", 80));
    g_assert_null(secret_check_password("", 0));
}

static void test_strange_passwords(void)
{
    g_autofree char *long_one = g_strnfill(1 << 20, 'x');
    g_autoptr(Error) e = secret_check_password(long_one, 60);
    g_autoptr(Error) broken = secret_check_password("\xff\xfe", 60);

    g_assert_nonnull(e);
    g_assert_null(strstr(e->message, "xxx")); /* never repeats what it was given */
    g_assert_nonnull(broken);
}

static void test_random(void)
{
    g_autofree char *a = secret_random(32);
    g_autofree char *b = secret_random(32);
    g_autofree char *none = secret_random(0);
    g_autofree char *many = secret_random(20000);
    size_t counts[256] = {0};

    g_assert_cmpuint(strlen(a), ==, 32);
    g_assert_cmpstr(a, !=, b);
    g_assert_cmpstr(none, ==, "");
    for (const char *c = many; *c; c++) {
        g_assert_true(g_ascii_isalnum(*c));
        counts[(unsigned char)*c]++;
    }
    for (int c = 0; c < 256; c++) /* 323 expected, standard deviation 18 */
        if (g_ascii_isalnum(c)) {
            g_assert_cmpuint(counts[c], >, 200);
            g_assert_cmpuint(counts[c], <, 450);
        }
}

static void test_equal(void)
{
    g_assert_true(secret_equal("", ""));
    g_assert_true(secret_equal("token", "token"));
    g_assert_false(secret_equal("token", "tokeN"));
    g_assert_false(secret_equal("token", "Token"));
    g_assert_false(secret_equal("token", "toke"));
    g_assert_false(secret_equal("token", ""));
    g_assert_false(secret_equal(NULL, ""));
    g_assert_false(secret_equal("", NULL));
    g_assert_false(secret_equal(NULL, NULL));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/secret/classes", test_classes);
    g_test_add_func("/secret/runs", test_runs);
    g_test_add_func("/secret/sequences", test_sequences);
    g_test_add_func("/secret/messages", test_messages);
    g_test_add_func("/secret/strange-passwords", test_strange_passwords);
    g_test_add_func("/secret/random", test_random);
    g_test_add_func("/secret/equal", test_equal);
    return g_test_run();
}
