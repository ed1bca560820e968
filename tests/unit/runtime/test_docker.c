/*
 * Docker's API without an engine: bodies of requests, names of images, credentials.
 */
#include <glib/gstdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/proc.h"
#include "runtime/docker/api.h"
#include "runtime/docker/container.h"
#include "runtime/docker/registry.h"
#include "runtime/place.h"

static const char *const argv_some[] = {"/pg/bin/postgres", "-D", "x", NULL};
static const char *const env_some[] = {"A=b", NULL};

/* The value at "a/b/0/c"; NULL when there is none. */
static json_t *at(json_t *value, const char *path)
{
    g_auto(GStrv) steps = g_strsplit(path, "/", -1);

    for (char **step = steps; value && *step; step++)
        value = json_is_array(value)
                    ? json_array_get(value, (size_t)g_ascii_strtoull(*step, NULL, 10))
                    : json_object_get(value, *step);
    return value;
}

static const char *text_at(json_t *value, const char *path)
{
    return json_string_value(at(value, path));
}

static json_t *body_of(const InstanceLimits *limits, bool has_network, const json_t *options)
{
    return container_body(&(ContainerSpec){
        .image = "pg:15",
        .users = "/state/users",
        .data_dir = "/pool/data",
        .socket_dir = "/state/run/c1",
        .log_path = "/state/logs/c1.log",
        .label = LABEL_INSTANCE,
        .label_value = "c1",
        .server = "abc",
        .filter = "seccomp={}",
        .argv = argv_some,
        .env = env_some,
        .uid = 101,
        .gid = 104,
        .has_network = has_network,
        .limits = limits,
        .options = options,
    });
}

static const char *find_mount(json_t *body, const char *target)
{
    size_t i;
    json_t *mount;

    json_array_foreach (at(body, "HostConfig/Mounts"), i, mount)
        if (g_strcmp0(text_at(mount, "Target"), target) == 0)
            return text_at(mount, "Source");
    return NULL;
}

static void test_body(void)
{
    static const InstanceLimits none;
    json_t *body = body_of(&none, false, NULL);

    g_assert_cmpstr(text_at(body, "Image"), ==, "pg:15");
    g_assert_cmpstr(text_at(body, "User"), ==, "101:104");
    g_assert_cmpstr(text_at(body, "Entrypoint/0"), ==, "/bin/sh");
    g_assert_cmpstr(text_at(body, "Entrypoint/3"), ==, "/pg/bin/postgres");
    g_assert_cmpstr(text_at(body, "WorkingDir"), ==, INSTANCE_DATA_DIR);
    g_assert_cmpstr(text_at(body, "HostConfig/NetworkMode"), ==, "none");
    g_assert_cmpstr(text_at(body, "HostConfig/CapDrop/0"), ==, "ALL");
    g_assert_cmpstr(text_at(body, "HostConfig/SecurityOpt/0"), ==, "no-new-privileges");
    g_assert_true(json_is_true(at(body, "HostConfig/ReadonlyRootfs")));
    g_assert_cmpstr(find_mount(body, INSTANCE_DATA_DIR), ==, "/pool/data");
    g_assert_cmpstr(find_mount(body, INSTANCE_SOCKET_DIR), ==, "/state/run/c1");
    g_assert_cmpstr(find_mount(body, "/etc/passwd"), ==, "/state/users/passwd");
    g_assert_cmpstr(json_string_value(json_object_get(at(body, "Labels"), LABEL_SERVER)), ==,
                    "abc");
    g_assert_null(at(body, "HostConfig/Memory"));
    g_assert_null(at(body, "HostConfig/NanoCpus"));
    json_decref(body);
}

static void test_limits(void)
{
    static const InstanceLimits limits = {
        .cpu_millis = 1500,
        .memory_bytes = 1 << 30,
        .shm_bytes = 1 << 20,
        .processes = 200,
        .open_files = 2048,
    };
    static const InstanceLimits none;
    json_t *body = body_of(&limits, true, NULL);
    json_t *change = container_limits_body(&none, NULL);

    g_assert_cmpstr(text_at(body, "HostConfig/NetworkMode"), ==, "host");
    g_assert_cmpint(json_integer_value(at(body, "HostConfig/NanoCpus")), ==, 1500000000);
    g_assert_cmpint(json_integer_value(at(body, "HostConfig/Memory")), ==, 1 << 30);
    g_assert_cmpint(json_integer_value(at(body, "HostConfig/MemorySwap")), ==, 1 << 30);
    g_assert_cmpint(json_integer_value(at(body, "HostConfig/ShmSize")), ==, 1 << 20);
    g_assert_cmpint(json_integer_value(at(body, "HostConfig/PidsLimit")), ==, 200);
    g_assert_cmpstr(text_at(body, "HostConfig/Ulimits/0/Name"), ==, "sigpending");
    g_assert_cmpint(json_integer_value(at(body, "HostConfig/Ulimits/0/Hard")), ==, 1024);
    g_assert_cmpint(json_integer_value(at(body, "HostConfig/Ulimits/1/Hard")), ==, 2048);
    g_assert_cmpint(json_integer_value(at(change, "Memory")), >, 64 << 20); /* all there is */
    g_assert_cmpint(json_integer_value(at(change, "MemorySwap")), ==, INT64_C(1) << 50);
    g_assert_cmpint(json_integer_value(at(change, "NanoCpus")), ==,
                    INT64_C(1000000000) * g_get_num_processors());
    json_decref(body);
    json_decref(change);
}

static void test_options(void)
{
    static const InstanceLimits none;
    json_t *options =
        json_pack("{s:{s:s, s:[s]}, s:{s:s}, s:[s]}", "HostConfig", "NetworkMode", "lan",
                  "SecurityOpt", "label=disable", "Labels", "team", "qa", "Env", "X=y");
    json_t *body = body_of(&none, false, options);

    g_assert_cmpstr(text_at(body, "HostConfig/NetworkMode"), ==, "lan");
    g_assert_cmpstr(text_at(body, "HostConfig/SecurityOpt/0"), ==, "no-new-privileges");
    g_assert_cmpstr(text_at(body, "HostConfig/SecurityOpt/1"), ==, "seccomp={}");
    g_assert_cmpstr(text_at(body, "HostConfig/SecurityOpt/2"), ==, "label=disable");
    g_assert_cmpstr(text_at(body, "Labels/team"), ==, "qa");
    g_assert_cmpstr(text_at(body, "Env/0"), ==, "A=b");
    g_assert_cmpstr(text_at(body, "Env/1"), ==, "X=y");
    json_decref(body);
    json_decref(options);
}

static void test_volumes(void)
{
    static const InstanceLimits none;
    json_t *volumes = json_pack("{s:{}, s:{}}", "/scratch", "/var/lib/postgresql/data");
    json_t *body = container_body(&(ContainerSpec){
        .image = "pg:15",
        .users = "/state/users",
        .filter = "seccomp={}",
        .data_dir = "/pool/data",
        .label = LABEL_TOOL,
        .label_value = "abc",
        .server = "abc",
        .argv = argv_some,
        .env = env_some,
        .limits = &none,
        .volumes = volumes,
    });

    g_assert_cmpstr(find_mount(body, INSTANCE_DATA_DIR), ==, "/pool/data");
    g_assert_cmpuint(json_array_size(at(body, "HostConfig/Mounts")), ==,
                     4); /* with passwd, group */
    g_assert_cmpstr(text_at(body, "HostConfig/Mounts/3/Type"), ==, "tmpfs");
    g_assert_cmpstr(text_at(body, "HostConfig/Mounts/3/Target"), ==, "/scratch");
    json_decref(body);
    json_decref(volumes);
}

/* --- names --- */

#define HUB "https://index.docker.io/v1/"

static void test_names(void)
{
    static const struct {
        const char *text, *repository, *tag, *registry;
    } cases[] = {
        {"debian", "debian", "latest", HUB},
        {"postgresai/extended-postgres:16-0.5", "postgresai/extended-postgres", "16-0.5", HUB},
        {"docker.io/library/debian:12", "docker.io/library/debian", "12", HUB},
        {"localhost/pg", "localhost/pg", "latest", "localhost"},
        {"localhost:5000/pg", "localhost:5000/pg", "latest", "localhost:5000"},
        {"quay.io/a/b/c:1", "quay.io/a/b/c", "1", "quay.io"},
        {"quay.io/a@sha256:12ab", "quay.io/a", "sha256:12ab", "quay.io"},
        {"quay.io/a:1@sha256:12ab", "quay.io/a", "sha256:12ab", "quay.io"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_auto(ImageName) name = image_name_parse(cases[i].text);

        g_assert_cmpstr(name.repository, ==, cases[i].repository);
        g_assert_cmpstr(name.tag, ==, cases[i].tag);
        g_assert_cmpstr(name.registry, ==, cases[i].registry);
    }
}

static void test_sockets(void)
{
    g_autofree char *socket = NULL;
    g_autofree char *none = NULL;
    g_autoptr(Error) remote = docker_find_socket("tcp://127.0.0.1:2375", &none);

    g_assert_cmpint(remote->code, ==, ERR_INVALID);
    g_assert_null(docker_find_socket("unix:///run/x.sock", &socket));
    g_assert_cmpstr(socket, ==, "/run/x.sock");
}

/* --- credentials --- */

/* Written as the file of credentials; what is in it for a registry, decoded, or NULL. */
static char *auth_from(const char *file, const char *registry)
{
    g_autofree char *dir = g_dir_make_tmp("ramet-auth-XXXXXX", NULL);
    g_autofree char *path = g_build_filename(dir, "config.json", NULL);
    g_autofree char *auth = NULL;
    gsize size;

    g_assert_null(fs_write_file(path, file, NULL));
    g_setenv("DOCKER_CONFIG", dir, true);
    g_unsetenv("REGISTRY_AUTH_FILE");
    g_assert_null(registry_auth(registry, &auth));
    g_unlink(path);
    g_rmdir(dir);
    for (char *c = auth; c && *c; c++)
        *c = *c == '-' ? '+' : *c == '_' ? '/' : *c;
    return auth ? (char *)g_base64_decode(auth, &size) : NULL;
}

static void test_credentials(void)
{
    /* "me:a:b?>" */
    static const char file[] = "{\"auths\": {\"r.example:5000\": {\"auth\": \"bWU6YTpiPz4=\"}, "
                               "\"t.example\": {\"auth\": \"eDp5\", \"identitytoken\": \"tok\"}}}";
    g_autofree char *known = auth_from(file, "r.example:5000");
    g_autofree char *token = auth_from(file, "t.example");
    g_autofree char *unknown = auth_from(file, HUB);

    g_assert_nonnull(strstr(known, "\"username\":\"me\",\"password\":\"a:b?>\""));
    g_assert_nonnull(strstr(token, "\"identitytoken\":\"tok\""));
    g_assert_null(unknown);
}

static Error *play_helper(const ProcSpec *spec, ProcResult *ret_result)
{
    g_assert_cmpstr(spec->argv[0], ==, "docker-credential-vault");
    g_assert_cmpstr(spec->input, ==, "r.example");
    g_assert_true(g_strv_contains(spec->env, "AWS_PROFILE=registry"));
    g_assert_false(g_strv_contains(spec->env, "RAMET_TOKEN=s3cret"));
    ret_result->output = g_strdup("{\"ServerURL\": \"r.example\", \"Username\": \"u\", "
                                  "\"Secret\": \"s3cret\"}");
    ret_result->errors = g_strdup("");
    return NULL;
}

static void test_helper(void)
{
    proc_run_hook = play_helper;
    g_setenv("AWS_PROFILE", "registry", TRUE);
    g_setenv("RAMET_TOKEN", "s3cret", TRUE);

    g_autofree char *own = auth_from("{\"credHelpers\": {\"r.example\": \"vault\"}}", "r.example");
    g_autofree char *of_all = auth_from("{\"credsStore\": \"vault\"}", "r.example");

    proc_run_hook = NULL;
    g_assert_nonnull(strstr(own, "s3cret"));
    g_assert_nonnull(strstr(of_all, "\"username\":\"u\""));
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/docker/body", test_body);
    g_test_add_func("/docker/limits", test_limits);
    g_test_add_func("/docker/options", test_options);
    g_test_add_func("/docker/volumes", test_volumes);
    g_test_add_func("/docker/names", test_names);
    g_test_add_func("/docker/sockets", test_sockets);
    g_test_add_func("/docker/credentials", test_credentials);
    g_test_add_func("/docker/helper", test_helper);
    return g_test_run();
}
