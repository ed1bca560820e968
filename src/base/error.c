/*
 * Errors. Their words travel into log lines and JSON answers, so whatever they quote from the
 * outside world is made valid UTF-8 here, once, and kept short: a clone's PostgreSQL may say megabytes.
 */
#include "base/error.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "base/text.h"

#define ERROR_WORDS_MAX  16384 /* of a message, of a hint */
#define ERROR_DETAIL_MAX 8192

static const char *const error_code_names[] = {
    [ERR_INVALID] = "INVALID",   [ERR_DENIED] = "DENIED",     [ERR_NOT_FOUND] = "NOT_FOUND",
    [ERR_CONFLICT] = "CONFLICT", [ERR_BUSY] = "BUSY",         [ERR_NO_SPACE] = "NO_SPACE",
    [ERR_TIMEOUT] = "TIMEOUT",   [ERR_EXTERNAL] = "EXTERNAL", [ERR_BUG] = "BUG",
};

static char *error_make_valid_take(char *text)
{
    if (g_utf8_validate(text, -1, NULL))
        return text;

    char *valid = g_utf8_make_valid(text, -1);

    g_free(text);
    return valid;
}

static char *G_GNUC_PRINTF(1, 0) error_format_all(const char *fmt, va_list args)
{
    return error_make_valid_take(g_strdup_vprintf(fmt, args));
}

static char *G_GNUC_PRINTF(1, 0) error_format(const char *fmt, va_list args)
{
    char *text = error_format_all(fmt, args);

    if (strlen(text) <= ERROR_WORDS_MAX)
        return text;

    g_autofree char *whole = text;
    const char *end = g_utf8_find_prev_char(text, text + ERROR_WORDS_MAX + 1);

    return g_strdup_printf("%.*s…", (int)(end - text), text);
}

static Error *error_new_take(ErrorCode code, char *message)
{
    Error *e = g_new0(Error, 1);

    e->code = code;
    e->message = message;
    return e;
}

Error *error_new(ErrorCode code, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    char *message = error_format(fmt, args);
    va_end(args);
    return error_new_take(code, message);
}

Error *error_errno(int err, const char *fmt, ...)
{
    ErrorCode code = err == ENOSPC || err == EDQUOT ? ERR_NO_SPACE : ERR_EXTERNAL;
    va_list args;

    va_start(args, fmt);
    g_autofree char *doing = error_format(fmt, args);
    va_end(args);
    return error_new_take(code, g_strdup_printf("%s: %s", doing, g_strerror(err)));
}

Error *error_wrap(Error *e, const char *fmt, ...)
{
    if (!e)
        return NULL;

    va_list args;

    va_start(args, fmt);
    g_autofree char *doing = error_format(fmt, args);
    va_end(args);

    g_autofree char *why = e->message;

    e->message = g_strdup_printf("%s: %s", doing, why);
    return e;
}

Error *error_detail(Error *e, const char *fmt, ...)
{
    if (!e)
        return NULL;

    va_list args;

    va_start(args, fmt);
    g_autofree char *detail = error_format_all(fmt, args);
    va_end(args);

    g_free(e->detail);
    e->detail =
        g_strchomp(text_tail(detail, ERROR_DETAIL_MAX)); /* tools end theirs with a line break */
    return e;
}

Error *error_hint(Error *e, const char *fmt, ...)
{
    if (!e)
        return NULL;

    va_list args;

    va_start(args, fmt);
    char *hint = error_format(fmt, args);
    va_end(args);

    g_free(e->hint);
    e->hint = hint;
    return e;
}

Error *error_copy(const Error *e)
{
    if (!e)
        return NULL;

    Error *copy = error_new_take(e->code, g_strdup(e->message));

    copy->detail = g_strdup(e->detail);
    copy->hint = g_strdup(e->hint);
    return copy;
}

void error_ignore(Error *e, const char *why)
{
    if (e)
        log_failure(LOG_LEVEL_WARN, e, "error ignored", "why", why, NULL);
    error_free(e);
}

void error_free(Error *e)
{
    if (!e)
        return;
    g_free(e->message);
    g_free(e->detail);
    g_free(e->hint);
    g_free(e);
}

const char *error_code_name(ErrorCode code)
{
    size_t i = (size_t)code;

    if (i >= G_N_ELEMENTS(error_code_names) || !error_code_names[i])
        return "UNKNOWN";
    return error_code_names[i];
}
