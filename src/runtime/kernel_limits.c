/*
 * Each of these things is memory that the kernel charges to the control group of its maker
 * (SLAB_ACCOUNT). Where there may be more of them than the machine's memory holds, it is limits of
 * memory that bind, and those are each container's own. Source: epoll(7), proc(5), fs/eventpoll.c,
 * fs/file_table.c.
 */
#include "runtime/kernel_limits.h"

#include "base/fs.h"

#define PIECE_BYTES 128 /* no watch and no open file takes less */
#define PAGE_BYTES  4096
#define NUMBER_MAX  64

static const struct {
    const char *name, *what;
    uint64_t piece_bytes;
    bool is_off_at_zero;
} kernel_limits[] = {
    {"fs.epoll.max_user_watches", "others get no new connections then", PIECE_BYTES, false},
    {"fs.file-max", "nobody but root can open a file then", PIECE_BYTES, false},
    {"fs.pipe-user-pages-hard", "others can make no pipes then", PAGE_BYTES, true},
};

/* "fs.file-max" is the file fs/file-max. */
static bool kernel_limit_read(const char *proc_sys, const char *name, uint64_t *ret_value)
{
    g_autofree char *file = g_strdelimit(g_strdup(name), ".", '/');
    g_autofree char *path = g_build_filename(proc_sys, file, NULL);
    g_autofree char *text = NULL;

    error_free(fs_read_file(path, NUMBER_MAX, &text));
    return text &&
           g_ascii_string_to_unsigned(g_strstrip(text), 10, 0, G_MAXUINT64, ret_value, NULL);
}

GPtrArray *kernel_limits_low(const char *proc_sys, uint64_t memory_bytes)
{
    GPtrArray *low = g_ptr_array_new_with_free_func(g_free);

    for (size_t i = 0; i < G_N_ELEMENTS(kernel_limits); i++) {
        uint64_t needed = memory_bytes / kernel_limits[i].piece_bytes;
        uint64_t value = 0;

        if (!kernel_limit_read(proc_sys, kernel_limits[i].name, &value) || value >= needed ||
            (value == 0 && kernel_limits[i].is_off_at_zero))
            continue;

        KernelLimit *limit = g_new(KernelLimit, 1);

        *limit = (KernelLimit){kernel_limits[i].name, kernel_limits[i].what, value, needed};
        g_ptr_array_add(low, limit);
    }
    return low;
}
