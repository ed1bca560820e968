/*
 * Parsers and printers of numbers, sizes, durations and texts.
 */
#include "base/text.h"

/* The error is refused input with this message; it is freed. */
static void assert_invalid(Error *e, const char *message)
{
    g_autoptr(Error) invalid = e;

    g_assert_nonnull(invalid);
    g_assert_cmpint(invalid->code, ==, ERR_INVALID);
    g_assert_cmpstr(invalid->message, ==, message);
}

static void test_int(void)
{
    int64_t value = 0;

    g_assert_null(text_parse_int("0", 0, 10, &value));
    g_assert_cmpint(value, ==, 0);
    g_assert_null(text_parse_int("-17", -20, 10, &value));
    g_assert_cmpint(value, ==, -17);
    g_assert_null(text_parse_int("9223372036854775807", 0, INT64_MAX, &value));
    g_assert_cmpint(value, ==, INT64_MAX);
    g_assert_null(text_parse_int("-9223372036854775808", INT64_MIN, 0, &value));
    g_assert_cmpint(value, ==, INT64_MIN);
}

static void test_int_refused(void)
{
    static const char *const wrong[] = {"",    " 1", "1 ",  "++1", "1.0", "0x10", "1e3",
                                        "--1", "-",  "12a", "\n1", "1\n", "١",    "\xff"};
    int64_t value = 42;

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(Error) e = text_parse_int(wrong[i], -100, 100, &value);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
    }
    assert_invalid(text_parse_int(NULL, 0, 1, &value), "\"\" is not a whole number");
    assert_invalid(text_parse_int("abc", 0, 1, &value), "\"abc\" is not a whole number");
    assert_invalid(text_parse_int("65536", 1, 65535, &value),
                   "\"65536\" is not between 1 and 65535");
    assert_invalid(text_parse_int("99999999999999999999", 0, 9, &value),
                   "\"99999999999999999999\" is not between 0 and 9");
    g_assert_cmpint(value, ==, 42);
}

static void test_size(void)
{
    static const struct {
        const char *text;
        uint64_t bytes;
    } cases[] = {
        {"0", 0},
        {"4096", 4096},
        {"1b", 1},
        {"1k", 1024},
        {"1gb", UINT64_C(1) << 30},
        {"10G", UINT64_C(10) << 30},
        {"512 MB", UINT64_C(512) << 20},
        {"3MiB", UINT64_C(3) << 20},
        {"2T", UINT64_C(2) << 40},
        {"16777215T", UINT64_C(16777215) << 40},
        {"18446744073709551615", UINT64_MAX},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        uint64_t bytes = 1;

        g_assert_null(text_parse_size(cases[i].text, &bytes));
        g_assert_cmpuint(bytes, ==, cases[i].bytes);
    }
}

static void test_size_refused(void)
{
    static const char *const wrong[] = {"",    "G",    "-1G", "1.5G",     "1  G", "10X",
                                        "1G ", "1GBB", "1ib", "\x31\xff", "1G\n"};
    uint64_t bytes = 42;

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(Error) e = text_parse_size(wrong[i], &bytes);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_nonnull(e->hint);
    }
    assert_invalid(text_parse_size("16777216T", &bytes),
                   "\"16777216T\" is not a size of less than 16 EiB");
    assert_invalid(text_parse_size("18446744073709551616", &bytes),
                   "\"18446744073709551616\" is not a size of less than 16 EiB");
    g_assert_cmpuint(bytes, ==, 42);
}

static void test_duration(void)
{
    static const struct {
        const char *text;
        int64_t ms;
    } cases[] = {
        {"0", 0},        {"0s", 0},          {"250ms", 250},    {"30s", 30000},    {"5m", 300000},
        {"1m0s", 60000}, {"1h30m", 5400000}, {"2d", 172800000}, {"1s500ms", 1500},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        int64_t ms = -1;

        g_assert_null(text_parse_duration(cases[i].text, &ms));
        g_assert_cmpint(ms, ==, cases[i].ms);
    }
}

static void test_duration_refused(void)
{
    static const char *const wrong[] = {
        "",
        "30",
        "s",
        "1.5s",
        "-1s",
        "1h ",
        " 1h",
        "1h30",
        "1w",
        "10000000000000000000s",
        "9223372036854775807s",
        "106751991167d106751991167d",
        "1s\n",
    };
    int64_t ms = 42;

    for (size_t i = 0; i < G_N_ELEMENTS(wrong); i++) {
        g_autoptr(Error) e = text_parse_duration(wrong[i], &ms);

        g_assert_nonnull(e);
        g_assert_cmpint(e->code, ==, ERR_INVALID);
        g_assert_nonnull(e->hint);
    }
    assert_invalid(text_parse_duration(NULL, &ms), "\"\" is not a duration");
    g_assert_cmpint(ms, ==, 42);
}

static void test_format_size(void)
{
    static const struct {
        uint64_t bytes;
        const char *text;
    } cases[] = {
        {0, "0 B"},
        {9, "9 B"},
        {1023, "1023 B"},
        {1024, "1.0 KiB"},
        {1536, "1.5 KiB"},
        {10 * 1024, "10 KiB"},
        {456704, "446 KiB"},
        {UINT64_C(1288490189), "1.2 GiB"},
        {UINT64_C(64424509440), "60 GiB"},
        {UINT64_MAX, "16 EiB"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *text = text_format_size(cases[i].bytes);

        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

static void test_nearest(void)
{
    static const char *const words[] = {"host", "port", "databaseConfigs", "debug", NULL};
    static const char *const none[] = {NULL};
    g_autofree char *long_word = g_strnfill(100000, 'x');

    g_assert_cmpstr(text_nearest("databaseConfig", words), ==, "databaseConfigs");
    g_assert_cmpstr(text_nearest("databaseconfigs", words), ==, "databaseConfigs");
    g_assert_cmpstr(text_nearest("hots", words), ==, "host"); /* a swap is one edit */
    g_assert_cmpstr(text_nearest("ohst", words), ==, "host");
    g_assert_cmpstr(text_nearest("dEUBg", words), ==, "debug");
    g_assert_cmpstr(text_nearest("tosh", words), ==, NULL); /* two edits in four letters */
    g_assert_cmpstr(text_nearest("ohts", words), ==, NULL); /* two swaps */
    g_assert_cmpstr(text_nearest("hostt", words), ==, "host");
    g_assert_cmpstr(text_nearest("bug", words), ==, NULL);
    g_assert_cmpstr(text_nearest("", words), ==, NULL);
    g_assert_cmpstr(text_nearest("host", none), ==, NULL);
    g_assert_cmpstr(text_nearest(long_word, words), ==, NULL);
}

static void assert_tail(const char *text, size_t max_bytes, const char *expected)
{
    g_autofree char *tail = text_tail(text, max_bytes);

    g_assert_cmpstr(tail, ==, expected);
}

static void test_tail(void)
{
    assert_tail("", 0, "");
    assert_tail("abc", 3, "abc");
    assert_tail("abc", 2, "bc");
    assert_tail("one\ntwo\nthree", 9, "two\nthree");
    assert_tail("one\ntwo\nthree", 8, "three");
    assert_tail("one\ntwo\nthree", 5, "three");
    assert_tail("one line\n", 5, "line\n");
    assert_tail("äöü", 3, "ü"); /* never half of a character */
}

static void assert_printable(const char *text, size_t max_bytes, const char *expected)
{
    g_autofree char *printable = text_printable(text, max_bytes);

    g_assert_cmpstr(printable, ==, expected);
}

static void test_printable(void)
{
    assert_printable("", 10, "");
    assert_printable("plain \"text\"", 99, "plain \"text\"");
    assert_printable("a\nb\tc\x1b[31m\x7f", 99, "a\\x0ab\\x09c\\x1b[31m\\x7f");
    assert_printable("grün\xff\xc3", 99, "grün\\xff\\xc3");
    assert_printable("\xc2\x85", 99, "\\xc2\\x85"); /* a control character beyond ASCII */
    assert_printable("abcdef", 6, "abcdef");
    assert_printable("abcdef", 3, "abc…");
    assert_printable("aü", 2, "a…");
}

/* What turns the direction of writing or hides text steers a terminal, too. */
static void test_printable_format(void)
{
    assert_printable("a\u202eb", 99, "a\\xe2\\x80\\xaeb");
    assert_printable("\u2066\u200b\ufeff", 99, "\\xe2\\x81\\xa6\\xe2\\x80\\x8b\\xef\\xbb\\xbf");
    assert_printable("\u2028", 99, "\\xe2\\x80\\xa8");
    assert_printable("Łódź 北京 שלום", 99, "Łódź 北京 שלום");
}

static void test_printable_lines(void)
{
    g_autofree char *lines = text_printable_lines("a\n\tb\r\x1b[2J\u202e", 99);

    g_assert_cmpstr(lines, ==, "a\n\tb\\x0d\\x1b[2J\\xe2\\x80\\xae");
}

static void test_list_json(void)
{
    const char *const words[] = {"one", "", "dr\xc3\xa9i", NULL};
    json_t *array = text_list_json(words);

    g_assert_cmpuint(json_array_size(array), ==, 3);
    for (size_t i = 0; words[i]; i++)
        g_assert_cmpstr(json_string_value(json_array_get(array, i)), ==, words[i]);
    json_decref(array);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/text/int", test_int);
    g_test_add_func("/text/int-refused", test_int_refused);
    g_test_add_func("/text/size", test_size);
    g_test_add_func("/text/size-refused", test_size_refused);
    g_test_add_func("/text/duration", test_duration);
    g_test_add_func("/text/duration-refused", test_duration_refused);
    g_test_add_func("/text/format-size", test_format_size);
    g_test_add_func("/text/nearest", test_nearest);
    g_test_add_func("/text/tail", test_tail);
    g_test_add_func("/text/printable", test_printable);
    g_test_add_func("/text/printable-format", test_printable_format);
    g_test_add_func("/text/printable-lines", test_printable_lines);
    g_test_add_func("/text/list-json", test_list_json);
    return g_test_run();
}
