/*
 * Log lines. A line is built completely, then written with one write(2) under a lock, so that lines
 * of several threads never mix. Secrets are masked in each value before it is quoted: quoting may
 * change their letters.
 */
#include "base/log.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#define LOG_MASK       "********"
#define LOG_SECRET_MIN 4

static const char *const log_level_names[] = {
    [LOG_LEVEL_DEBUG] = "debug",
    [LOG_LEVEL_INFO] = "info",
    [LOG_LEVEL_WARN] = "warn",
    [LOG_LEVEL_ERROR] = "error",
};

static int log_min_level = LOG_LEVEL_INFO; /* atomic */
static GMutex log_lock;                    /* guards log_secrets and the order of lines */
static GPtrArray *log_secrets;             /* char *, longest first */

static void log_append_time(GString *line)
{
    g_autoptr(GDateTime) now = g_date_time_new_now_utc();
    g_autofree char *seconds = g_date_time_format(now, "%Y-%m-%dT%H:%M:%S");

    g_string_append_printf(line, "%s.%03dZ", seconds, g_date_time_get_microsecond(now) / 1000);
}

static char *log_mask(const char *value)
{
    GString *masked = g_string_new(value);

    for (guint i = 0; log_secrets && i < log_secrets->len; i++)
        g_string_replace(masked, g_ptr_array_index(log_secrets, i), LOG_MASK, 0);
    return g_string_free(masked, FALSE);
}

static bool log_needs_quotes(const char *value)
{
    for (const char *c = value; *c; c++)
        if (g_ascii_isspace(*c) || g_ascii_iscntrl(*c) || strchr("\"\\=", *c))
            return true;
    return *value == '\0';
}

/* All bytes of UTF-8 beyond ASCII: g_strescape() leaves them as they are. */
static const char *log_unescaped_bytes(void)
{
    static char bytes[129];
    static gsize is_ready;

    if (g_once_init_enter(&is_ready)) {
        for (int i = 0; i < 128; i++)
            bytes[i] = (char)(0x80 + i);
        g_once_init_leave(&is_ready, 1);
    }
    return bytes;
}

static void log_append_value(GString *line, const char *value)
{
    g_autofree char *masked = log_mask(value);
    g_autofree char *valid = g_utf8_make_valid(masked, -1);

    if (!log_needs_quotes(valid)) {
        g_string_append(line, valid);
        return;
    }

    g_autofree char *escaped = g_strescape(valid, log_unescaped_bytes());

    g_string_append_printf(line, "\"%s\"", escaped);
}

static void log_append_pair(GString *line, const char *key, const char *value)
{
    g_string_append_printf(line, " %s=", key);
    if (value)
        log_append_value(line, value);
    else
        g_string_append_c(line, '-');
}

static void log_append_pairs(GString *line, va_list pairs)
{
    for (const char *key = va_arg(pairs, const char *); key; key = va_arg(pairs, const char *))
        log_append_pair(line, key, va_arg(pairs, const char *));
}

static void log_append_error(GString *line, const Error *e)
{
    log_append_pair(line, "code", error_code_name(e->code));
    log_append_pair(line, "error", e->message);
    if (e->detail)
        log_append_pair(line, "detail", e->detail);
    if (e->hint)
        log_append_pair(line, "hint", e->hint);
}

/* A log that cannot be written has nowhere to complain: give up silently. */
static void log_write(const GString *line)
{
    const char *rest = line->str;
    size_t left = line->len;

    while (left > 0) {
        ssize_t n = write(STDERR_FILENO, rest, left);

        if (n < 0 && errno != EINTR)
            return;
        if (n > 0) {
            rest += n;
            left -= (size_t)n;
        }
    }
}

/* Callers log in the middle of handling a failed call: errno stays what it was. */
static void log_event(LogLevel level, const Error *e, const char *text, va_list pairs)
{
    if ((int)level < g_atomic_int_get(&log_min_level))
        return;

    int saved_errno = errno;
    g_autoptr(GString) line = g_string_sized_new(256);

    g_mutex_lock(&log_lock);
    log_append_time(line);
    g_string_append_printf(line, " %s %s", log_level_names[level], text);
    log_append_pairs(line, pairs);
    if (e)
        log_append_error(line, e);
    g_string_append_c(line, '\n');
    log_write(line);
    g_mutex_unlock(&log_lock);
    errno = saved_errno;
}

void log_set_level(LogLevel level)
{
    g_atomic_int_set(&log_min_level, (int)level);
}

void log_line(LogLevel level, const char *text, ...)
{
    va_list pairs;

    va_start(pairs, text);
    log_event(level, NULL, text, pairs);
    va_end(pairs);
}

void log_failure(LogLevel level, const Error *e, const char *text, ...)
{
    va_list pairs;

    va_start(pairs, text);
    log_event(level, e, text, pairs);
    va_end(pairs);
}

static int log_compare_length(gconstpointer a, gconstpointer b)
{
    size_t length_a = strlen(*(const char *const *)a);
    size_t length_b = strlen(*(const char *const *)b);

    return (length_a < length_b) - (length_a > length_b);
}

void log_add_secret(const char *secret)
{
    if (!secret || strlen(secret) < LOG_SECRET_MIN)
        return;

    g_mutex_lock(&log_lock);
    if (!log_secrets)
        log_secrets = g_ptr_array_new_with_free_func(g_free);
    if (!g_ptr_array_find_with_equal_func(log_secrets, secret, g_str_equal, NULL)) {
        g_ptr_array_add(log_secrets, g_strdup(secret));
        g_ptr_array_sort(log_secrets, log_compare_length);
    }
    g_mutex_unlock(&log_lock);
}
