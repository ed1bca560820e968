/*
 * Writers that we have started are children of ours: they are reaped when their instances have
 * ended. Those of an earlier rametd are not.
 */
#include "runtime/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/proc.h"

#define WRITER_PROGRAM "ramet-log"
#define WRITER_END_MS  1000 /* from the end of an instance; it takes less than one */

struct LogWriters {
    GRecMutex lock;
    GHashTable *by_id; /* id → pidfd, as a pointer */
    char *max_bytes;
    char *state; /* "RAMET_STATE=…" */
    char *user;
    char *program;
};

static void log_writer_close(void *value)
{
    close(GPOINTER_TO_INT(value));
}

LogWriters *log_writers_new(int64_t max_bytes, const char *state_dir, const char *user)
{
    LogWriters *writers = g_new0(LogWriters, 1);

    g_rec_mutex_init(&writers->lock);
    writers->by_id = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, log_writer_close);
    writers->max_bytes = g_strdup_printf("%" G_GINT64_FORMAT, max_bytes);
    writers->state = g_strconcat("RAMET_STATE=", state_dir, NULL);
    writers->user = g_strdup(user);
    writers->program = proc_find_own(WRITER_PROGRAM);
    return writers;
}

void log_writers_free(LogWriters *writers)
{
    if (!writers)
        return;
    g_hash_table_unref(writers->by_id);
    g_rec_mutex_clear(&writers->lock);
    g_free(writers->max_bytes);
    g_free(writers->state);
    g_free(writers->user);
    g_free(writers->program);
    g_free(writers);
}

Error *log_writers_start(LogWriters *writers, const char *id, const char *log_path, int *ret_fd)
{
    const char *const argv[] = {writers->program, writers->max_bytes, NULL};
    const char *const env[] = {writers->state, NULL};
    int ends[2];
    int pidfd = -1;
    pid_t pid;

    if (pipe2(ends, O_CLOEXEC) < 0)
        return error_errno(errno, "could not make a pipe");

    AUTO_FD in = ends[0];
    AUTO_FD out = ends[1];
    const ProcSpec spec = {.argv = argv, .env = env, .user = writers->user, .input_fd = in};

    TRY(proc_spawn(&spec, log_path, &pid, &pidfd));
    g_rec_mutex_lock(&writers->lock);
    g_hash_table_replace(writers->by_id, g_strdup(id), GINT_TO_POINTER(pidfd));
    g_rec_mutex_unlock(&writers->lock);
    *ret_fd = g_steal_fd(&out);
    return NULL;
}

/* Nobody else takes an entry out: the instance's own work is serial. */
void log_writers_finish(LogWriters *writers, const char *id)
{
    g_autofree char *key = NULL;
    void *pidfd = NULL;
    bool is_known;

    g_rec_mutex_lock(&writers->lock);
    is_known = g_hash_table_steal_extended(writers->by_id, id, (void **)&key, &pidfd);
    g_rec_mutex_unlock(&writers->lock);
    if (!is_known)
        return;
    proc_wait_ended(GPOINTER_TO_INT(pidfd), WRITER_END_MS);
    log_writer_close(pidfd);
}
