/*
 * Tables, fields and JSON, and what is made readable in them.
 */
#include <glib.h>
#include <time.h>

#include "cli/json_path.h"
#include "cli/print.h"
#include "cli/progress.h"
#include "cli/view.h"

static json_t *parse(const char *text)
{
    json_t *json = json_loads(text, JSON_DECODE_ANY, NULL);

    g_assert_nonnull(json);
    return json;
}

static const Column test_columns[] = {{"ID", "id"}, {"STATE", "status.code"}, {"N", "n"}, {0}};

static void test_rows(void)
{
    g_autoptr(json_t) rows = parse("[{\"id\": \"c1\", \"status\": {\"code\": \"OK\"}, \"n\": 3},"
                                   " {\"id\": \"größer\", \"n\": null},"
                                   " {\"id\": \"x\", \"status\": {\"code\": \"CREATING\"}}]");
    g_autofree char *text = print_format_rows(test_columns, rows);

    g_assert_cmpstr(text, ==,
                    "ID      STATE     N\n"
                    "c1      OK        3\n"
                    "größer\n"
                    "x       CREATING\n");
}

static void test_no_rows(void)
{
    g_autoptr(json_t) rows = json_array();
    g_autofree char *text = print_format_rows(test_columns, rows);

    g_assert_cmpstr(text, ==, "ID  STATE  N\n");
}

static void test_fields(void)
{
    g_autoptr(json_t) object =
        parse("{\"id\": \"c1\", \"status\": {\"code\": \"\"}, \"n\": [1, true]}");
    g_autofree char *text = print_format_fields(test_columns, object);

    g_assert_cmpstr(text, ==,
                    "ID:     c1\n"
                    "N:      1, yes\n");
}

static void test_object(void)
{
    g_autoptr(json_t) limits = parse("{\"memory\": \"1gb\", \"pids-limit\": 100}");
    g_autoptr(json_t) none = json_object();
    g_autofree char *text = print_format_value(limits);
    g_autofree char *empty = print_format_value(none);

    g_assert_cmpstr(text, ==, "memory=1gb, pids-limit=100");
    g_assert_cmpstr(empty, ==, "");
}

static void test_control_characters(void)
{
    g_autoptr(json_t) value = parse("\"a\\u001b[31mb\\nc\"");
    g_autofree char *text = print_format_value(value);

    for (const char *c = text; *c; c++)
        g_assert_false(g_ascii_iscntrl(*c));
}

static void test_json(void)
{
    g_autoptr(json_t) object = parse("{\"z\": 1.204, \"a\": {\"b\": []}, \"u\": \"é<\"}");
    g_autofree char *text = print_format_json(object);

    g_assert_cmpstr(text, ==,
                    "{\n"
                    "    \"z\": 1.204,\n"
                    "    \"a\": {\n"
                    "        \"b\": []\n"
                    "    },\n"
                    "    \"u\": \"é<\"\n"
                    "}\n");
}

static void test_view(void)
{
    g_autoptr(json_t) clones = parse(
        "[{\"createdAt\": \"2026-07-01T09:10:00Z\", \"deleteAt\": null, \"protectedTill\": \"\","
        "  \"snapshot\": {\"logicalSize\": 64424509440, \"physicalSize\": 0},"
        "  \"metadata\": {\"cloneDiffSize\": 446464, \"maxIdleMinutes\": 120}}]");
    const json_t *clone = json_array_get(clones, 0);

    g_setenv("TZ", "Europe/Berlin", TRUE);
    tzset();
    view_localize(clones);
    g_assert_cmpstr(json_text_at(clone, "createdAt"), ==, "2026-07-01T11:10:00+02:00");
    g_assert_true(json_is_null(json_at(clone, "deleteAt")));
    g_assert_cmpstr(json_text_at(clone, "protectedTill"), ==, "");
    g_assert_cmpstr(json_text_at(clone, "snapshot.logicalSize"), ==, "60 GiB");
    g_assert_cmpstr(json_text_at(clone, "snapshot.physicalSize"), ==, "0 B");
    g_assert_cmpstr(json_text_at(clone, "metadata.cloneDiffSize"), ==, "436 KiB");
    g_assert_cmpint(json_integer_value(json_at(clone, "metadata.maxIdleMinutes")), ==, 120);
}

static void test_json_path(void)
{
    g_autoptr(json_t) object = parse("{\"a\": {\"b\": \"c\"}, \"t\": true, \"s\": \"x\"}");

    g_assert_cmpstr(json_text_at(object, "a.b"), ==, "c");
    g_assert_cmpstr(json_text_at(object, "a.x"), ==, "");
    g_assert_null(json_at(object, "s.b.c"));
    g_assert_null(json_at(NULL, "a"));
    g_assert_true(json_flag_at(object, "t"));
    json_put_at(object, "n.e.w", json_string("v"));
    json_put_at(object, "s.deep", json_string("w"));
    g_assert_cmpstr(json_text_at(object, "n.e.w"), ==, "v");
    g_assert_cmpstr(json_text_at(object, "s.deep"), ==, "w");
}

static void test_progress(void)
{
    g_autoptr(json_t) known =
        parse("{\"status\": \"refreshing\", \"progress\": {\"phase\": \"restoring\","
              " \"database\": \"app\", \"tablesDone\": 3, \"tablesTotal\": 10,"
              " \"bytesDone\": 1048576, \"bytesTotal\": 4194304, \"percent\": 50.0}}");
    g_autoptr(json_t) unknown = parse("{\"status\": \"snapshotting\", \"progress\": null}");
    g_autofree char *bar = progress_bar(known);
    g_autofree char *words = progress_words(unknown);
    g_autofree char *no_bar = progress_bar(unknown);

    g_assert_cmpstr(bar, ==,
                    "[###############               ]  50.0 %  restoring app: 3/10 tables, "
                    "1.0 MiB of 4.0 MiB");
    g_assert_cmpstr(words, ==, "snapshotting");
    g_assert_cmpstr(no_bar, ==, "snapshotting");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/print/rows", test_rows);
    g_test_add_func("/print/no_rows", test_no_rows);
    g_test_add_func("/print/fields", test_fields);
    g_test_add_func("/print/object", test_object);
    g_test_add_func("/print/control_characters", test_control_characters);
    g_test_add_func("/print/json", test_json);
    g_test_add_func("/print/view", test_view);
    g_test_add_func("/print/json_path", test_json_path);
    g_test_add_func("/print/progress", test_progress);
    return g_test_run();
}
