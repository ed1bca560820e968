/*
 * A walk over the file with two paths in hand: the real one for people ("webhooks.hooks[0].url")
 * and the table's ("webhooks.hooks[].url").
 */
#include "config/walk.h"

#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "config/field.h"
#include "config/options.h"
#include "config/scalar.h"

#define WALK_SHOWN_MAX 60 /* bytes of a key in a message */

typedef struct Walk {
    Config *config;
    Report *report;
    const YamlNode *jobs; /* retrieval.jobs; specs of other jobs are not used */
} Walk;

typedef struct Spot {
    const char *path;    /* as in the file  */
    const char *pattern; /* as in the table */
    const YamlNode *node;
    bool is_silent; /* inside of what is not built yet: that was said already */
} Spot;

static bool walk_is_empty(const YamlNode *node)
{
    bool is_empty = yaml_kind(node) != YAML_SCALAR || scalar_is_null(node);

    for (size_t i = 0; is_empty && i < yaml_count(node); i++)
        is_empty = walk_is_empty(yaml_kind(node) == YAML_MAPPING ? yaml_pair(node, i)->value
                                                                 : yaml_item(node, i));
    return is_empty;
}

/* A value that asks for nothing: the default, an empty one, a section that is switched off. */
static bool walk_is_idle(const Option *option, const YamlNode *node)
{
    if (walk_is_empty(node))
        return true;
    if (yaml_kind(node) != YAML_SCALAR) {
        const YamlNode *enabled = yaml_get(node, "enabled");
        node = enabled && yaml_kind(enabled) == YAML_SCALAR ? enabled : NULL;
    }
    if (!node || option->type == OPTION_STRING)
        return node && g_str_equal(yaml_text(node), option->fallback ? option->fallback : "");

    g_autoptr(json_t) value = scalar_of_node(node);
    g_autoptr(json_t) idle = scalar_to_json(option->fallback ? option->fallback : "0", true);
    return json_is_false(value) || json_equal(value, idle);
}

/* True when a warning was due: what lies beneath needs no further one. */
static bool walk_warn_not_built(Walk *walk, const Spot *spot, const Option *option)
{
    const char *hint = NULL;

    if (!(option->flags & OPTION_NOT_BUILT) || walk_is_idle(option, spot->node))
        return false;
    if (option->flags & OPTION_CHANGES_DATA)
        hint = "Clones will hold the source's data unchanged, personal data too.";
    if (!spot->is_silent)
        report_warning(walk->report, spot->path, hint, "not built yet: accepted, without effect");
    return true;
}

static void walk_check_repeats(Walk *walk, const Spot *spot)
{
    for (size_t i = 0; yaml_kind(spot->node) == YAML_MAPPING && i < yaml_count(spot->node); i++) {
        const YamlPair *pair = yaml_pair(spot->node, i);
        if (pair->repeats_line == 0)
            continue;
        g_autofree char *name = text_printable(pair->key, WALK_SHOWN_MAX);
        g_autofree char *path = g_strconcat(spot->path, spot->path[0] ? "." : "", name, NULL);
        report_place(walk->report, path, pair->place.line);
        report_error(walk->report, path, NULL, "given twice, first on line %d", pair->repeats_line);
    }
}

static bool walk_is_known(const char *pattern)
{
    return options_find(pattern) || options_has_parts(pattern, ".") ||
           options_has_parts(pattern, "[]");
}

/* The table's path of a key; NULL for an unknown one. */
static char *walk_child_pattern(const char *pattern, const char *key)
{
    g_autofree char *exact = g_strconcat(pattern, pattern[0] ? "." : "", key, NULL);
    g_autofree char *any = g_strconcat(pattern, ".*", NULL);

    if (!strpbrk(key, ".*[") && walk_is_known(exact))
        return g_steal_pointer(&exact);
    return walk_is_known(any) ? g_steal_pointer(&any) : NULL;
}

/* Keys that carry an anchor, or came with a merged one, are no misspellings. */
static void walk_unknown_key(Walk *walk, const Spot *spot, const YamlPair *pair, const char *path)
{
    g_auto(GStrv) names = options_names(spot->pattern);
    const char *nearest = text_nearest(pair->key, (const char *const *)names);
    g_autofree char *hint = nearest ? g_strdup_printf("Did you mean \"%s\"?", nearest) : NULL;

    if (!pair->is_merged && !yaml_is_anchor(pair->value))
        report_warning(walk->report, path, hint, "unknown key, ignored");
}

/* Specs of jobs that are not listed are not used: mistakes in them do not matter. */
static bool walk_is_unused_spec(const Walk *walk, const Spot *spot, const char *job)
{
    if (strcmp(spot->pattern, "retrieval.spec") != 0)
        return false;
    for (size_t i = 0; walk->jobs && i < yaml_count(walk->jobs); i++) {
        const YamlNode *item = yaml_item(walk->jobs, i);
        if (yaml_kind(item) == YAML_SCALAR && strcmp(yaml_text(item), job) == 0)
            return false;
    }
    return true;
}

static void walk_spot(Walk *walk, const Spot *spot);

static void walk_pair(Walk *walk, const Spot *spot, const YamlPair *pair)
{
    g_autofree char *name = text_printable(pair->key, WALK_SHOWN_MAX);
    g_autofree char *path = g_strconcat(spot->path, spot->path[0] ? "." : "", name, NULL);
    g_autofree char *pattern = walk_child_pattern(spot->pattern, pair->key);
    Spot child = {path, pattern, pair->value, spot->is_silent};

    report_place(walk->report, path, pair->place.line);
    if (!pattern)
        walk_unknown_key(walk, spot, pair, path);
    else if (!walk_is_unused_spec(walk, spot, pair->key))
        walk_spot(walk, &child);
}

static void walk_items(Walk *walk, const Spot *spot)
{
    g_autofree char *pattern = g_strconcat(spot->pattern, "[]", NULL);

    for (size_t i = 0; i < yaml_count(spot->node); i++) {
        const YamlNode *item = yaml_item(spot->node, i);
        g_autofree char *path = g_strdup_printf("%s[%zu]", spot->path, i);
        Spot child = {path, pattern, item, spot->is_silent};

        report_place(walk->report, path, yaml_place(item).line);
        walk_spot(walk, &child);
    }
}

static Field walk_field(const Walk *walk, const Spot *spot)
{
    return (Field){walk->config, walk->report, spot->path, options_find(spot->pattern), spot->node};
}

/* The node's parts, where the table has rows for them. */
static void walk_parts(Walk *walk, const Spot *spot)
{
    Field field = walk_field(walk, spot);
    bool is_list = options_has_parts(spot->pattern, "[]");

    if (!is_list && spot->pattern[0] && !options_has_parts(spot->pattern, "."))
        return;
    if (yaml_kind(spot->node) != (is_list ? YAML_SEQUENCE : YAML_MAPPING)) {
        field_type_error(&field, is_list ? "a list" : "a mapping");
        return;
    }
    if (is_list) {
        walk_items(walk, spot);
        return;
    }
    for (size_t i = 0; i < yaml_count(spot->node); i++)
        walk_pair(walk, spot, yaml_pair(spot->node, i));
}

static void walk_spot(Walk *walk, const Spot *spot)
{
    Field field = walk_field(walk, spot);
    Spot inner = *spot;

    if (scalar_is_null(spot->node))
        return;
    walk_check_repeats(walk, spot);
    if (field.option) {
        inner.is_silent = walk_warn_not_built(walk, spot, field.option) || spot->is_silent;
        field_store(&field);
    }
    walk_parts(walk, &inner);
}

void walk_file(const YamlNode *root, Config *config, Report *report)
{
    const YamlNode *jobs = yaml_get(yaml_get(root, "retrieval"), "jobs");
    Walk walk = {config, report, jobs && yaml_kind(jobs) == YAML_SEQUENCE ? jobs : NULL};
    Spot top = {.path = "", .pattern = "", .node = root};

    walk_spot(&walk, &top);
}
