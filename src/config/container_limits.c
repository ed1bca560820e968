/*
 * The table of options. Docker's spelling of sizes is ours, too; "disk" is a word of our own.
 */
#include "config/container_limits.h"

#include <glib.h>
#include <stddef.h>
#include <string.h>

#include "base/text.h"
#include "config/docker_options.h"
#include "config/scalar.h"

#define MIB              (INT64_C(1) << 20)
#define MEMORY_MIN_BYTES (64 * MIB) /* less, and PostgreSQL does not start */
#define DISK_MIN_BYTES   (64 * MIB) /* less, and there is no room for WAL */
#define SIZE_MAX_BYTES   (INT64_C(1) << 50)
#define CPUS_MAX         4096
#define NANOS_PER_MILLI  1000000
#define ULIMIT_FILES     "nofile="

/* *value is what the option says; its range is checked after that. */
typedef Error *(*LimitParser)(const char *text, int64_t *ret_value);

static Error *limit_size(const char *text, int64_t *ret_value)
{
    uint64_t bytes;

    TRY(text_parse_size(text, &bytes));
    *ret_value = (int64_t)MIN(bytes, INT64_MAX);
    return NULL;
}

static Error *limit_count(const char *text, int64_t *ret_value)
{
    return text_parse_int(text, INT64_MIN, INT64_MAX, ret_value);
}

static Error *limit_cpus(const char *text, int64_t *ret_value)
{
    char *end = NULL;
    double cpus = g_ascii_strtod(text, &end);

    if (end == text || *end != '\0' || !(cpus >= -CPUS_MAX && cpus <= CPUS_MAX))
        return error_new(ERR_INVALID, "\"%s\" is no number of CPUs", text);
    *ret_value = (int64_t)(cpus * 1000 + 0.5);
    return NULL;
}

static Error *limit_nano_cpus(const char *text, int64_t *ret_value)
{
    TRY(limit_count(text, ret_value));
    *ret_value /= NANOS_PER_MILLI;
    return NULL;
}

/* "nofile=1024", "nofile=1024:2048": the hard one counts, as PostgreSQL goes up to it. */
static Error *limit_ulimit(const char *text, int64_t *ret_value)
{
    const char *numbers = text + strlen(ULIMIT_FILES);
    const char *colon = strchr(text, ':');

    if (!g_str_has_prefix(text, ULIMIT_FILES))
        return error_hint(error_new(ERR_INVALID, "\"%s\" is no known limit", text),
                          "Known is nofile=NUMBER.");
    return limit_count(colon ? colon + 1 : numbers, ret_value);
}

static const struct {
    const char *name;
    size_t offset;
    LimitParser parse;
    int64_t min;
    int64_t max;
} limit_options[] = {
    {"cpus", offsetof(LimitsConfig, cpu_millis), limit_cpus, 10, CPUS_MAX * 1000},
    {"disk", offsetof(LimitsConfig, disk_bytes), limit_size, DISK_MIN_BYTES, SIZE_MAX_BYTES},
    {"memory", offsetof(LimitsConfig, memory_bytes), limit_size, MEMORY_MIN_BYTES, SIZE_MAX_BYTES},
    {"nano-cpus", offsetof(LimitsConfig, cpu_millis), limit_nano_cpus, 10, CPUS_MAX * 1000},
    {"pids-limit", offsetof(LimitsConfig, processes), limit_count, 16, 4194304},
    {"shm-size", offsetof(LimitsConfig, shm_bytes), limit_size, MIB, SIZE_MAX_BYTES},
    {"ulimit", offsetof(LimitsConfig, open_files), limit_ulimit, 256, 1073741816},
};

static int64_t *limit_field(LimitsConfig *limits, size_t i)
{
    return (int64_t *)(void *)((char *)limits + limit_options[i].offset);
}

static int64_t limit_value(const LimitsConfig *limits, size_t i)
{
    return *(const int64_t *)(const void *)((const char *)limits + limit_options[i].offset);
}

static char *limit_known_names(void)
{
    GString *names = g_string_new(NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(limit_options); i++)
        g_string_append_printf(names, "%s%s", i > 0 ? ", " : "", limit_options[i].name);
    return g_string_free(names, FALSE);
}

static Error *limit_unknown(bool is_docker)
{
    g_autofree char *known = limit_known_names();
    g_autofree char *others = docker_options_names();

    return error_hint(error_new(ERR_INVALID, "there is no such option"), "Known are: %s%s%s.",
                      known, is_docker ? ", " : "", is_docker ? others : "");
}

/* In the unit that the option is written in. */
static char *limit_text(size_t i, int64_t value)
{
    LimitParser parse = limit_options[i].parse;

    if (parse == limit_size)
        return text_format_size((uint64_t)value);
    if (parse == limit_cpus)
        return g_strdup_printf("%g", (double)value / 1000);
    return g_strdup_printf("%s%" G_GINT64_FORMAT, parse == limit_ulimit ? ULIMIT_FILES : "",
                           parse == limit_nano_cpus ? value * NANOS_PER_MILLI : value);
}

static Error *limit_out_of_range(size_t i, const char *text)
{
    g_autofree char *min = limit_text(i, limit_options[i].min);
    g_autofree char *max = limit_text(i, limit_options[i].max);

    return error_hint(error_new(ERR_INVALID, "\"%s\" is out of range", text),
                      "It is from %s to %s.", min, max);
}

static Error *limit_set(LimitsConfig *limits, const char *name, const char *text, bool is_docker)
{
    for (size_t i = 0; i < G_N_ELEMENTS(limit_options); i++) {
        int64_t value = 0;

        if (strcmp(limit_options[i].name, name) != 0)
            continue;
        TRY(limit_options[i].parse(text, &value));
        if (value < limit_options[i].min || value > limit_options[i].max)
            return limit_out_of_range(i, text);
        *limit_field(limits, i) = value;
        return NULL;
    }

    return is_docker && docker_options_knows(name) ? NULL : limit_unknown(is_docker);
}

Error *limits_parse(const json_t *options, bool is_docker, LimitsConfig *ret_limits)
{
    LimitsConfig limits = {0};
    const char *name;
    json_t *value;

    json_object_foreach ((json_t *)(uintptr_t)options, name, value) {
        g_autofree char *text = scalar_text(value);
        g_autofree char *shown = text_printable(name, 60);
        Error *e = limit_set(&limits, name, text, is_docker);

        if (e)
            return error_wrap(e, "\"%s\"", shown);
    }
    *ret_limits = limits;
    return NULL;
}

void limits_cut(const LimitsConfig *all, LimitsConfig *own)
{
    for (size_t i = 0; i < G_N_ELEMENTS(limit_options); i++) {
        int64_t widest = limit_value(all, i);

        if (widest > 0 && limit_value(own, i) > widest)
            *limit_field(own, i) = widest;
    }
}

Error *limits_narrow(const LimitsConfig *all, const LimitsConfig *own, LimitsConfig *ret_limits)
{
    LimitsConfig limits = *all;

    for (size_t i = 0; i < G_N_ELEMENTS(limit_options); i++) {
        int64_t widest = limit_value(all, i), value = limit_value(own, i);

        if (value == 0)
            continue;
        if (widest > 0 && value > widest)
            return error_hint(error_new(ERR_INVALID, "\"%s\" is more than a clone may have",
                                        limit_options[i].name),
                              "provision.containerConfig sets the most; leave it out to get that.");
        *limit_field(&limits, i) = value;
    }
    *ret_limits = limits;
    return NULL;
}
