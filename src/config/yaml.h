/*
 * A YAML text as a read-only tree of mappings, sequences and scalars. Anchors, aliases and merge
 * keys are already followed: a mapping shows the pairs that hold after all its "<<" (several are
 * fine). A merge applies where it stands: keys after it override it, keys before it are overridden
 * by it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/error.h"

typedef struct YamlTree YamlTree;
typedef struct YamlNode YamlNode;

typedef enum YamlKind {
    YAML_SCALAR,
    YAML_SEQUENCE,
    YAML_MAPPING,
} YamlKind;

typedef struct YamlPlace {
    int line;   /* 1-based; 0 = unknown */
    int column; /* 1-based              */
} YamlPlace;

typedef struct YamlPair {
    const char *key;
    YamlPlace place;       /* of the key; of the anchor's key when it was merged */
    const YamlNode *value; /* never NULL */
    int repeats_line;      /* of the same key earlier in this mapping, a mistake; 0 = unique */
    bool is_merged;        /* came by "<<" */
} YamlPair;

/*
 * yaml_parse - read one document.
 *
 *   text        UTF-8, NUL-terminated; may be freed afterwards
 *   ret_place   where the error is; set on failure alone
 *   ret_tree    caller frees; all nodes and texts belong to it
 *
 * Errors: ERR_INVALID with the reason only; no text of the document, which may hold secrets.
 */
MUST_CHECK Error *yaml_parse(const char *text, YamlPlace *ret_place, YamlTree **ret_tree);

/* The top node; NULL when the document is empty. */
const YamlNode *yaml_root(const YamlTree *tree);

YamlKind yaml_kind(const YamlNode *node);
YamlPlace yaml_place(const YamlNode *node);

/* True for a node that "&name" stands before. */
bool yaml_is_anchor(const YamlNode *node);

/* Text of a scalar, "" for an omitted one; NULL for what is none. */
const char *yaml_text(const YamlNode *node);

/* True for a scalar without quotes and without a tag such as "!!str". */
bool yaml_is_plain(const YamlNode *node);

/* Number of items of a sequence or pairs of a mapping; 0 for a scalar. */
size_t yaml_count(const YamlNode *node);
const YamlNode *yaml_item(const YamlNode *sequence, size_t i);
const YamlPair *yaml_pair(const YamlNode *mapping, size_t i);

/* The value of a key; NULL when it is missing or the node is no mapping (or NULL). */
const YamlNode *yaml_get(const YamlNode *mapping, const char *key);

void yaml_free(YamlTree *tree);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(YamlTree, yaml_free)
