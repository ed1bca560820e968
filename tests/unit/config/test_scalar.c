/*
 * The scalars of YAML 1.1.
 */
#include "config/scalar.h"

static void expect(const char *text, const char *json)
{
    json_auto_t *value = scalar_to_json(text, true);
    g_autofree char *got = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));

    g_assert_cmpstr(got, ==, json);
}

static void test_words(void)
{
    static const char *const truths[] = {"yes", "Yes",  "YES",  "on", "On",
                                         "ON",  "true", "True", "y"};
    static const char *const lies[] = {"no",  "No",    "NO",    "off", "Off",
                                       "OFF", "false", "FALSE", "n"};

    for (size_t i = 0; i < G_N_ELEMENTS(truths); i++)
        expect(truths[i], "true");
    for (size_t i = 0; i < G_N_ELEMENTS(lies); i++)
        expect(lies[i], "false");
    expect("", "null");
    expect("~", "null");
    expect("Null", "null");
    expect("yEs", "\"yEs\"");
    expect("nothing", "\"nothing\"");
}

static void test_integers(void)
{
    expect("0", "0");
    expect("42", "42");
    expect("-7", "-7");
    expect("+7", "7");
    expect("0777", "511");
    expect("0o17", "15");
    expect("0x1F", "31");
    expect("0b101", "5");
    expect("1_000_000", "1000000");
    expect("9223372036854775807", "9223372036854775807");
    expect("-0x10", "-16");
}

static void test_reals(void)
{
    expect("1.5", "1.5");
    expect("-.5", "-0.5");
    expect("1e3", "1000.0");
}

static void test_texts(void)
{
    expect("1GB", "\"1GB\"");
    expect("0888", "\"0888\"");
    expect("0x", "\"0x\"");
    expect("9223372036854775808", "\"9223372036854775808\"");
    expect("1.2.3", "\"1.2.3\"");
    expect("e", "\"e\"");
    expect("-", "\"-\"");
    expect("_", "\"_\"");
    expect(".", "\".\"");
    expect("inf", "\"inf\"");
    expect("12:30", "\"12:30\"");
    expect("2026-07-01", "\"2026-07-01\"");
}

static void test_quoted(void)
{
    static const char *const texts[] = {"yes", "42", "0777", "", "~", "1.5"};

    for (size_t i = 0; i < G_N_ELEMENTS(texts); i++) {
        json_auto_t *value = scalar_to_json(texts[i], false);
        g_assert_cmpstr(json_string_value(value), ==, texts[i]);
    }
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/config/scalar/words", test_words);
    g_test_add_func("/config/scalar/integers", test_integers);
    g_test_add_func("/config/scalar/reals", test_reals);
    g_test_add_func("/config/scalar/texts", test_texts);
    g_test_add_func("/config/scalar/quoted", test_quoted);
    return g_test_run();
}
