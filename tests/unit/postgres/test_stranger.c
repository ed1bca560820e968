/*
 * Servers that mean harm, behind a socket that is dialled: what they hear from us, and what they can
 * make us do. Their frames are those of the manual's "Message Formats".
 */
#include <gio/gio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "postgres/conn.h"

#define CLEAR_PASSWORD "R\0\0\0\x08\0\0\0\x03"
#define MD5_PASSWORD   "R\0\0\0\x0c\0\0\0\x05salt"
#define WELCOME        "R\0\0\0\x08\0\0\0\0Z\0\0\0\x05I"
#define NOTICE         "N\0\0\0\x11SNOTICE\0Mhi\0\0"
#define HUGE_ROW       "T\x20\0\0\0\0\x01" /* the description of a row, of 512 MB */
#define MESSAGE_MAX    4096
#define BYTES_MAX      (1024 * 1024)

typedef struct Liar {
    const char *greeting; /* after the start-up packet */
    size_t greeting_size;
    const char *answer; /* after the first statement, again and again; NULL = not a word */
    size_t answer_size;
    int fd;
    GThread *thread;
    GString *heard;
    size_t n_sent;
} Liar;

#define LIAR(greeting_bytes, answer_bytes)                                                         \
    {                                                                                              \
        .greeting = greeting_bytes, .greeting_size = sizeof(greeting_bytes) - 1,                   \
        .answer = answer_bytes, .answer_size = sizeof(answer_bytes) - 1                            \
    }

static bool liar_hear(Liar *liar)
{
    char bytes[MESSAGE_MAX];
    ssize_t n = recv(liar->fd, bytes, sizeof(bytes), 0);

    if (n > 0)
        g_string_append_len(liar->heard, bytes, n);
    return n > 0;
}

static bool liar_say(Liar *liar, const char *bytes, size_t size)
{
    ssize_t n = send(liar->fd, bytes, size, MSG_NOSIGNAL);

    liar->n_sent += n > 0 ? (size_t)n : 0;
    return n > 0;
}

static void *liar_work(void *data)
{
    Liar *liar = data;

    if (liar_hear(liar) && liar_say(liar, liar->greeting, liar->greeting_size) && liar_hear(liar))
        while (liar->answer_size > 0 && liar_say(liar, liar->answer, liar->answer_size))
            continue;
    while (liar_hear(liar))
        continue;
    return NULL;
}

static Error *liar_dial(void *data, int *ret_fd)
{
    Liar *liar = data;
    int fds[2];

    g_assert_no_errno(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds));
    liar->fd = fds[0];
    liar->heard = g_string_new(NULL);
    liar->thread = g_thread_new("liar", liar_work, liar);
    *ret_fd = fds[1];
    return NULL;
}

static void liar_end(Liar *liar)
{
    g_thread_join(liar->thread);
    close(liar->fd);
}

static void liar_clear(Liar *liar)
{
    g_string_free(liar->heard, TRUE);
}

/* Connects and asks one thing: the first error. The conversation is over when it returns. */
static Error *ask(Liar *liar, int64_t timeout_ms, GCancellable *cancel)
{
    const ConnSpec spec = {
        .dial = liar_dial,
        .dial_data = liar,
        .user = "postgres",
        .dbname = "postgres",
        .timeout_ms = timeout_ms,
        .query_timeout_ms = timeout_ms,
        .max_bytes = BYTES_MAX,
        .cancel = cancel,
    };
    Conn *conn = NULL;
    Error *e = conn_open(&spec, &conn);

    if (!e)
        e = conn_query(conn, NULL, "SELECT 1", NULL);
    conn_close(conn);
    liar_end(liar);
    return e;
}

/* --- passwords --- */

static void assert_no_password(Liar *liar)
{
    g_autoptr(Error) e = ask(liar, 10000, NULL);

    g_assert_cmpint(e->code, ==, ERR_DENIED);
    g_assert_nonnull(strstr(e->message, "asks for a password"));
    g_assert_null(g_strstr_len(liar->heard->str, (gssize)liar->heard->len, "s3cret"));
    liar_clear(liar);
}

/* What libpq would find by itself: a variable, a file of passwords, a service. */
static void test_no_password(void)
{
    g_autofree char *dir = g_dir_make_tmp("ramet-stranger-XXXXXX", NULL);
    g_autofree char *passfile = g_build_filename(dir, "pgpass", NULL);
    Liar liars[] = {LIAR(CLEAR_PASSWORD, ""), LIAR(MD5_PASSWORD, "")};

    g_assert_true(g_file_set_contents_full(passfile, "*:*:*:*:s3cret\n", -1,
                                           G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    g_setenv("PGPASSFILE", passfile, TRUE);
    for (size_t i = 0; i < G_N_ELEMENTS(liars); i++)
        assert_no_password(&liars[i]);
    g_unsetenv("PGPASSFILE");
    g_assert_null(fs_remove_tree(dir));
}

/* The server's main() has taken it out of the environment: this is the lock behind the door. */
static void test_password_of_the_environment(void)
{
    Liar liar = LIAR(CLEAR_PASSWORD, "");

    g_setenv("PGPASSWORD", "s3cret", TRUE);
    g_autoptr(Error) e = ask(&liar, 10000, NULL);
    g_unsetenv("PGPASSWORD");

    g_assert_cmpint(e->code, ==, ERR_BUG);
    g_assert_cmpuint(liar.heard->len, ==, 0);
    liar_clear(&liar);
}

/* --- bytes and time --- */

static void assert_too_much(Liar *liar)
{
    g_autoptr(Error) e = ask(liar, 60000, NULL);

    g_assert_cmpint(e->code, ==, ERR_EXTERNAL);
    g_assert_cmpstr(e->message, ==, "PostgreSQL has sent more than can be an answer");
    /* what it has got rid of stands in two queues of sockets, and has not reached libpq */
    g_assert_cmpuint(liar->n_sent, <, 4 * BYTES_MAX);
    liar_clear(liar);
}

static void test_endless_notices(void)
{
    Liar liar = LIAR(WELCOME, NOTICE);

    assert_too_much(&liar);
}

static void test_huge_message(void)
{
    Liar liar = LIAR(WELCOME, HUGE_ROW);

    assert_too_much(&liar);
}

/* libpq keeps each setting that it is told of in a list, and goes through all of that for the next. */
static void test_endless_settings(void)
{
    g_autoptr(GString) flood = g_string_new(NULL);

    for (int i = 0; flood->len < BYTES_MAX; i++) {
        g_autofree char *name = g_strdup_printf("%05x", i);

        g_string_append_len(flood, "S\0\0\0\x0b", 5);
        g_string_append_len(flood, name, 6);
        g_string_append_len(flood, "", 1);
    }

    Liar liar = LIAR(WELCOME, "");

    liar.answer = flood->str;
    liar.answer_size = flood->len;
    assert_too_much(&liar);
    g_assert_cmpuint(liar.n_sent, <, BYTES_MAX);
}

static void test_silence(void)
{
    Liar liars[] = {LIAR(WELCOME, ""), LIAR("R", "")};

    for (size_t i = 0; i < G_N_ELEMENTS(liars); i++) {
        g_autoptr(Error) e = ask(&liars[i], 50, NULL);

        g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
        liar_clear(&liars[i]);
    }
}

static void *cancel_soon(void *cancel)
{
    g_usleep(20000);
    g_cancellable_cancel(cancel);
    return NULL;
}

static void test_cancelled(void)
{
    Liar liar = LIAR(WELCOME, "");
    g_autoptr(GCancellable) cancel = g_cancellable_new();
    GThread *thread = g_thread_new("cancel", cancel_soon, cancel);
    g_autoptr(Error) e = ask(&liar, 600000, cancel);

    g_thread_join(thread);
    g_assert_cmpint(e->code, ==, ERR_TIMEOUT);
    g_assert_true(g_str_has_suffix(e->message, "cancelled"));
    liar_clear(&liar);
}

static void test_hangs_up(void)
{
    Liar liar = LIAR("", "");
    g_autoptr(Error) e = ask(&liar, 50, NULL);

    g_assert_true(e->code == ERR_TIMEOUT || e->code == ERR_EXTERNAL);
    liar_clear(&liar);
}

/* --- nobody there --- */

static Error *dial_fails(void *data, int *ret_fd)
{
    return error_new(ERR_BUSY, "not now");
}

static void test_dial_fails(void)
{
    const ConnSpec spec = {.dial = dial_fails, .user = "postgres"};
    g_autoptr(Conn) conn = NULL;
    g_autoptr(Error) e = conn_open(&spec, &conn);

    g_assert_cmpint(e->code, ==, ERR_BUSY);
    g_assert_null(conn);
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/stranger/no-password", test_no_password);
    g_test_add_func("/stranger/password-of-the-environment", test_password_of_the_environment);
    g_test_add_func("/stranger/endless-notices", test_endless_notices);
    g_test_add_func("/stranger/huge-message", test_huge_message);
    g_test_add_func("/stranger/endless-settings", test_endless_settings);
    g_test_add_func("/stranger/silence", test_silence);
    g_test_add_func("/stranger/cancelled", test_cancelled);
    g_test_add_func("/stranger/hangs-up", test_hangs_up);
    g_test_add_func("/stranger/dial-fails", test_dial_fails);
    return g_test_run();
}
