/*
 * Reading a configuration from a text of the test, and looking for problems in what comes out.
 */
#pragma once

#include <string.h>
#include <unistd.h>

#include "config/read.h"

/* What every configuration needs, on four lines: the test's own text follows from line 5 on. */
#define FIXTURE_REQUIRED                                                                           \
    "server: {allowNoToken: true}\n"                                                               \
    "provision: {portPool: {from: 6000, to: 6099}}\n"                                              \
    "poolManager: {mountDir: /pools}\n"                                                            \
    "runtime: {trusted: true}\n"

typedef struct Fixture {
    char *path;
    GPtrArray *problems;
    Config *config;
    Error *error;
} Fixture;

static inline void fixture_clear(Fixture *fixture)
{
    if (fixture->path)
        unlink(fixture->path);
    g_clear_pointer(&fixture->path, g_free);
    g_clear_pointer(&fixture->problems, g_ptr_array_unref);
    g_clear_pointer(&fixture->config, config_unref);
    g_clear_pointer(&fixture->error, error_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Fixture, fixture_clear)

static inline void fixture_read_bytes(Fixture *fixture, const char *text, size_t length)
{
    g_autoptr(GError) failure = NULL;

    fixture_clear(fixture);
    int fd = g_file_open_tmp("ramet-config-XXXXXX.yml", &fixture->path, &failure);
    g_assert_no_error(failure);
    close(fd);
    g_file_set_contents(fixture->path, text, (gssize)length, &failure);
    g_assert_no_error(failure);
    fixture->error = config_read(fixture->path, &fixture->problems, &fixture->config);
    g_assert_nonnull(fixture->problems);
    g_assert_true((fixture->error == NULL) == (fixture->config != NULL));
}

static inline void fixture_read(Fixture *fixture, const char *text)
{
    fixture_read_bytes(fixture, text, strlen(text));
}

static inline const ConfigProblem *fixture_find(const Fixture *fixture, const char *path)
{
    for (guint i = 0; i < fixture->problems->len; i++) {
        const ConfigProblem *problem = g_ptr_array_index(fixture->problems, i);
        if (strcmp(problem->path, path) == 0)
            return problem;
    }
    return NULL;
}

static inline size_t fixture_count(const Fixture *fixture, bool is_warning)
{
    size_t count = 0;

    for (guint i = 0; i < fixture->problems->len; i++)
        count +=
            ((ConfigProblem *)g_ptr_array_index(fixture->problems, i))->is_warning == is_warning;
    return count;
}

/* The first problem with this path has this line, kind and text. */
static inline void fixture_expect(const Fixture *fixture, const char *path, int line,
                                  bool is_warning, const char *message)
{
    const ConfigProblem *problem = fixture_find(fixture, path);

    g_assert_nonnull(problem);
    g_assert_cmpstr(problem->message, ==, message);
    g_assert_cmpint(problem->line, ==, line);
    g_assert_cmpint(problem->is_warning, ==, is_warning);
}

/* No problem says the secret, and neither does the error. */
static inline void fixture_expect_silence(const Fixture *fixture, const char *secret)
{
    for (guint i = 0; i < fixture->problems->len; i++) {
        g_autofree char *text =
            config_problem_text("server.yml", g_ptr_array_index(fixture->problems, i));
        g_assert_null(strstr(text, secret));
    }
    g_assert_true(!fixture->error || !strstr(fixture->error->message, secret));
    g_assert_true(!fixture->error || !fixture->error->detail ||
                  !strstr(fixture->error->detail, secret));
}
