/*
 * The usual file of credentials: {"auths": {REGISTRY: {"auth": base64 of USER:PASSWORD}}, and the
 * names of helper programs, "credHelpers" by registry and "credsStore" for all.
 */
#include "runtime/docker/registry.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/proc.h"

#define HUB_REGISTRY      "https://index.docker.io/v1/" /* its key in the files */
#define HUB_NAME          "docker.io"
#define AUTH_FILE_MAX     (1 << 20)
#define HELPER_TIMEOUT_MS 30000
#define HELPER_HAS_NONE   "credentials not found" /* its words, and status 1 */
#define HELPER_TOKEN_USER "<token>"               /* its secret is a token */

void image_name_clear(ImageName *name)
{
    g_free(name->repository);
    g_free(name->tag);
    g_free(name->registry);
}

/* The first part of a name is a host when it looks like one. */
static char *image_registry(const char *repository)
{
    size_t length = strcspn(repository, "/");
    g_autofree char *first = g_strndup(repository, length);
    bool is_host =
        repository[length] == '/' && (strpbrk(first, ".:") || g_str_equal(first, "localhost"));

    if (!is_host || g_str_equal(first, "docker.io") || g_str_equal(first, "index.docker.io"))
        return g_strdup(HUB_REGISTRY);
    return g_steal_pointer(&first);
}

ImageName image_name_parse(const char *text)
{
    const char *digest = strchr(text, '@');
    g_autofree char *plain = g_strndup(text, digest ? (gsize)(digest - text) : strlen(text));
    const char *slash = strrchr(plain, '/');
    char *colon = strchr(slash ? slash : plain, ':');
    ImageName name = {0};

    name.tag = g_strdup(digest ? digest + 1 : colon ? colon + 1 : "latest");
    if (colon)
        *colon = '\0';
    name.repository = g_steal_pointer(&plain);
    name.registry = image_registry(name.repository);
    return name;
}

/* --- credentials --- */

/* Files that may hold them, the first that has some counts: caller frees. */
static char **registry_files(void)
{
    g_autoptr(GStrvBuilder) files = g_strv_builder_new();
    const char *own = g_getenv("REGISTRY_AUTH_FILE");
    const char *docker = g_getenv("DOCKER_CONFIG");
    g_autofree char *in_config = docker ? g_build_filename(docker, "config.json", NULL) : NULL;
    g_autofree char *in_home = g_build_filename(g_get_home_dir(), ".docker/config.json", NULL);
    g_autofree char *of_podman = g_strdup_printf("/run/containers/%u/auth.json", geteuid());

    if (own)
        g_strv_builder_add(files, own);
    if (in_config)
        g_strv_builder_add(files, in_config);
    g_strv_builder_add(files, in_home);
    g_strv_builder_add(files, of_podman);
    return g_strv_builder_end(files);
}

/* {"username": …, "password": …} as the header has it: caller frees. NULL: not UTF-8. */
static char *registry_encode(json_t *credentials)
{
    char *text = json_dumps(credentials, JSON_COMPACT);
    char *encoded = text ? g_base64_encode((const guchar *)text, strlen(text)) : NULL;

    free(text);
    json_decref(credentials);
    for (char *c = encoded; c && *c; c++) /* of the URL's alphabet: RFC 4648, section 5 */
        *c = *c == '+' ? '-' : *c == '/' ? '_' : *c;
    return encoded;
}

static json_t *registry_credentials(const char *registry, const char *user, const char *secret)
{
    if (g_str_equal(user, HELPER_TOKEN_USER))
        return json_pack("{s:s, s:s}", "serveraddress", registry, "identitytoken", secret);
    return json_pack("{s:s, s:s, s:s}", "serveraddress", registry, "username", user, "password",
                     secret);
}

/* A helper asks a service for the secret, and finds that as its user would have it found. */
static bool registry_helper_needs(const char *name)
{
    static const char *const names[] = {
        "HOME",        "USER",       "LOGNAME",      "DOCKER_CONFIG", "REGISTRY_AUTH_FILE",
        "GNUPGHOME",   "HTTP_PROXY", "HTTPS_PROXY",  "NO_PROXY",      "http_proxy",
        "https_proxy", "no_proxy",   "SSL_CERT_DIR", "SSL_CERT_FILE", "DBUS_SESSION_BUS_ADDRESS",
    };
    static const char *const prefixes[] = {"XDG_", "AWS_", "AZURE_", "GOOGLE_", "CLOUDSDK_"};

    for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_equal(names[i], name))
            return true;
    for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++)
        if (g_str_has_prefix(name, prefixes[i]))
            return true;
    return false;
}

static char **registry_helper_env(void)
{
    g_autoptr(GStrvBuilder) env = g_strv_builder_new();
    g_auto(GStrv) ours = g_get_environ();

    for (char **entry = ours; *entry; entry++) {
        g_autofree char *name = g_strndup(*entry, strcspn(*entry, "="));

        if (registry_helper_needs(name))
            g_strv_builder_add(env, *entry);
    }
    return g_strv_builder_end(env);
}

static Error *registry_ask_helper(const char *helper, const char *registry, char **ret_auth)
{
    g_autofree char *program = g_strconcat("docker-credential-", helper, NULL);
    const char *const argv[] = {program, "get", NULL};
    g_auto(GStrv) env = registry_helper_env();
    const ProcSpec spec = {.argv = argv,
                           .env = (const char *const *)env,
                           .input = registry,
                           .timeout_ms = HELPER_TIMEOUT_MS};
    g_auto(ProcResult) result = {0};
    const char *user = NULL, *secret = NULL;
    Error *e = proc_run(&spec, &result);

    if (e && result.output && strstr(result.output, HELPER_HAS_NONE)) {
        error_free(e);
        return NULL;
    }
    TRY(e);

    g_autoptr(json_t) answer = json_loads(result.output, 0, NULL);

    json_unpack(answer, "{s:s, s:s}", "Username", &user, "Secret", &secret);
    if (user && secret)
        *ret_auth = registry_encode(registry_credentials(registry, user, secret));
    return user && secret ? NULL : error_new(ERR_EXTERNAL, "\"%s\" tells no secret", program);
}

/* "auth" is USER:PASSWORD; a token may stand beside it. */
static char *registry_read_entry(const json_t *entry, const char *registry)
{
    const char *auth = json_string_value(json_object_get(entry, "auth"));
    const char *token = json_string_value(json_object_get(entry, "identitytoken"));
    gsize size = 0;
    g_autofree guchar *plain = auth ? g_base64_decode(auth, &size) : NULL;
    g_autofree char *text = plain ? g_strndup((const char *)plain, size) : NULL;
    char *colon = text ? strchr(text, ':') : NULL;

    if (token && *token)
        return registry_encode(registry_credentials(registry, HELPER_TOKEN_USER, token));
    if (!colon)
        return NULL;
    *colon = '\0';
    return registry_encode(registry_credentials(registry, text, colon + 1));
}

/* What one file has for a registry; Podman files Docker Hub under its usual name. */
static Error *registry_search(const json_t *file, const char *registry, char **ret_auth)
{
    const char *helper =
        json_string_value(json_object_get(json_object_get(file, "credHelpers"), registry));
    const json_t *auths = json_object_get(file, "auths");

    if (!helper)
        helper = json_string_value(json_object_get(file, "credsStore"));
    *ret_auth = registry_read_entry(json_object_get(auths, registry), registry);
    if (!*ret_auth && g_str_equal(registry, HUB_REGISTRY))
        *ret_auth = registry_read_entry(json_object_get(auths, HUB_NAME), registry);
    return helper && !*ret_auth ? registry_ask_helper(helper, registry, ret_auth) : NULL;
}

static Error *registry_search_file(const char *path, const char *registry, char **ret_auth)
{
    g_autofree char *text = NULL;
    g_autoptr(json_t) file = NULL;
    Error *e;

    if (!fs_exists(path))
        return NULL;
    TRY(fs_read_file(path, AUTH_FILE_MAX, &text));
    file = json_loads(text, 0, NULL);
    e = file ? registry_search(file, registry, ret_auth)
             : error_new(ERR_INVALID, "\"%s\" is not JSON", path);
    return e;
}

Error *registry_auth(const char *registry, char **ret_auth)
{
    g_auto(GStrv) files = registry_files();

    *ret_auth = NULL;
    for (char **file = files; *file && !*ret_auth; file++)
        TRY(registry_search_file(*file, registry, ret_auth));
    return NULL;
}
