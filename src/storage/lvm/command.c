/*
 * --reportformat json (LVM 2.02.158 and later), sizes in bytes.
 *
 * Options that every program gets: no copies of the metadata to /etc/lvm; the event daemon is left
 * as it is (a pool that it watches stays watched); writing to a full pool that we make fails at once
 * (otherwise postgres would hang, unkillable, for a minute first); and a list of devices that an
 * administrator keeps does not hide loop devices of ours.
 */
#include "storage/lvm/command.h"

#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/fs.h"
#include "storage/layout.h"
#include "storage/lvm/parse.h"
#include "storage/program.h"

#define LVM_TIMEOUT_MS 180000 /* they wait for each other and for the disk */
#define LVM_CONFIG                                                                                 \
    "backup{backup=0 archive=0} activation{monitoring=0 error_when_full=1} "                       \
    "devices{use_devicesfile=0}"
#define SYSFS_NAME_MAX  4096
#define LVM_UUID_PREFIX "LVM-"

void lvm_place_clear(LvmPlace *place)
{
    g_clear_pointer(&place->vg, g_free);
    g_clear_pointer(&place->root, g_free);
    g_clear_pointer(&place->pool, g_free);
}

/* --- programs --- */

static void words_add(GPtrArray *words, const char *word)
{
    g_ptr_array_add(words, g_strdup(word));
}

static void words_add_list(GPtrArray *words, va_list list)
{
    for (const char *word; (word = va_arg(list, const char *));)
        words_add(words, word);
}

static GPtrArray *words_new(const char *program)
{
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);

    words_add(words, program);
    words_add(words, "--config");
    words_add(words, LVM_CONFIG);
    return words;
}

/* Adds the NULL at the end. */
static Error *words_run(GPtrArray *words, char **ret_output)
{
    g_ptr_array_add(words, NULL);

    g_auto(ProcResult) result = {0};
    Error *e = program_run((const char *const *)words->pdata, LVM_TIMEOUT_MS, &result);

    if (e && e->code == ERR_EXTERNAL && result.errors) {
        e->code = lvm_parse_failure(result.errors);
        if (lvm_parse_is_too_old(result.errors))
            e = error_hint(e, "LVM 2.02.158 or newer is needed.");
    } else if (e && e->code == ERR_EXTERNAL) {
        e = error_hint(e, "Debian's packages are lvm2 and thin-provisioning-tools.");
    }
    if (!e && ret_output)
        *ret_output = g_steal_pointer(&result.output);
    return e;
}

Error *lvm_run(const char *const *argv, char **ret_output)
{
    g_autoptr(GPtrArray) words = words_new(argv[0]);

    for (size_t i = 1; argv[i]; i++)
        words_add(words, argv[i]);
    return words_run(words, ret_output);
}

Error *lvm_do(const char *program, ...)
{
    g_autoptr(GPtrArray) words = words_new(program);
    va_list list;

    va_start(list, program);
    words_add_list(words, list);
    va_end(list);
    return words_run(words, NULL);
}

Error *lvm_report(const char *program, const char *const *fields, const char *target,
                  const char *select, GPtrArray **ret_rows)
{
    g_autofree char *columns = g_strjoinv(",", (char **)(uintptr_t)fields);
    g_autofree char *kind = g_strndup(program, strlen(program) - 1); /* "lvs" lists "lv" */
    g_autofree char *output = NULL;
    const char *const argv[] = {
        program, "--reportformat",           "json", "--units", "b", "--nosuffix", "-o", columns,
        target,  select ? "--select" : NULL, select, NULL};

    TRY(lvm_run(argv, &output));
    return lvm_parse_report(output, kind, fields, ret_rows);
}

/* --- what is ours --- */

static void words_add_tag(GPtrArray *words, const char *prefix, const char *text)
{
    if (!text || !*text)
        return;

    g_autofree char *allowed = lvm_tag_text(text);

    words_add(words, "--addtag");
    g_ptr_array_add(words, g_strconcat(prefix, allowed, NULL));
}

/* -kn: thin snapshots would not be activated otherwise. */
Error *lvm_make(const LvmPlace *place, const char *path, const Manifest *manifest, ...)
{
    g_autoptr(GPtrArray) words = words_new("lvcreate");
    g_autofree char *lv = lvm_volume_name(place->root, path);
    g_autofree char *dir = g_path_get_dirname(path);
    bool is_snapshot = g_str_has_suffix(dir, "/" LAYOUT_SNAPSHOTS);
    va_list list;

    words_add(words, "-y");
    words_add(words, "-ay");
    words_add(words, "-kn");
    words_add(words, "-n");
    words_add(words, lv);
    words_add_tag(words, LVM_TAG_POOL, place->root);
    words_add_tag(words, is_snapshot ? LVM_TAG_SNAPSHOT : LVM_TAG_VOLUME, strrchr(path, '/') + 1);
    words_add_tag(words, "ramet.kind=", manifest->kind);
    words_add_tag(words, "ramet.uid=", manifest->uid);
    words_add_tag(words, "ramet.id=", manifest->id);
    va_start(list, manifest);
    words_add_list(words, list);
    va_end(list);
    return words_run(words, NULL);
}

char *lvm_selection(const LvmPlace *place)
{
    return g_strdup_printf("lv_tags=\"" LVM_TAG_POOL "%s\"", place->root);
}

char *lvm_name(const LvmPlace *place, const char *lv)
{
    return g_strconcat(place->vg, "/", lv, NULL);
}

char *lvm_device(const LvmPlace *place, const char *lv)
{
    return g_strconcat("/dev/", place->vg, "/", lv, NULL);
}

/* --- finding --- */

/* An attribute of the device-mapper device mounted there; NULL when it is none. */
static Error *find_attribute(const char *mount, const char *attribute, char **ret_value)
{
    struct stat status;

    if (stat(mount, &status) < 0)
        return error_errno(errno, "could not look at \"%s\"", mount);

    g_autofree char *path = g_strdup_printf("/sys/dev/block/%u:%u/dm/%s", major(status.st_dev),
                                            minor(status.st_dev), attribute);
    char *value = NULL;
    Error *e = fs_read_file(path, SYSFS_NAME_MAX, &value);

    if (e && e->code != ERR_NOT_FOUND)
        return e;
    error_free(e);
    *ret_value = value ? g_strstrip(value) : NULL;
    return NULL;
}

static Error *find_device(const char *mount, char **ret_device)
{
    g_autofree char *uuid = NULL;
    g_autofree char *name = NULL;

    TRY(find_attribute(mount, "uuid", &uuid));
    TRY(find_attribute(mount, "name", &name));
    if (!uuid || !name || !g_str_has_prefix(uuid, LVM_UUID_PREFIX))
        return error_hint(
            error_new(ERR_INVALID, "no logical volume is mounted at \"%s\"", mount),
            "Give the pool an image, or make a thin volume for it, with a file system (ext4 or "
            "XFS): lvcreate -V 64M -n ramet VG/THINPOOL.");
    *ret_device = g_strconcat("/dev/mapper/", name, NULL);
    return NULL;
}

static Error *find_refuse_classic(const char *vg, const char *lv)
{
    return error_hint(
        error_new(ERR_INVALID,
                  "logical volume \"%s/%s\" is not in a thin pool: classic snapshots lose up to "
                  "87 %% of the write throughput, and are lost when they overflow",
                  vg, lv),
        "Make a thin pool, and a thin volume in it: lvcreate --type thin-pool -l 90%%FREE -n pool "
        "%s; lvcreate -V 64M -n ramet %s/pool; then a file system on that, mounted there.",
        vg, vg);
}

Error *lvm_find_place(const char *mount, LvmPlace *ret_place)
{
    static const char *const fields[] = {"vg_name", "lv_name", "pool_lv", NULL};
    g_autofree char *device = NULL;
    g_autoptr(GPtrArray) rows = NULL;

    TRY(find_device(mount, &device));
    TRY(lvm_report("lvs", fields, device, NULL, &rows));
    if (rows->len != 1)
        return error_new(ERR_EXTERNAL, "lvs said nothing about \"%s\"", device);

    char **row = g_ptr_array_index(rows, 0);

    if (!*row[2])
        return find_refuse_classic(row[0], row[1]);
    *ret_place = (LvmPlace){g_strdup(row[0]), g_strdup(row[1]), g_strdup(row[2])};
    return NULL;
}
