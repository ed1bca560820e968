/*
 * Every body × every field × {given, absent, null, in another case, there twice, of a wrong type}: one reader
 * treats them, so all bodies behave alike.
 */
#include "api/bodies.h"

#include <string.h>

/* The first member of each kind of field. */
typedef struct AnyField {
    bool is_given;
} AnyField;

static const Body *const bodies[] = {
    &clone_body,    &clone_update_body,      &clone_reset_body,
    &snapshot_body, &snapshot_of_clone_body, &snapshot_update_body,
};

static const char *const good_values[] = {
    [FIELD_TEXT] = "\"text\"", [FIELD_BOOL] = "true",
    [FIELD_UINT] = "60",       [FIELD_TIME] = "\"2030-12-31T23:59:59Z\"",
    [FIELD_OBJECT] = "{}",
};

static const char *const wrong_values[][8] = {
    [FIELD_TEXT] = {"7", "1.5", "true", "[]", "{}", NULL},
    [FIELD_BOOL] = {"\"true\"", "0", "1", "[]", "{}", NULL},
    [FIELD_UINT] = {"-1", "1.5", "1e300", "2147483648", "\"60\"", "true", "{}", NULL},
    [FIELD_TIME] = {"7", "true", "[]", "{}", NULL},
    [FIELD_OBJECT] = {"7", "\"{}\"", "true", "[]", NULL},
};

/* One field of one body, and the object that it is in ("" = the body itself). */
typedef struct Place {
    const Body *body;
    const char *outer;
    const Field *field;
} Place;

/* `members` as the members of the object where the field is. Caller frees. */
static char *place_text(const Place *place, const char *members)
{
    return *place->outer ? g_strdup_printf("{\"%s\": {%s}}", place->outer, members)
                         : g_strdup_printf("{%s}", members);
}

/* Reads a body; says whether the place's field was given. */
static Error *place_read(const Place *place, const char *members, bool *ret_is_given)
{
    g_autofree char *text = place_text(place, members);
    const Request request = {.body = text, .body_size = strlen(text)};
    CloneBody values = {0}; /* the largest */
    json_auto_t *json = NULL;
    const void *any = (const char *)&values + place->field->offset;

    TRY(fields_read(&request, place->body, &values, &json));
    *ret_is_given = ((const AnyField *)any)->is_given;
    return NULL;
}

static void assert_given(const Place *place, const char *members, bool expected)
{
    bool is_given = !expected;
    g_autoptr(Error) e = place_read(place, members, &is_given);

    if (e)
        g_error("%s: %s: %s", place->body->what, members, e->message);
    if (is_given != expected)
        g_error("%s: %s: given %d", place->body->what, members, is_given);
}

static void assert_refused(const Place *place, const char *members, const char *words)
{
    bool is_given = false;
    g_autoptr(Error) e = place_read(place, members, &is_given);

    if (!e)
        g_error("%s: %s is accepted", place->body->what, members);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_assert_nonnull(e->hint);
    if (!strstr(e->message, words))
        g_error("%s: %s: %s", place->body->what, members, e->message);
}

static void check_presence(const Place *place, const char *name, const char *upper,
                           const char *good)
{
    g_autofree char *given = g_strdup_printf("\"%s\": %s", name, good);
    g_autofree char *cased = g_strdup_printf("\"other\": [1], \"%s\": %s", upper, good);
    g_autofree char *null = g_strdup_printf("\"%s\": null", name);
    g_autofree char *cased_null = g_strdup_printf("\"%s\": null", upper);

    assert_given(place, given, true);
    assert_given(place, cased, true);
    assert_given(place, "", false);
    assert_given(place, "\"other\": [1]", false);
    assert_given(place, null, false);
    assert_given(place, cased_null, false);
}

static void check_duplicates(const Place *place, const char *name, const char *upper,
                             const char *good)
{
    g_autofree char *twice = g_strdup_printf("\"%s\": %s, \"%s\": %s", name, good, name, good);
    g_autofree char *cased = g_strdup_printf("\"%s\": %s, \"%s\": %s", name, good, upper, good);
    g_autofree char *null = g_strdup_printf("\"%s\": %s, \"%s\": null", upper, good, name);

    assert_refused(place, twice, "duplicate object key");
    assert_refused(place, cased, "is there twice");
    assert_refused(place, null, "is there twice");
}

static void check_types(const Place *place, const char *name, const char *upper)
{
    g_autofree char *words = g_strdup_printf("field \"%s\" must be ", name);

    for (const char *const *wrong = wrong_values[place->field->type]; *wrong; wrong++) {
        g_autofree char *exact = g_strdup_printf("\"%s\": %s", name, *wrong);
        g_autofree char *cased = g_strdup_printf("\"%s\": %s", upper, *wrong);

        assert_refused(place, exact, words);
        assert_refused(place, cased, words);
    }
}

static unsigned check_fields(const Body *body, const char *outer, const Field *fields)
{
    unsigned n = 0;

    for (const Field *field = fields; field->name; field++, n++) {
        const Place place = {body, outer, field};
        g_autofree char *upper = g_ascii_strup(field->name, -1);

        check_presence(&place, field->name, upper, good_values[field->type]);
        check_duplicates(&place, field->name, upper, good_values[field->type]);
        check_types(&place, field->name, upper);
        if (field->inner)
            n += check_fields(body, field->name, field->inner);
    }
    return n;
}

static void test_every_field(void)
{
    unsigned n = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++)
        n += check_fields(bodies[i], "", bodies[i]->fields);
    g_assert_cmpuint(n, ==, 24);
}

static void test_free_keys(void)
{
    const Place conf = {&clone_body, "", &clone_body.fields[5]};
    const char *text = "{\"extra_conf\": {\"a\": null, \"b\": \"1\"}}";
    const Request request = {.body = text, .body_size = strlen(text)};
    CloneBody values = {0};
    json_auto_t *json = NULL;

    g_assert_cmpstr(conf.field->name, ==, "extra_conf");
    assert_refused(&conf, "\"extra_conf\": {\"work_mem\": \"1\", \"WORK_MEM\": \"2\"}",
                   "is there twice");
    g_assert_null(fields_read(&request, &clone_body, &values, &json));
    g_assert_cmpuint(json_object_size(values.extra_conf.value), ==, 1);
    g_assert_nonnull(json_object_get(values.extra_conf.value, "b"));
}

static void test_texts_not_given_are_empty(void)
{
    const Request request = {.body = "{\"db\": null}", .body_size = 12};
    CloneBody values = {0};
    json_auto_t *json = NULL;

    g_assert_null(fields_read(&request, &clone_body, &values, &json));
    g_assert_cmpstr(values.id.value, ==, "");
    g_assert_cmpstr(values.username.value, ==, "");
    g_assert_cmpstr(values.snapshot_id.value, ==, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bodies/every-field", test_every_field);
    g_test_add_func("/bodies/free-keys", test_free_keys);
    g_test_add_func("/bodies/texts-not-given-are-empty", test_texts_not_given_are_empty);
    return g_test_run();
}
