/*
 * The jobs of the configuration: which there are, and whether a refresh can be made of them.
 */
#include "retrieval/work.h"

static const struct {
    const char *name;
    const char *mode;
    bool is_built;
} known_jobs[] = {
    {"physicalRestore", "physical", false}, {"physicalSnapshot", "physical", false},
    {"logicalDump", "logical", true},       {"logicalRestore", "logical", true},
    {"logicalSnapshot", "logical", true},
};

bool jobs_has(const Config *config, const char *job)
{
    size_t i;
    json_t *name;

    json_array_foreach (config->retrieval.jobs, i, name)
        if (g_strcmp0(json_string_value(name), job) == 0)
            return true;
    return false;
}

const char *jobs_mode(const Config *config)
{
    for (size_t i = 0; i < G_N_ELEMENTS(known_jobs); i++)
        if (jobs_has(config, known_jobs[i].name))
            return known_jobs[i].mode;
    return "unknown";
}

static Error *jobs_check_place(const Config *config)
{
    const LogicalDumpConfig *dump = &config->retrieval.dump;
    const LogicalRestoreConfig *restore = &config->retrieval.restore;
    const char *read_from = restore->dump_location ? restore->dump_location : "";

    if (*read_from && g_strcmp0(read_from, dump->dump_location) != 0)
        return error_hint(error_new(ERR_INVALID,
                                    "logicalRestore reads \"%s\", but logicalDump writes to \"%s\"",
                                    read_from, dump->dump_location),
                          "Give both jobs the same dumpLocation.");
    return NULL;
}

Error *jobs_check(const Config *config)
{
    static const char *const needed[] = {"logicalDump", "logicalRestore", "logicalSnapshot"};

    if (json_array_size(config->retrieval.jobs) == 0)
        return error_hint(
            error_new(ERR_INVALID, "no retrieval jobs are configured"),
            "List logicalDump, logicalRestore and logicalSnapshot in retrieval.jobs, and say in "
            "retrieval.spec where the source is.");
    for (size_t i = 0; i < G_N_ELEMENTS(known_jobs); i++)
        if (!known_jobs[i].is_built && jobs_has(config, known_jobs[i].name))
            return error_hint(error_new(ERR_INVALID, "retrieval job \"%s\" is not supported yet",
                                        known_jobs[i].name),
                              "Use logicalDump, logicalRestore and logicalSnapshot.");
    for (size_t i = 0; i < G_N_ELEMENTS(needed); i++)
        if (!jobs_has(config, needed[i]))
            return error_hint(error_new(ERR_INVALID,
                                        "a refresh needs the job \"%s\" in retrieval.jobs",
                                        needed[i]),
                              "List logicalDump, logicalRestore and logicalSnapshot there.");
    return jobs_check_place(config);
}
