/*
 * Manifests as JSON. One table of fields serves writing, reading and freeing.
 */
#include "storage/manifest.h"

#include "base/json.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

typedef struct ManifestField {
    const char *key;
    size_t offset;
    bool is_text; /* char *, otherwise int64_t */
    bool is_required;
} ManifestField;

#define TEXT(field)   offsetof(Manifest, field), true, false
#define NEEDED(field) offsetof(Manifest, field), true, true
#define NUMBER(field) offsetof(Manifest, field), false, false

static const ManifestField manifest_fields[] = {
    {"uid", NEEDED(uid)},
    {"kind", NEEDED(kind)},
    {"id", TEXT(id)},
    {"pool", TEXT(pool)},
    {"branch", TEXT(branch)},
    {"parent", TEXT(parent)},
    {"message", TEXT(message)},
    {"owner", TEXT(owner)},
    {"pgMajor", NUMBER(pg_major)},
    {"dataStateAtMs", NUMBER(data_state_at_ms)},
    {"createdAtMs", NUMBER(created_at_ms)},
};

static const char *const manifest_kinds[] = {"golden", "clone", "snapshot", NULL};

static char **manifest_text(Manifest *manifest, const ManifestField *field)
{
    return (char **)((char *)manifest + field->offset);
}

static int64_t *manifest_number(Manifest *manifest, const ManifestField *field)
{
    return (int64_t *)((char *)manifest + field->offset);
}

static json_t *manifest_field_to_json(const Manifest *manifest, const ManifestField *field)
{
    const char *at = (const char *)manifest + field->offset;

    if (!field->is_text)
        return json_integer(*(const int64_t *)at);

    const char *text = *(const char *const *)at;
    /* jansson takes nothing else */
    g_autofree char *valid = g_utf8_make_valid(text ? text : "", -1);

    return json_string(valid);
}

char *manifest_format(const Manifest *manifest)
{
    g_autoptr(json_t) object = json_object();

    for (size_t i = 0; i < G_N_ELEMENTS(manifest_fields); i++)
        json_object_set_new(object, manifest_fields[i].key,
                            manifest_field_to_json(manifest, &manifest_fields[i]));

    char *text = json_dumps(object, JSON_INDENT(2));
    char *copy = g_strdup(text); /* for g_free() */

    free(text);
    return copy;
}

static Error *manifest_read_field(const json_t *object, const ManifestField *field,
                                  Manifest *manifest)
{
    const json_t *value = json_object_get(object, field->key);

    if (value ? field->is_text && !json_is_string(value) : field->is_required)
        return error_new(ERR_INVALID, "manifest: \"%s\" is not a string", field->key);
    if (value && !field->is_text && !json_is_integer(value))
        return error_new(ERR_INVALID, "manifest: \"%s\" is not a whole number", field->key);
    if (field->is_text)
        *manifest_text(manifest, field) = g_strdup(value ? json_string_value(value) : "");
    else
        *manifest_number(manifest, field) = json_integer_value(value); /* 0 for NULL */
    return NULL;
}

static Error *manifest_from_json(const json_t *object, Manifest **ret_manifest)
{
    g_autoptr(Manifest) manifest = g_new0(Manifest, 1);

    if (!json_is_object(object))
        return error_new(ERR_INVALID, "manifest: not a JSON object");
    for (size_t i = 0; i < G_N_ELEMENTS(manifest_fields); i++)
        TRY(manifest_read_field(object, &manifest_fields[i], manifest));
    if (manifest->uid[0] == '\0')
        return error_new(ERR_INVALID, "manifest: \"uid\" is empty");
    if (!g_strv_contains(manifest_kinds, manifest->kind))
        return error_new(ERR_INVALID, "manifest: unknown kind \"%s\"", manifest->kind);
    *ret_manifest = g_steal_pointer(&manifest);
    return NULL;
}

Error *manifest_parse(const char *text, Manifest **ret_manifest)
{
    json_error_t why;
    g_autoptr(json_t) object = json_loads(text, JSON_REJECT_DUPLICATES, &why);

    if (!object)
        return error_new(ERR_INVALID, "manifest: line %d: %s", why.line, why.text);
    return manifest_from_json(object, ret_manifest);
}

void manifest_free(Manifest *manifest)
{
    if (!manifest)
        return;
    for (size_t i = 0; i < G_N_ELEMENTS(manifest_fields); i++)
        if (manifest_fields[i].is_text)
            g_free(*manifest_text(manifest, &manifest_fields[i]));
    g_free(manifest);
}
