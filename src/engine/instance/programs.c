/*
 * The programs of PostgreSQL. An image is looked into once, at the start, as that takes a container;
 * what is installed on the machine is looked for each time, as it may come and go.
 */
#include "engine/instance/programs.h"

#include "base/fs.h"
#include "postgres/conf.h"
#include "postgres/image_probe.h"

#define PROBE_TIMEOUT_MS 120000

/* --- opening --- */

char **programs_bin_dirs(const Config *config)
{
    g_autoptr(GPtrArray) dirs = g_ptr_array_new();
    size_t i;
    json_t *dir;

    json_array_foreach (config->postgres.bin_dirs, i, dir)
        g_ptr_array_add(dirs, g_strdup(json_string_value(dir)));
    g_ptr_array_add(dirs, NULL);
    return (char **)g_ptr_array_steal(dirs, NULL);
}

/* An engine of containers sees the state directory, and maybe not our /tmp. */
static char *programs_scratch(const Engine *engine)
{
    g_autoptr(Config) config = engine_config(engine);

    return g_build_filename(config->server.state_dir, "checks", NULL);
}

static Error *programs_probe(Engine *engine, const char *image)
{
    const ProcSpec spec = {.argv = image_probe_argv, .timeout_ms = PROBE_TIMEOUT_MS};
    g_auto(ProcResult) result = {0};

    TRY(error_wrap(runtime_run_inside(engine->runtime, &spec, &result), "looking into image \"%s\"",
                   image));
    return image_probe_parse(image, result.output, &engine->image);
}

Error *programs_open(Engine *engine)
{
    const char *image = runtime_image(engine->runtime);
    g_autofree char *scratch = programs_scratch(engine);
    g_autoptr(Config) config = engine_config(engine);

    engine->bin_dirs = programs_bin_dirs(config);
    if (engine->is_to_look)
        return NULL;
    TRY(fs_remove_tree(scratch));
    return image ? programs_probe(engine, image) : NULL;
}

void programs_close(Engine *engine)
{
    g_strfreev(engine->bin_dirs);
    g_clear_pointer(&engine->image, g_ptr_array_unref);
}

/* --- finding --- */

static Error *programs_choose(const Engine *engine, int64_t major, bool or_newer,
                              Installation **ret)
{
    g_autoptr(GPtrArray) list = NULL;

    if (engine->image)
        return installation_choose(engine->image, major, or_newer, ret);
    TRY(installation_list((const char *const *)engine->bin_dirs, &list));
    return installation_choose(list, major, or_newer, ret);
}

Error *programs_find(const Engine *engine, int64_t major, Installation **ret)
{
    return programs_choose(engine, major, false, ret);
}

Error *programs_find_for_source(const Engine *engine, int64_t source_major, Installation **ret)
{
    return programs_choose(engine, source_major, true, ret);
}

Error *programs_find_client(const Engine *engine, const Installation *installation,
                            const char *program, char **ret_path)
{
    return installation_program((const char *const *)engine->bin_dirs, installation, program,
                                ret_path);
}

/* --- asking --- */

static Error *programs_run(const ProcSpec *spec, ProcResult *ret_result, void *data)
{
    const Engine *engine = data;

    return runtime_run_inside(engine->runtime, spec, ret_result);
}

Error *programs_check_settings(const Engine *engine, const Installation *installation,
                               const json_t *settings)
{
    g_autoptr(Config) config = engine_config(engine);
    g_autofree char *scratch = programs_scratch(engine);
    const ProgramRunner runner = {scratch, programs_run, (void *)(uintptr_t)engine};

    TRY(fs_make_dir(scratch, 0711, NULL));
    return conf_check_values(installation, config->postgres.os_user, &runner, settings);
}
