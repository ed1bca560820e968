/*
 * crun and runc take the same command line. They start and change: what has ended is cleaned up
 * without them (container.c), a process start cheaper.
 */
#include "runtime/oci/program.h"

#include <glib.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/json.h"

#define PROGRAM_VERSION_TIMEOUT_MS 10000
#define PROGRAM_RUN_TIMEOUT_MS     60000
#define PROGRAM_LOG_MAX            65536

/* The oldest that is known to work, and what sets them apart. */
typedef struct ProgramKind {
    const char *name;
    int min_major;
    int min_minor;
    bool takes_filter;   /* compiled, by an annotation */
    bool refuses_hybrid; /* control groups: works when the empty hierarchy is hidden */
} ProgramKind;

static const ProgramKind program_kinds[] = {
    {"crun", 1, 0, .takes_filter = true, .refuses_hybrid = true},
    {"runc", 1, 1, .takes_filter = false, .refuses_hybrid = false},
};

struct ContainerProgram {
    const ProgramKind *kind;
    char *path;
    char *version; /* "1.8.1" */
    CgroupLayout layout;
};

void container_program_free(ContainerProgram *program)
{
    if (!program)
        return;
    g_free(program->path);
    g_free(program->version);
    g_free(program);
}

/* --- finding it --- */

static Error *program_look_up(const char *name, char **ret_path)
{
    g_autofree char *path = NULL;

    if (*name)
        path = g_find_program_in_path(name);
    for (size_t i = 0; !*name && !path && i < G_N_ELEMENTS(program_kinds); i++)
        path = g_find_program_in_path(program_kinds[i].name);
    if (!path)
        return error_hint(error_new(ERR_NOT_FOUND, "container runtime \"%s\" is not installed",
                                    *name ? name : program_kinds[0].name),
                          "Install the package crun (or runc), or set runtime.ociProgram.");
    *ret_path = g_steal_pointer(&path);
    return NULL;
}

/* "crun version 1.8.1", "runc version 1.1.5+ds1": kind and version; false for another program. */
static bool program_parse_version(const char *text, const ProgramKind **ret_kind,
                                  char **ret_version)
{
    g_auto(GStrv) words = g_strsplit_set(text, " \n", 4);

    if (g_strv_length(words) < 3 || strcmp(words[1], "version") != 0)
        return false;
    for (size_t i = 0; i < G_N_ELEMENTS(program_kinds); i++) {
        if (strcmp(words[0], program_kinds[i].name) != 0)
            continue;
        *ret_kind = &program_kinds[i];
        *ret_version = g_strdup(words[2]);
        return true;
    }
    return false;
}

static Error *program_check_version(const ContainerProgram *program)
{
    const ProgramKind *kind = program->kind;
    int major = 0;
    int minor = 0;

    sscanf(program->version, "%d.%d", &major, &minor);

    if (major > kind->min_major || (major == kind->min_major && minor >= kind->min_minor))
        return NULL;
    return error_hint(error_new(ERR_INVALID, "%s %s is too old", program->path, program->version),
                      "Ramet needs %s %d.%d or later.", kind->name, kind->min_major,
                      kind->min_minor);
}

static Error *program_ask_version(ContainerProgram *program)
{
    const char *const argv[] = {program->path, "--version", NULL};
    const ProcSpec spec = {.argv = argv, .timeout_ms = PROGRAM_VERSION_TIMEOUT_MS};
    g_auto(ProcResult) result = {0};

    TRY(proc_run(&spec, &result));
    if (!program_parse_version(result.output, &program->kind, &program->version))
        return error_hint(error_new(ERR_INVALID, "\"%s\" is neither crun nor runc", program->path),
                          "Set runtime.ociProgram to one of these.");
    return program_check_version(program);
}

Error *container_program_find(const char *name, ContainerProgram **ret_program)
{
    g_autoptr(ContainerProgram) program = g_new0(ContainerProgram, 1);

    TRY(program_look_up(name, &program->path));
    TRY(program_ask_version(program));
    program->layout = cgroup_probe();
    if (program->layout == CGROUP_NONE)
        return error_hint(error_new(ERR_INVALID, "there are no control groups in /sys/fs/cgroup"),
                          "Mount them (mount -t cgroup2 cgroup2 /sys/fs/cgroup); in a container, "
                          "start that one with access to them, or set runtime.driver: process.");
    *ret_program = g_steal_pointer(&program);
    return NULL;
}

char *container_program_describe(const ContainerProgram *program)
{
    return g_strdup_printf("%s %s, control groups %s", program->kind->name, program->version,
                           cgroup_layout_name(program->layout));
}

bool container_program_takes_filter(const ContainerProgram *program)
{
    return program->kind->takes_filter;
}

/* --- running a container --- */

/* The last line of its log, which is JSON: {"level": "error", "msg": …}. "" when there is none. */
static char *program_last_words(const char *error_log)
{
    g_autofree char *text = NULL;
    char *words = NULL;

    error_free(fs_read_file(error_log, PROGRAM_LOG_MAX, &text));
    if (!text)
        return g_strdup("");
    g_strchomp(text);

    const char *newline = strrchr(text, '\n');
    g_autoptr(json_t) line = json_loads(newline ? newline + 1 : text, 0, NULL);

    words = g_strdup(json_string_value(json_object_get(line, "msg")));
    return words ? words : g_strdup("");
}

static Error *program_explain(Error *e, const char *error_log)
{
    g_autofree char *words = program_last_words(error_log);

    return *words ? error_detail(e, "%s", words) : e;
}

static const char *program_hides(const ContainerProgram *program)
{
    return program->layout == CGROUP_HYBRID && program->kind->refuses_hybrid ? CGROUP_HYBRID_MOUNT
                                                                             : NULL;
}

Error *container_program_limit(const ContainerProgram *program, const char *name,
                               const char *state_root, const char *resources_file)
{
    const char *const argv[] = {
        program->path, "--root", state_root, "update", "--resources", resources_file, name, NULL,
    };
    const ProcSpec spec = {
        .argv = argv,
        .timeout_ms = PROGRAM_VERSION_TIMEOUT_MS,
        .hidden_mount = program_hides(program),
    };

    return proc_run(&spec, NULL);
}

Error *container_program_run(const ContainerProgram *program, const char *name,
                             const ContainerPaths *paths)
{
    const char *const argv[] = {
        program->path, "--root", paths->state_root, "--log",    paths->error_log, "--log-format",
        "json",        "run",    "--detach",        "--bundle", paths->bundle,    name,
        NULL,
    };
    const ProcSpec spec = {
        .argv = argv,
        .timeout_ms = PROGRAM_RUN_TIMEOUT_MS,
        .output_fd = paths->output_fd,
        .pass_fd = paths->lock_fd,
        .hidden_mount = program_hides(program),
    };
    Error *e = proc_run(&spec, NULL);

    return e ? program_explain(e, paths->error_log) : NULL;
}

Error *container_program_run_once(const ContainerProgram *program, const char *name,
                                  const ContainerPaths *paths, const ProcSpec *spec,
                                  ProcResult *ret_result)
{
    const char *const argv[] = {
        program->path,
        "--root",
        paths->state_root,
        "--log",
        paths->error_log,
        "--log-format",
        "json",
        "run",
        "--bundle",
        paths->bundle,
        name,
        NULL,
    };
    ProcSpec outer = *spec;
    Error *e;

    outer.argv = argv;
    outer.env = NULL;
    outer.cwd = NULL;
    outer.hidden_mount = program_hides(program);
    e = proc_run(&outer, ret_result);
    return e ? program_explain(e, paths->error_log) : NULL;
}
