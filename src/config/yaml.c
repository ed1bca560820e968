/*
 * YAML by the events of libfyaml (its only user). The tree is built here and not by libfyaml's
 * document API, because that one lets a mapping's own keys win over a merge wherever they stand and
 * loses the order of several "<<", while the compatibility contract applies them in document order.
 *
 * Aliases share nodes, so a few lines can stand for billions of values, or for a tree of any depth:
 * each node knows how many values and levels it stands for, and each alias is charged for them.
 */
#include "config/yaml.h"

#include <libfyaml.h>
#include <string.h>

#define YAML_MAX_VALUES 100000
#define YAML_MAX_DEPTH  32

struct YamlNode {
    YamlKind kind;
    YamlPlace place;
    bool is_plain;
    bool is_anchor;
    size_t weight;     /* values it stands for, itself included     */
    int height;        /* levels it stands for, aliases followed    */
    char *text;        /* scalar                                    */
    GPtrArray *items;  /* sequence: YamlNode *; mapping: YamlPair * */
    GHashTable *index; /* mapping: key → YamlPair *                 */
};

struct YamlTree {
    GPtrArray *nodes; /* owns every node */
    const YamlNode *root;
};

typedef struct YamlEvent {
    enum fy_event_type type;
    char *text;   /* of a scalar; the name of an alias */
    char *anchor; /* or NULL */
    bool is_plain;
    YamlPlace place;
} YamlEvent;

typedef struct YamlBuilder {
    struct fy_diag *diag;
    struct fy_parser *parser;
    YamlTree *tree;
    GHashTable *anchors; /* name → YamlNode *, complete ones only: an alias cannot hold itself */
    size_t budget;
    YamlPlace place; /* of the event read last, so of an error */
} YamlBuilder;

static void yaml_event_clear(YamlEvent *event)
{
    g_free(event->text);
    g_free(event->anchor);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(YamlEvent, yaml_event_clear)

static void yaml_pair_free(void *data)
{
    YamlPair *pair = data;

    g_free((void *)(uintptr_t)pair->key);
    g_free(pair);
}

static void yaml_node_free(void *data)
{
    YamlNode *node = data;

    g_clear_pointer(&node->index, g_hash_table_unref);
    g_clear_pointer(&node->items, g_ptr_array_unref);
    g_free(node->text);
    g_free(node);
}

static void yaml_builder_clear(YamlBuilder *builder)
{
    g_clear_pointer(&builder->anchors, g_hash_table_unref);
    g_clear_pointer(&builder->parser, fy_parser_destroy);
    g_clear_pointer(&builder->diag, fy_diag_destroy);
    g_clear_pointer(&builder->tree, yaml_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(YamlBuilder, yaml_builder_clear)

/* What libfyaml says is wrong; its first complaint is the cause, the others follow from it. */
static Error *yaml_syntax_error(YamlBuilder *builder)
{
    void *position = NULL;
    const struct fy_diag_error *error = fy_diag_errors_iterate(builder->diag, &position);

    if (!error || !error->msg)
        return error_new(ERR_INVALID, "syntax error");
    if (error->line > 0)
        builder->place = (YamlPlace){error->line, error->column};
    return error_new(ERR_INVALID, "syntax error: %s", error->msg);
}

static Error *yaml_token_text(struct fy_token *token, char **ret_text)
{
    size_t length = 0;
    const char *text = token ? fy_token_get_text(token, &length) : NULL;

    /* Escapes such as "\\0" can make what the file itself cannot hold. */
    if (text && !g_utf8_validate_len(text, length, NULL))
        return error_new(ERR_INVALID, "a text holds a character that is not allowed");
    *ret_text = g_strndup(text ? text : "", text ? length : 0);
    return NULL;
}

/*
 * Plain scalars are numbers, booleans, … by their looks; "!!str" makes one a text as quotes do.
 * (The event's tag_implicit is not set by libfyaml 0.7.12.)
 */
static bool yaml_event_is_plain(struct fy_event *event)
{
    return !event->scalar.tag &&
           (!event->scalar.value || fy_token_scalar_style(event->scalar.value) == FYSS_PLAIN);
}

static Error *yaml_copy_event(YamlBuilder *builder, struct fy_event *from, YamlEvent *event)
{
    const struct fy_mark *mark = fy_event_start_mark(from);
    struct fy_token *anchor = NULL;

    if (mark)
        builder->place = (YamlPlace){mark->line + 1, mark->column + 1};
    event->type = from->type;
    event->place = builder->place;

    switch (from->type) {
    case FYET_SCALAR:
        event->is_plain = yaml_event_is_plain(from);
        TRY(yaml_token_text(from->scalar.value, &event->text));
        anchor = from->scalar.anchor;
        break;
    case FYET_ALIAS:
        return yaml_token_text(from->alias.anchor, &event->text);
    case FYET_SEQUENCE_START:
        anchor = from->sequence_start.anchor;
        break;
    case FYET_MAPPING_START:
        anchor = from->mapping_start.anchor;
        break;
    default:
        break;
    }
    return anchor ? yaml_token_text(anchor, &event->anchor) : NULL;
}

/* The event is untouched on failure; the caller's is empty before. */
static Error *yaml_next(YamlBuilder *builder, YamlEvent *ret_event)
{
    g_auto(YamlEvent) event = {0};
    struct fy_event *raw = fy_parser_parse(builder->parser);

    if (!raw)
        return yaml_syntax_error(builder);

    Error *error = yaml_copy_event(builder, raw, &event);
    fy_parser_event_free(builder->parser, raw);
    if (error)
        return error;

    *ret_event = event;
    event = (YamlEvent){0};
    return NULL;
}

static Error *yaml_charge(YamlBuilder *builder, size_t weight)
{
    if (weight > builder->budget)
        return error_new(ERR_INVALID, "more than %d values, aliases counted in", YAML_MAX_VALUES);
    builder->budget -= weight;
    return NULL;
}

static YamlNode *yaml_node_new(YamlBuilder *builder, YamlKind kind, const YamlEvent *event)
{
    YamlNode *node = g_new0(YamlNode, 1);

    node->kind = kind;
    node->place = event->place;
    node->is_plain = event->is_plain;
    node->is_anchor = event->anchor != NULL;
    node->weight = 1;
    node->height = 1;
    g_ptr_array_add(builder->tree->nodes, node);
    return node;
}

static Error *yaml_check_depth(int depth)
{
    if (depth > YAML_MAX_DEPTH)
        return error_new(ERR_INVALID, "nested more than %d levels deep", YAML_MAX_DEPTH);
    return NULL;
}

static void yaml_grow(YamlNode *parent, const YamlNode *child)
{
    parent->weight += child->weight;
    parent->height = MAX(parent->height, child->height + 1);
}

static Error *yaml_find_alias(YamlBuilder *builder, const char *name, int depth,
                              YamlNode **ret_node)
{
    YamlNode *node = g_hash_table_lookup(builder->anchors, name);

    if (!node)
        return error_new(ERR_INVALID, "alias \"*%s\" has no anchor \"&%s\" before it", name, name);
    TRY(yaml_check_depth(depth + node->height - 1));
    TRY(yaml_charge(builder, node->weight));
    *ret_node = node;
    return NULL;
}

static void yaml_put_pair(YamlNode *mapping, const YamlPair *source)
{
    YamlPair *old = g_hash_table_lookup(mapping->index, source->key);

    if (!old) {
        YamlPair *pair = g_memdup2(source, sizeof *source);
        pair->key = g_strdup(source->key);
        g_ptr_array_add(mapping->items, pair);
        g_hash_table_insert(mapping->index, (void *)(uintptr_t)pair->key, pair);
        return;
    }
    bool is_repeated = !old->is_merged && !source->is_merged;
    old->repeats_line = is_repeated ? old->place.line : old->repeats_line;
    old->place = source->place;
    old->value = source->value;
    old->is_merged = source->is_merged;
}

static Error *yaml_merge(YamlNode *mapping, const YamlNode *value)
{
    /* Of a list of mappings the earlier ones win, so they are applied last. */
    for (size_t i = value->kind == YAML_SEQUENCE ? yaml_count(value) : 0; i > 0; i--) {
        const YamlNode *item = yaml_item(value, i - 1);
        if (item->kind != YAML_MAPPING)
            return error_new(ERR_INVALID, "the list after \"<<\" must hold mappings alone");
        TRY(yaml_merge(mapping, item));
    }
    if (value->kind == YAML_SCALAR)
        return error_new(ERR_INVALID, "\"<<\" must be followed by an alias of a mapping");

    for (size_t i = 0; value->kind == YAML_MAPPING && i < yaml_count(value); i++) {
        YamlPair pair = *yaml_pair(value, i);
        pair.is_merged = true;
        pair.repeats_line = 0;
        yaml_put_pair(mapping, &pair);
    }
    return NULL;
}

static Error *yaml_build(YamlBuilder *builder, const YamlEvent *event, int depth,
                         YamlNode **ret_node);

/* Reads the value of a key; the parent grows by it. */
static Error *yaml_build_child(YamlBuilder *builder, YamlNode *parent, int depth,
                               YamlNode **ret_node)
{
    g_auto(YamlEvent) event = {0};

    TRY(yaml_next(builder, &event));
    TRY(yaml_build(builder, &event, depth + 1, ret_node));
    yaml_grow(parent, *ret_node);
    return NULL;
}

static Error *yaml_build_pair(YamlBuilder *builder, YamlNode *mapping, const YamlEvent *event,
                              int depth)
{
    YamlNode *key = NULL;
    YamlNode *value = NULL;

    TRY(yaml_build(builder, event, depth + 1, &key));
    if (key->kind != YAML_SCALAR) {
        builder->place = event->place;
        return error_new(ERR_INVALID, "a key must be a plain text, not a list or a mapping");
    }
    TRY(yaml_build_child(builder, mapping, depth, &value));

    if (key->is_plain && strcmp(key->text, "<<") == 0) {
        builder->place = event->place;
        return yaml_merge(mapping, value);
    }
    YamlPair pair = {.key = key->text, .place = event->place, .value = value};
    yaml_put_pair(mapping, &pair);
    return NULL;
}

static Error *yaml_build_mapping(YamlBuilder *builder, YamlNode *mapping, int depth)
{
    mapping->items = g_ptr_array_new_with_free_func(yaml_pair_free);
    mapping->index = g_hash_table_new(g_str_hash, g_str_equal);
    for (;;) {
        g_auto(YamlEvent) event = {0};
        TRY(yaml_next(builder, &event));
        if (event.type == FYET_MAPPING_END)
            return NULL;
        TRY(yaml_build_pair(builder, mapping, &event, depth));
    }
}

static Error *yaml_build_sequence(YamlBuilder *builder, YamlNode *sequence, int depth)
{
    sequence->items = g_ptr_array_new();
    for (;;) {
        g_auto(YamlEvent) event = {0};
        YamlNode *item = NULL;
        TRY(yaml_next(builder, &event));
        if (event.type == FYET_SEQUENCE_END)
            return NULL;
        TRY(yaml_build(builder, &event, depth + 1, &item));
        yaml_grow(sequence, item);
        g_ptr_array_add(sequence->items, item);
    }
}

/* The node that begins with this event. */
static Error *yaml_build(YamlBuilder *builder, const YamlEvent *event, int depth,
                         YamlNode **ret_node)
{
    YamlNode *node = NULL;

    TRY(yaml_check_depth(depth));
    if (event->type == FYET_ALIAS)
        return yaml_find_alias(builder, event->text, depth, ret_node);

    TRY(yaml_charge(builder, 1));
    if (event->type == FYET_MAPPING_START) {
        node = yaml_node_new(builder, YAML_MAPPING, event);
        TRY(yaml_build_mapping(builder, node, depth));
    } else if (event->type == FYET_SEQUENCE_START) {
        node = yaml_node_new(builder, YAML_SEQUENCE, event);
        TRY(yaml_build_sequence(builder, node, depth));
    } else if (event->type == FYET_SCALAR) {
        node = yaml_node_new(builder, YAML_SCALAR, event);
        node->text = g_strdup(event->text);
    } else {
        return error_new(ERR_INVALID, "syntax error: a value is missing");
    }
    if (event->anchor)
        g_hash_table_replace(builder->anchors, g_strdup(event->anchor), node);
    *ret_node = node;
    return NULL;
}

static Error *yaml_skip_event(YamlBuilder *builder, enum fy_event_type *ret_type)
{
    g_auto(YamlEvent) event = {0};

    TRY(yaml_next(builder, &event));
    *ret_type = event.type;
    return NULL;
}

static Error *yaml_build_document(YamlBuilder *builder)
{
    g_auto(YamlEvent) event = {0};
    enum fy_event_type type;
    YamlNode *root = NULL;

    TRY(yaml_skip_event(builder, &type)); /* start of the stream */
    TRY(yaml_skip_event(builder, &type)); /* start of the document, or the end of an empty stream */
    if (type == FYET_STREAM_END)
        return NULL;
    TRY(yaml_next(builder, &event));
    TRY(yaml_build(builder, &event, 0, &root));
    TRY(yaml_skip_event(builder, &type)); /* end of the document */
    TRY(yaml_skip_event(builder, &type));
    if (type != FYET_STREAM_END)
        return error_new(ERR_INVALID, "a second document begins here, only one is allowed");
    builder->tree->root = root;
    return NULL;
}

static Error *yaml_builder_open(YamlBuilder *builder, const char *text)
{
    struct fy_diag_cfg diag_config;

    fy_diag_cfg_default(&diag_config);
    diag_config.fp = NULL;
    builder->diag = fy_diag_create(&diag_config);
    if (!builder->diag)
        return error_new(ERR_BUG, "the YAML parser does not start");
    fy_diag_set_collect_errors(builder->diag, true);

    struct fy_parse_cfg config = {.flags = FYPCF_COLLECT_DIAG, .diag = builder->diag};
    builder->parser = fy_parser_create(&config);
    if (!builder->parser || fy_parser_set_string(builder->parser, text, strlen(text)) != 0)
        return error_new(ERR_BUG, "the YAML parser does not start");

    builder->anchors = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    builder->tree = g_new0(YamlTree, 1);
    builder->tree->nodes = g_ptr_array_new_with_free_func(yaml_node_free);
    builder->budget = YAML_MAX_VALUES;
    return NULL;
}

Error *yaml_parse(const char *text, YamlPlace *ret_place, YamlTree **ret_tree)
{
    g_auto(YamlBuilder) builder = {0};

    TRY(yaml_builder_open(&builder, text));
    Error *error = yaml_build_document(&builder);
    if (error) {
        *ret_place = builder.place;
        return error;
    }
    *ret_tree = g_steal_pointer(&builder.tree);
    return NULL;
}

void yaml_free(YamlTree *tree)
{
    if (!tree)
        return;
    g_ptr_array_unref(tree->nodes);
    g_free(tree);
}

const YamlNode *yaml_root(const YamlTree *tree)
{
    return tree->root;
}

YamlKind yaml_kind(const YamlNode *node)
{
    return node->kind;
}

YamlPlace yaml_place(const YamlNode *node)
{
    return node->place;
}

bool yaml_is_anchor(const YamlNode *node)
{
    return node->is_anchor;
}

const char *yaml_text(const YamlNode *node)
{
    return node->text;
}

bool yaml_is_plain(const YamlNode *node)
{
    return node->is_plain;
}

size_t yaml_count(const YamlNode *node)
{
    return node->items ? node->items->len : 0;
}

const YamlNode *yaml_item(const YamlNode *sequence, size_t i)
{
    return g_ptr_array_index(sequence->items, i);
}

const YamlPair *yaml_pair(const YamlNode *mapping, size_t i)
{
    return g_ptr_array_index(mapping->items, i);
}

const YamlNode *yaml_get(const YamlNode *mapping, const char *key)
{
    const YamlPair *pair = NULL;

    if (mapping && mapping->index)
        pair = g_hash_table_lookup(mapping->index, key);
    return pair ? pair->value : NULL;
}
