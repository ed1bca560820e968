/*
 * One rule for names of ours, and what stands around them in names of work in progress.
 */
#include "storage/names.h"

#include <string.h>

#define NAME_BYTES_MAX 63
#define SUFFIX_PARTIAL ".partial"
#define SUFFIX_DELETED ".deleted"

static bool names_is_start(char c)
{
    return g_ascii_islower(c) || g_ascii_isdigit(c);
}

static bool names_is_valid(const char *name)
{
    if (!name || !names_is_start(name[0]) || strlen(name) > NAME_BYTES_MAX)
        return false;
    for (const char *c = name; *c; c++)
        if (!names_is_start(*c) && !strchr("_.-", *c))
            return false;
    return true;
}

Error *names_check(const char *kind, const char *name)
{
    if (names_is_valid(name))
        return NULL;
    return error_hint(
        error_new(ERR_INVALID, "invalid %s name \"%.*s\"", kind, NAME_BYTES_MAX + 1,
                  name ? name : ""),
        "A name has 1 to %d characters of a-z, 0-9, \"_\", \".\" and \"-\", and starts "
        "with a letter or digit.",
        NAME_BYTES_MAX);
}

Error *names_check_pool(const char *name)
{
    g_autofree char *lower = name ? g_ascii_strdown(name, -1) : NULL;
    Error *e = names_check("pool", lower);

    if (!e)
        return NULL;
    error_free(e);
    return error_hint(
        error_new(ERR_INVALID, "invalid pool name \"%.*s\"", NAME_BYTES_MAX + 1, name ? name : ""),
        "A pool's name is a directory and begins the ids of its snapshots: 1 to %d letters, "
        "digits, "
        "\"_\", \".\" and \"-\", a letter or digit first.",
        NAME_BYTES_MAX);
}

static char *names_beside(const char *path, const char *suffix)
{
    g_autofree char *dir = g_path_get_dirname(path);
    g_autofree char *name = g_path_get_basename(path);

    return g_strdup_printf("%s/.%s%s", dir, name, suffix);
}

char *names_partial_path(const char *path)
{
    return names_beside(path, SUFFIX_PARTIAL);
}

char *names_deleted_path(const char *path)
{
    return names_beside(path, SUFFIX_DELETED);
}

/* The name within ".<name><suffix>", or NULL. */
static char *names_within(const char *entry, const char *suffix)
{
    size_t around = strlen(".") + strlen(suffix);

    if (strlen(entry) <= around || entry[0] != '.' || !g_str_has_suffix(entry, suffix))
        return NULL;

    g_autofree char *name = g_strndup(entry + 1, strlen(entry) - around);

    return names_is_valid(name) ? g_steal_pointer(&name) : NULL;
}

char *names_of_partial(const char *entry)
{
    return names_within(entry, SUFFIX_PARTIAL);
}

bool names_is_deleted(const char *entry)
{
    g_autofree char *name = names_within(entry, SUFFIX_DELETED);

    return name != NULL;
}
