/*
 * What is told of how a copy differs from its source.
 */
#include "retrieval/difference.h"

static void free_extension(void *data)
{
    SourceExtension *extension = data;

    g_free(extension->name);
    g_free(extension->version);
    g_free(extension);
}

static void add_extension(SourceDatabase *database, const char *name, const char *version)
{
    SourceExtension *extension = g_new(SourceExtension, 1);

    *extension = (SourceExtension){.name = g_strdup(name), .version = g_strdup(version)};
    g_ptr_array_add(database->extensions, extension);
}

static SourceDatabase *add_database(GPtrArray *list, const char *name, SourceDatabase model)
{
    SourceDatabase *database = g_memdup2(&model, sizeof(model));

    database->name = g_strdup(name);
    database->extensions = g_ptr_array_new_with_free_func(free_extension);
    database->objects = g_ptr_array_new();
    g_ptr_array_add(list, database);
    return database;
}

#define SHUT   ((SourceDatabase){.may_connect = true})
#define DENIED ((SourceDatabase){.is_open = true})
#define OPEN   ((SourceDatabase){.is_open = true, .may_connect = true})
#define MOLD   ((SourceDatabase){.is_open = true, .may_connect = true, .is_template = true})
#define ODD    ((SourceDatabase){.is_open = true, .may_connect = true, .is_misnamed = true})

static Source *new_source(void)
{
    const LogicalDumpConfig config = {0};
    Source *source = NULL;
    g_autoptr(Error) e = source_new(&config, &source);

    g_assert_null(e);
    source->major = 15;
    add_database(source->others, "template0", MOLD);
    add_database(source->others, "template1", MOLD);
    return source;
}

static void assert_told(const Source *source, int64_t major, const char *expected)
{
    g_autoptr(GHashTable) versions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);

    g_hash_table_insert(versions, g_strdup("hstore"), g_strdup("1.8"));
    g_hash_table_insert(versions, g_strdup("ltree"), g_strdup("1.2"));
    g_autofree char *text = difference_text(source, major, versions);
    g_assert_cmpstr(text, ==, expected);
}

static void test_nothing(void)
{
    g_autoptr(Source) source = new_source();
    SourceDatabase *app = add_database(source->databases, "app", OPEN);

    add_extension(app, "hstore", "1.8");
    add_extension(app, "of_nobody", "1");
    assert_told(source, 15, "");
}

static void test_all(void)
{
    g_autoptr(Source) source = new_source();
    SourceDatabase *app = add_database(source->databases, "app", OPEN);

    add_extension(app, "hstore", "1.7");
    add_extension(app, "ltree", "1.2");
    add_database(source->others, "shut", SHUT);
    add_database(source->others, "rdsadmin", DENIED);
    add_database(source->others, "mold", MOLD);
    add_database(source->others, "odd", ODD);
    assert_told(source, 17,
                "PostgreSQL 17 instead of 15; databases left out: \"shut\" (closed to everybody), "
                "\"rdsadmin\" (closed to the source's user), \"mold\" (a template), \"odd\" (its "
                "name is no UTF-8); extension \"hstore\" of database \"app\": 1.8 instead of 1.7");
}

/* What the configuration does not name was left out by somebody. */
static void test_chosen(void)
{
    g_autoptr(Source) source = new_source();

    source->is_chosen = true;
    add_database(source->others, "shut", SHUT);
    assert_told(source, 15, "");
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/difference/nothing", test_nothing);
    g_test_add_func("/difference/all", test_all);
    g_test_add_func("/difference/chosen", test_chosen);
    return g_test_run();
}
