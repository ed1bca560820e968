/*
 * What holds after a reload: of each row of the table, the new file's value or today's.
 */
#include <string.h>

#include "base/json.h"
#include "config/options.h"
#include "config/read.h"

static bool option_is_same(const Option *option, const Config *a, const Config *b)
{
    const char *left = (const char *)a + option->offset, *right = (const char *)b + option->offset;

    switch (option->type) {
    case OPTION_STRING:
        return g_str_equal(*(char *const *)left, *(char *const *)right);
    case OPTION_INT:
        return *(const int64_t *)left == *(const int64_t *)right;
    case OPTION_BOOL:
        return *(const bool *)left == *(const bool *)right;
    default: {
        const json_t *one = *(json_t *const *)left, *other = *(json_t *const *)right;
        return one == other || json_equal(one, other);
    }
    }
}

static void option_copy(const Option *option, const Config *from, Config *to)
{
    const char *source = (const char *)from + option->offset;
    char *target = (char *)to + option->offset;

    switch (option->type) {
    case OPTION_STRING:
        g_free(*(char **)target);
        *(char **)target = g_strdup(*(char *const *)source);
        break;
    case OPTION_INT:
        *(int64_t *)target = *(const int64_t *)source;
        break;
    case OPTION_BOOL:
        *(bool *)target = *(const bool *)source;
        break;
    default:
        json_decref(*(json_t **)target);
        *(json_t **)target = json_deep_copy(*(json_t *const *)source);
    }
}

void config_reload(const Config *now, Config *fresh, GPtrArray *changed, GPtrArray *waiting)
{
    for (size_t i = 0; i < options_count; i++) {
        const Option *option = &options_table[i];

        if (option->offset == OPTION_NOT_STORED || option_is_same(option, now, fresh))
            continue;
        bool is_reloadable = option->flags & OPTION_RELOADABLE;
        g_ptr_array_add(is_reloadable ? changed : waiting, (char *)(uintptr_t)option->path);
        if (!is_reloadable)
            option_copy(option, now, fresh);
    }
}
