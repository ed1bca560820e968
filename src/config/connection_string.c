/*
 * Both forms are taken apart into parameters as libpq does it, and each parameter is looked at.
 */
#include "config/connection_string.h"

#include <stdbool.h>
#include <string.h>

static Error *connection_invalid(void)
{
    return error_hint(error_new(ERR_INVALID, "invalid source connection string"),
                      "Write \"postgresql://user@host:5432/dbname\" or \"host=… dbname=…\".");
}

static Error *connection_check_parameter(const char *key, const char *value)
{
    bool may_be_list =
        g_str_equal(key, "host") || g_str_equal(key, "hostaddr") || g_str_equal(key, "port");

    if (g_str_equal(key, "password") && value[0])
        return error_hint(
            error_new(ERR_INVALID, "password must not be embedded in the connection string"),
            "Put it in PGPASSWORD, or in source.connection.password.");
    if (may_be_list && strchr(value, ','))
        return error_new(ERR_INVALID, "multi-host connection strings are not supported");
    return NULL;
}

static Error *connection_check_encoded(const char *key, const char *value)
{
    g_autofree char *plain_key = g_uri_unescape_string(key, NULL);
    g_autofree char *plain_value = g_uri_unescape_string(value, NULL);

    if (!plain_key || !plain_value)
        return connection_invalid();
    return connection_check_parameter(plain_key, plain_value);
}

static Error *connection_check_query(const char *query)
{
    g_auto(GStrv) pairs = g_strsplit(query, "&", -1);

    for (char **pair = pairs; *pair; pair++) {
        char *value = strchr(*pair, '=');
        if (!value)
            return connection_invalid();
        *value++ = '\0';
        TRY(connection_check_encoded(*pair, value));
    }
    return NULL;
}

/* user:password@host:port/dbname?key=value, all of it optional. */
static Error *connection_check_uri(const char *rest)
{
    size_t length = strcspn(rest, "@/");

    if (rest[length] == '@') {
        g_autofree char *user = g_strndup(rest, length);
        const char *password = strchr(user, ':');
        if (password)
            TRY(connection_check_encoded("password", password + 1));
        rest += length + 1;
    }

    g_autofree char *hosts = g_strndup(rest, strcspn(rest, "/?"));
    TRY(connection_check_encoded("host", hosts));

    const char *query = strchr(rest, '?');
    return query ? connection_check_query(query + 1) : NULL;
}

/* A value: up to a blank, or between single quotes; after a backslash any character is itself. */
static bool connection_read_value(const char **text, GString *value)
{
    bool is_quoted = **text == '\'';
    const char *c = *text + is_quoted;

    for (; *c && (is_quoted ? *c != '\'' : !g_ascii_isspace(*c)); c++) {
        if (*c == '\\' && c[1])
            c++;
        g_string_append_c(value, *c);
    }
    if (is_quoted && *c != '\'')
        return false;
    *text = c + is_quoted;
    return true;
}

static const char *connection_skip_blanks(const char *text)
{
    while (g_ascii_isspace(*text))
        text++;
    return text;
}

static Error *connection_check_pairs(const char *text)
{
    for (text = connection_skip_blanks(text); *text; text = connection_skip_blanks(text)) {
        g_autoptr(GString) value = g_string_new(NULL);
        size_t length = strcspn(text, "= \t\r\n\v\f");
        g_autofree char *key = g_strndup(text, length);

        text = connection_skip_blanks(text + length);
        if (length == 0 || *text != '=')
            return connection_invalid();
        text = connection_skip_blanks(text + 1);
        if (!connection_read_value(&text, value))
            return connection_invalid();
        TRY(connection_check_parameter(key, value->str));
    }
    return NULL;
}

Error *connection_string_check(const char *text)
{
    static const char *const schemes[] = {"postgresql://", "postgres://"};

    for (size_t i = 0; i < G_N_ELEMENTS(schemes); i++)
        if (g_str_has_prefix(text, schemes[i]))
            return connection_check_uri(text + strlen(schemes[i]));
    return connection_check_pairs(text);
}
