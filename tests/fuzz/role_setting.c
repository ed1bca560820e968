/*
 * Settings of roles from a stranger's catalog: the parser may call them no list, but must not crash,
 * read beyond them or leak. What it takes apart holds no more than was there.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "postgres/role_setting.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *text = g_strndup((const char *)data, size);
    g_auto(GStrv) words = role_setting_split(text);
    size_t length = 0;

    for (char **word = words; word && *word; word++)
        length += strlen(*word);
    g_assert(length <= strlen(text));
    return 0;
}
