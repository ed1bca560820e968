/*
 * Settings of roles.
 */
#include "postgres/role_setting.h"

#include <string.h>

/*
 * Parameters whose stored value the server has quoted itself.
 * Source: variable_is_guaranteed_list_quote() of pg_dump's dumputils.c, PostgreSQL 11 to 18.
 */
static const char *const list_parameters[] = {
    "local_preload_libraries",  "search_path",      "session_preload_libraries",
    "shared_preload_libraries", "temp_tablespaces", "unix_socket_directories",
};

static bool setting_is_list(const char *name)
{
    for (size_t i = 0; i < G_N_ELEMENTS(list_parameters); i++)
        if (g_ascii_strcasecmp(list_parameters[i], name) == 0)
            return true;
    return false;
}

/* --- lists --- */

static const char *list_skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n\f\v");
}

/* Behind the closing quote, or NULL when there is none. */
static const char *list_take_quoted(const char *at, GString *word)
{
    for (at++; *at; at++) {
        if (*at == '"' && at[1] != '"')
            return at + 1;
        if (*at == '"')
            at++;
        g_string_append_c(word, *at);
    }
    return NULL;
}

static const char *list_take_plain(const char *at, GString *word)
{
    size_t length = strcspn(at, ", \t\r\n\f\v");

    g_string_append_len(word, at, (gssize)length);
    return length ? at + length : NULL;
}

char **role_setting_split(const char *list)
{
    g_autoptr(GStrvBuilder) words = g_strv_builder_new();
    const char *at = list_skip_space(list);

    if (!*at)
        return g_strv_builder_end(words);
    for (;;) {
        g_autoptr(GString) word = g_string_new(NULL);
        at = *at == '"' ? list_take_quoted(at, word) : list_take_plain(at, word);
        if (!at)
            return NULL;
        g_strv_builder_add(words, word->str);
        at = list_skip_space(at);
        if (!*at)
            return g_strv_builder_end(words);
        if (*at != ',')
            return NULL;
        at = list_skip_space(at + 1);
    }
}

/* --- the clause --- */

char *role_setting_clause(Conn *conn, const char *name, const char *value)
{
    g_auto(GStrv) words = setting_is_list(name) ? role_setting_split(value) : NULL;
    g_autofree char *quoted = conn_quote_name(conn, name);
    GString *clause = g_string_new(quoted);

    g_string_append(clause, " TO ");
    if (!words || !*words) {
        g_autofree char *literal = conn_quote_text(conn, value);
        g_string_append(clause, literal);
    }
    for (char **word = words; word && *word; word++) {
        g_autofree char *literal = conn_quote_text(conn, *word);
        g_string_append_printf(clause, "%s%s", word == words ? "" : ", ", literal);
    }
    return g_string_free(clause, FALSE);
}
