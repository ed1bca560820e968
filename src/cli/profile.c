/*
 * The client's config file. The one place of the client that knows YAML: libfyaml reads it into
 * JSON; it is written by hand, since all it holds is mappings, truth values and texts, and a quoted
 * JSON text is a YAML one.
 */
#include "cli/profile.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <libfyaml.h>
#include <string.h>
#include <sys/file.h>

#include "base/fs.h"
#include "cli/json_path.h"

#define PROFILE_SIZE_MAX   (64 * 1024) /* libfyaml's time grows with the square of keys and anchors */
#define PROFILE_VALUES_MAX 10000       /* a few lines of aliases can stand for billions */
#define PROFILE_DEPTH_MAX  16

G_DEFINE_AUTOPTR_CLEANUP_FUNC(FILE, fclose)

typedef struct fy_document ProfileDocument;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProfileDocument, fy_document_destroy)

typedef struct fy_diag ProfileDiag;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ProfileDiag, fy_diag_destroy)

/* --- reading --- */

typedef struct ProfileReader {
    int depth;
    int values; /* so far */
} ProfileReader;

static json_t *profile_from_scalar(struct fy_node *node)
{
    size_t length = 0;
    const char *start = fy_node_get_scalar(node, &length);
    g_autofree char *text = g_strndup(start ? start : "", length);
    bool is_plain = fy_node_get_style(node) == FYNS_PLAIN;

    if (is_plain && g_ascii_strcasecmp(text, "true") == 0)
        return json_true();
    if (is_plain && g_ascii_strcasecmp(text, "false") == 0)
        return json_false();
    if (is_plain && (strcmp(text, "~") == 0 || strcmp(text, "null") == 0))
        return json_string("");
    return json_string(text);
}

static Error *profile_from_node(ProfileReader *reader, struct fy_node *node, json_t **ret_value);

/* "<<": keys of the mapping, or of the mappings in the list, count where there are none of their own. */
static void profile_merge(json_t *object, json_t *merged)
{
    size_t i = 0;
    json_t *item = NULL;

    json_object_update_missing(object, merged);
    json_array_foreach (merged, i, item)
        json_object_update_missing(object, item);
}

static Error *profile_from_mapping(ProfileReader *reader, struct fy_node *node, json_t **ret_value)
{
    g_autoptr(json_t) object = json_object();
    g_autoptr(json_t) merged = json_array();
    struct fy_node_pair *pair = NULL;
    void *iterator = NULL;

    while ((pair = fy_node_mapping_iterate(node, &iterator))) {
        const char *key = fy_node_get_scalar0(fy_node_pair_key(pair));
        json_t *value = NULL;

        TRY(profile_from_node(reader, fy_node_pair_value(pair), &value));
        if (key && strcmp(key, "<<") == 0)
            json_array_append_new(merged, value);
        else if (!key || json_object_set_new(object, key, value) != 0)
            return error_new(ERR_INVALID, "a key is no text");
    }
    for (size_t i = 0; i < json_array_size(merged); i++)
        profile_merge(object, json_array_get(merged, i));
    *ret_value = g_steal_pointer(&object);
    return NULL;
}

static Error *profile_from_sequence(ProfileReader *reader, struct fy_node *node, json_t **ret_value)
{
    g_autoptr(json_t) array = json_array();
    struct fy_node *item = NULL;
    void *iterator = NULL;

    while ((item = fy_node_sequence_iterate(node, &iterator))) {
        json_t *value = NULL;

        TRY(profile_from_node(reader, item, &value));
        json_array_append_new(array, value);
    }
    *ret_value = g_steal_pointer(&array);
    return NULL;
}

/* The node itself, with aliases followed: each time anew, and each time counted. */
static Error *profile_from_value(ProfileReader *reader, struct fy_node *node, json_t **ret_value)
{
    if (fy_node_is_alias(node)) {
        struct fy_node *target = fy_node_resolve_alias(node);

        if (!target)
            return error_new(ERR_INVALID, "an alias has no anchor");
        return profile_from_node(reader, target, ret_value);
    }
    if (fy_node_is_mapping(node))
        return profile_from_mapping(reader, node, ret_value);
    if (fy_node_is_sequence(node))
        return profile_from_sequence(reader, node, ret_value);
    *ret_value = profile_from_scalar(node);
    return NULL;
}

static Error *profile_from_node(ProfileReader *reader, struct fy_node *node, json_t **ret_value)
{
    Error *e = NULL;

    if (!node) {
        *ret_value = json_string("");
        return NULL;
    }
    if (reader->depth >= PROFILE_DEPTH_MAX)
        return error_new(ERR_INVALID, "nested more than %d levels deep", PROFILE_DEPTH_MAX);
    if (++reader->values > PROFILE_VALUES_MAX)
        return error_new(ERR_INVALID, "more than %d values, aliases counted in",
                         PROFILE_VALUES_MAX);
    reader->depth++;
    e = profile_from_value(reader, node, ret_value);
    reader->depth--;
    return e;
}

/* NULL when nothing is wrong: an empty file has no document either. */
static Error *profile_syntax_error(struct fy_diag *diag, const char *file)
{
    void *iterator = NULL;
    const struct fy_diag_error *first = fy_diag_errors_iterate(diag, &iterator);

    if (!first)
        return NULL;
    return error_new(ERR_INVALID, "config file \"%s\", line %d: %s", file, first->line, first->msg);
}

static Error *profile_from_root(struct fy_node *root, const char *file, json_t **ret_root)
{
    ProfileReader reader = {0};
    Error *e = NULL;

    if (!root || fy_node_is_null(root)) {
        *ret_root = json_object();
        return NULL;
    }
    if (!fy_node_is_mapping(root))
        return error_new(ERR_INVALID, "config file \"%s\" is not a mapping", file);
    e = profile_from_node(&reader, root, ret_root);
    return error_wrap(e, "config file \"%s\"", file);
}

/* Aliases are not resolved by libfyaml, which copies what they stand for without a limit. */
Error *profile_parse(const char *text, const char *file, json_t **ret_root)
{
    g_autoptr(FILE) nowhere = fopen("/dev/null", "we");
    g_autoptr(ProfileDiag) diag = fy_diag_create(&(struct fy_diag_cfg){
        .fp = nowhere, .level = FYET_ERROR, .module_mask = (1U << FYEM_MAX) - 1});
    g_autoptr(ProfileDocument) document = NULL;

    fy_diag_set_collect_errors(diag, true);
    document = fy_document_build_from_string(&(struct fy_parse_cfg){.diag = diag}, text, FY_NT);
    if (!document)
        TRY(profile_syntax_error(diag, file));
    return profile_from_root(document ? fy_document_root(document) : NULL, file, ret_root);
}

/* --- writing --- */

static void profile_append_text(GString *out, const char *text, bool is_key)
{
    g_autoptr(json_t) value = json_string(text);
    char *quoted = json_dumps(value, JSON_ENCODE_ANY);

    if (is_key && g_regex_match_simple("^[A-Za-z_][A-Za-z0-9_-]*$", text, 0, 0))
        g_string_append(out, text);
    else
        g_string_append(out, quoted);
    free(quoted);
}

static void profile_append(GString *out, json_t *value, int indent);

static void profile_append_mapping(GString *out, json_t *object, int indent)
{
    const char *key = NULL;
    json_t *value = NULL;

    json_object_foreach (object, key, value) {
        g_string_append_printf(out, "%*s", indent, "");
        profile_append_text(out, key, true);
        g_string_append_c(out, ':');
        profile_append(out, value, indent + 2);
    }
}

static void profile_append(GString *out, json_t *value, int indent)
{
    if (json_is_object(value) && json_object_size(value) > 0) {
        g_string_append_c(out, '\n');
        profile_append_mapping(out, value, indent);
    } else if (json_is_string(value)) {
        g_string_append_c(out, ' ');
        profile_append_text(out, json_string_value(value), false);
        g_string_append_c(out, '\n');
    } else {
        char *flow = json_dumps(value, JSON_ENCODE_ANY);

        g_string_append_printf(out, " %s\n", flow);
        free(flow);
    }
}

char *profile_format(json_t *root)
{
    GString *out = g_string_new(NULL);

    profile_append_mapping(out, root, 0);
    return g_string_free(out, FALSE);
}

/* --- the file --- */

static char *profile_path(void)
{
    return g_build_filename(g_get_home_dir(), ".ramet", "cli.yml", NULL);
}

static char *profile_path_to_read(void)
{
    g_autofree char *own = profile_path();

    if (fs_exists(own))
        return g_steal_pointer(&own);
    return g_build_filename(g_get_home_dir(), ".dblab", "cli", "cli.yml", NULL);
}

Profile *profile_new(void)
{
    Profile *profile = g_new0(Profile, 1);

    profile->root = json_object();
    profile->lock_fd = -1;
    return profile;
}

void profile_free(Profile *profile)
{
    if (!profile)
        return;
    json_decref(profile->root);
    fs_close_fd(&profile->lock_fd);
    g_free(profile);
}

static Error *profile_read(Profile *profile)
{
    g_autofree char *path = profile_path_to_read();
    g_autofree char *text = NULL;
    json_t *root = NULL;

    if (!fs_exists(path))
        return NULL;
    TRY(fs_read_file(path, PROFILE_SIZE_MAX, &text));
    TRY(profile_parse(text, path, &root));
    json_decref(profile->root);
    profile->root = root;
    profile->exists = true;
    return NULL;
}

/* A file of its own is locked: that of the settings is another one after each change. */
static Error *profile_lock(Profile *profile)
{
    g_autofree char *path = profile_path();
    g_autofree char *directory = g_path_get_dirname(path);
    g_autofree char *lock = g_build_filename(directory, "cli.lock", NULL);
    int result = 0;

    TRY(fs_make_dir(directory, 0700, NULL));
    profile->lock_fd = open(lock, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (profile->lock_fd < 0)
        return error_errno(errno, "could not open \"%s\"", lock);
    do
        result = flock(profile->lock_fd, LOCK_EX);
    while (result < 0 && errno == EINTR);
    return result < 0 ? error_errno(errno, "could not lock \"%s\"", lock) : NULL;
}

Error *profile_load(Profile **ret_profile)
{
    g_autoptr(Profile) profile = profile_new();

    TRY(profile_read(profile));
    *ret_profile = g_steal_pointer(&profile);
    return NULL;
}

Error *profile_load_to_change(Profile **ret_profile)
{
    g_autoptr(Profile) profile = profile_new();

    TRY(profile_lock(profile));
    TRY(profile_read(profile));
    *ret_profile = g_steal_pointer(&profile);
    return NULL;
}

Error *profile_save(const Profile *profile)
{
    g_autofree char *path = profile_path();
    g_autofree char *text = profile_format(profile->root);

    g_assert(profile->lock_fd >= 0);
    return fs_write_file(path, text, &(FsWrite){.mode = 0600, .is_durable = true});
}

/* --- environments --- */

json_t *profile_environments(Profile *profile)
{
    if (!json_is_object(json_at(profile->root, "environments")))
        json_put_at(profile->root, "environments", json_object());
    return json_at(profile->root, "environments");
}

json_t *profile_environment(const Profile *profile, const char *id)
{
    json_t *environment = json_object_get(json_at(profile->root, "environments"), id);

    return json_is_object(environment) ? environment : NULL;
}

const char *profile_current_id(const Profile *profile)
{
    return json_text_at(profile->root, "current_environment");
}

void profile_set_current_id(Profile *profile, const char *id)
{
    json_put_at(profile->root, "current_environment", json_string(id));
}

json_t *profile_current(const Profile *profile)
{
    return profile_environment(profile, profile_current_id(profile));
}
