/*
 * What LVM, dm-thin and thin_ls print, from a stranger: the parser may refuse it, but must not
 * crash, read beyond it or leak. The first byte chooses the parser.
 */
#include <stddef.h>
#include <stdint.h>

#include "storage/lvm/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void fuzz_report(const char *text)
{
    static const char *const fields[] = {"lv_name", "lv_tags", NULL};
    g_autoptr(GPtrArray) rows = NULL;

    error_free(lvm_parse_report(text, "lv", fields, &rows));
}

static void fuzz_status(const char *text)
{
    LvmPoolStatus status = {0};

    error_free(lvm_parse_pool_status(text, &status));
}

static void fuzz_thin_list(const char *text)
{
    g_autoptr(GHashTable) bytes = NULL;

    error_free(lvm_parse_thin_list(text, &bytes));
}

static void fuzz_words(const char *text)
{
    g_autofree char *tag = lvm_parse_tag(text, "ramet.volume=");
    g_autofree char *allowed = lvm_tag_text(text);
    g_autofree char *volume = lvm_volume_name("ramet", text);
    g_autofree char *mapper = lvm_mapper_name(text, text, "tpool");

    lvm_parse_failure(text);
    lvm_parse_is_too_old(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const parsers[])(const char *) = {fuzz_report, fuzz_status, fuzz_thin_list,
                                                    fuzz_words};

    if (size == 0)
        return 0;

    g_autofree char *text = g_strndup((const char *)data + 1, size - 1);

    parsers[data[0] % G_N_ELEMENTS(parsers)](text);
    return 0;
}
