/*
 * Finding processes by their environment.
 */
#include "retrieval/orphan.h"

#include <stdbool.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"
#include "base/text.h"

static const ProcStop orphan_stop_sequence[] = {{SIGTERM, 1000}, {SIGKILL, 5000}, {0, 0}};

char *orphan_mark(const char *id)
{
    return g_strconcat("RAMET_WORK=", id, NULL);
}

/* An environment is a row of strings, each with its final NUL. */
static bool orphan_has_mark(int64_t pid, const char *mark)
{
    g_autofree char *path = g_strdup_printf("/proc/%" G_GINT64_FORMAT "/environ", pid);
    g_autofree char *environment = NULL;
    size_t length = 0;

    if (!g_file_get_contents(path, &environment, &length, NULL))
        return false; /* it has ended */
    for (size_t at = 0; at < length; at += strlen(environment + at) + 1)
        if (g_str_equal(environment + at, mark))
            return true;
    return false;
}

/* The mark is looked at again behind the pidfd: by then the number may be another process. */
static Error *orphan_stop(int64_t pid, const char *mark)
{
    AUTO_FD pidfd = pidfd_open((pid_t)pid, 0);

    if (pidfd < 0 || !orphan_has_mark(pid, mark))
        return NULL;
    return proc_stop(pidfd, orphan_stop_sequence);
}

Error *orphans_stop(const char *id)
{
    g_autofree char *mark = orphan_mark(id);
    g_auto(GStrv) names = NULL;

    TRY(fs_list_dir("/proc", &names));
    for (char **name = names; *name; name++) {
        int64_t pid = 0;
        g_autoptr(Error) not_a_process = text_parse_int(*name, 1, G_MAXINT32, &pid);
        if (!not_a_process && orphan_has_mark(pid, mark))
            TRY(orphan_stop(pid, mark));
    }
    return NULL;
}
