/*
 * What headers say of a body's length, and what they say in two ways.
 */
#include <glib.h>

#include "api/framing.h"

typedef struct Case {
    const char *headers[5]; /* name, value, … */
    bool is_ambiguous;
    uint64_t length;
} Case;

static const Case cases[] = {
    {{NULL}, false, 0},
    {{"Host", "x"}, false, 0},
    {{"content-length", "12"}, false, 12},
    {{"Content-Length", "18446744073709551614"}, false, UINT64_MAX - 1},
    {{"Transfer-Encoding", "CHUNKED"}, false, FRAMING_NO_LENGTH},
    {{"Content-Length", "12", "Content-Length", "12"}, true, 12},
    {{"Content-Length", "12", "Transfer-Encoding", "chunked"}, true, FRAMING_NO_LENGTH},
    {{"Transfer-Encoding", "chunked", "Transfer-Encoding", "chunked"}, true, FRAMING_NO_LENGTH},
    {{"Transfer-Encoding", "gzip, chunked"}, true, FRAMING_NO_LENGTH},
    {{"Content-Length", "+1"}, true, 0},
    {{"Content-Length", "1, 1"}, true, 0},
    {{"Content-Length", "-1"}, true, 0},
    {{"Content-Length", "0x10"}, true, 0},
    {{"Content-Length", ""}, true, 0},
    {{"Content-Length ", "12"}, true, 0},
    {{"Transfer-Encoding\t", "chunked"}, true, 0},
    {{"A b", "c"}, true, 0},
};

static void test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        Framing framing = {0};

        for (const char *const *header = cases[i].headers; header[0] && header[1]; header += 2)
            framing_note(&framing, header[0], header[1]);
        g_test_message("%s: %s", cases[i].headers[0], cases[i].headers[1]);
        g_assert_cmpint(framing_is_ambiguous(&framing), ==, cases[i].is_ambiguous);
        g_assert_cmpuint(framing.length, ==, cases[i].length);
    }
}

static void test_no_value(void)
{
    Framing framing = {0};

    framing_note(&framing, "Content-Length", NULL);
    g_assert_true(framing_is_ambiguous(&framing));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/framing/cases", test_cases);
    g_test_add_func("/framing/no-value", test_no_value);
    return g_test_run();
}
