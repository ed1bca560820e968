/*
 * A thread that sleeps until the kernel tells (inotify) that a log was written to. Many writes at
 * once are one look at all of them: a look costs a system call or two a log.
 */
#include "engine/instance/log_keeper.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "base/text.h"
#include "base/thread.h"
#include "engine/instance/log_age.h"
#include "runtime/log_file.h"

#define KEEPER_PAUSE_MS  50
#define KEEPER_IDLE_MS   60000 /* for the days */
#define KEEPER_POLL_MS   1000  /* where the kernel cannot tell us */
#define KEEPER_AGES_MAX  (16 << 20)
#define KEEPER_DAY_MS    (INT64_C(24) * 60 * 60 * 1000)
#define KEEPER_EVENT_MAX 4096

struct LogKeeper {
    char *dir;
    char *ages_path;
    int64_t max_bytes;
    int64_t max_days; /* 0 = for ever */
    json_t *ages;     /* see log_age.h */
    bool is_unsaved;
    GHashTable *failed; /* names that there was a warning about */
    int inotify_fd;     /* -1 = none */
    int stop_fd;
    GThread *thread;
};

/* --- a look --- */

static void keeper_fail_take(LogKeeper *keeper, const char *name, Error *e)
{
    if (e->code == ERR_NOT_FOUND || !g_hash_table_add(keeper->failed, g_strdup(name)))
        error_free(e); /* its clone was destroyed this moment, or it was said before */
    else
        error_ignore(e, "the log may grow beyond its limit");
}

static void keeper_look_at(LogKeeper *keeper, const char *name, int64_t today)
{
    g_autofree char *path = g_build_filename(keeper->dir, name, NULL);
    int64_t expired_day = keeper->max_days > 0 ? today - keeper->max_days : -1;
    int64_t expired = log_age_offset(keeper->ages, name, expired_day);
    LogTrimmed trimmed;
    Error *e = log_file_trim(path, keeper->max_bytes, expired, &trimmed);

    if (e) {
        keeper_fail_take(keeper, name, e);
        return;
    }
    g_hash_table_remove(keeper->failed, name);
    if (trimmed.is_restarted)
        json_object_del(keeper->ages, name);
    if (log_age_note(keeper->ages, name, today, trimmed.size) || expired > 0)
        keeper->is_unsaved = true;
    if (expired > 0)
        log_age_forget(keeper->ages, name, expired_day);
}

static void keeper_forget_missing(LogKeeper *keeper, char **names)
{
    const char *name;
    json_t *marks;
    void *next;

    json_object_foreach_safe(keeper->ages, next, name,
                             marks) if (!g_strv_contains((const char *const *)names, name))
        json_object_del(keeper->ages, name);
}

static void keeper_save(LogKeeper *keeper)
{
    char *text = json_dumps(keeper->ages, JSON_COMPACT | JSON_SORT_KEYS);

    error_ignore(fs_write_file(keeper->ages_path, text, NULL),
                 "after a restart, lines of logs may be kept for longer than runtime.logDays");
    free(text);
    keeper->is_unsaved = false;
}

static void keeper_look(LogKeeper *keeper)
{
    int64_t today = clock_now_ms() / KEEPER_DAY_MS;
    g_auto(GStrv) names = NULL;
    Error *e = fs_list_dir(keeper->dir, &names);

    if (e) {
        error_ignore(e, "the logs are looked at again soon");
        return;
    }
    for (char **name = names; *name; name++)
        if (g_str_has_suffix(*name, ".log"))
            keeper_look_at(keeper, *name, today);
    if (!keeper->is_unsaved)
        return;
    keeper_forget_missing(keeper, names);
    keeper_save(keeper);
}

/* --- its life --- */

/* True when it is time to stop. inotify_fd may be -1: it never has events then. */
static bool keeper_wait(const LogKeeper *keeper, int inotify_fd, int timeout_ms)
{
    struct pollfd fds[] = {{.fd = keeper->stop_fd, .events = POLLIN},
                           {.fd = inotify_fd, .events = POLLIN}};

    while (poll(fds, G_N_ELEMENTS(fds), timeout_ms) < 0 && errno == EINTR)
        ;
    return fds[0].revents != 0;
}

static void keeper_drain(const LogKeeper *keeper)
{
    char events[KEEPER_EVENT_MAX];

    while (keeper->inotify_fd >= 0 && read(keeper->inotify_fd, events, sizeof(events)) > 0)
        ;
}

static void *keeper_run(void *data)
{
    LogKeeper *keeper = data;
    int idle_ms = keeper->inotify_fd >= 0 ? KEEPER_IDLE_MS : KEEPER_POLL_MS;

    do {
        keeper_drain(keeper); /* before the look: what comes during it is looked at again */
        keeper_look(keeper);
    } while (!keeper_wait(keeper, -1, KEEPER_PAUSE_MS) &&
             !keeper_wait(keeper, keeper->inotify_fd, idle_ms));
    return NULL;
}

/* The kernel has limits for these, and containers share them. */
static void keeper_watch(LogKeeper *keeper)
{
    keeper->inotify_fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    if (keeper->inotify_fd >= 0 &&
        inotify_add_watch(keeper->inotify_fd, keeper->dir, IN_MODIFY) >= 0)
        return;
    log_warn("logs are looked at once a second: the kernel has no inotify for us", "why",
             g_strerror(errno));
    fs_close_fd(&keeper->inotify_fd);
    keeper->inotify_fd = -1;
}

/* Where it is missing or broken, what is in the logs counts as of today. */
static json_t *keeper_load_ages(const char *path)
{
    g_autofree char *text = NULL;
    Error *e = fs_read_file(path, KEEPER_AGES_MAX, &text);
    g_autoptr(json_t) ages = e ? NULL : json_loads(text, 0, NULL);

    error_free(e);
    if (json_is_object(ages))
        return g_steal_pointer(&ages);
    return json_object();
}

Error *log_keeper_start(Engine *engine, LogKeeper **ret_keeper)
{
    g_autoptr(Config) config = engine_config(engine);
    uint64_t max_bytes;
    LogKeeper *keeper;

    TRY(text_parse_size(config->runtime.log_size, &max_bytes));
    keeper = g_new0(LogKeeper, 1);
    keeper->dir = g_build_filename(config->server.state_dir, "logs", NULL);
    keeper->ages_path = g_build_filename(config->server.state_dir, "log-ages.json", NULL);
    keeper->max_bytes = (int64_t)max_bytes;
    keeper->max_days = config->runtime.log_days;
    keeper->ages = keeper_load_ages(keeper->ages_path);
    keeper->failed = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    keeper->stop_fd = eventfd(0, EFD_CLOEXEC);
    g_assert(keeper->stop_fd >= 0);
    keeper_watch(keeper);
    Error *e = thread_start("logs", keeper_run, keeper, &keeper->thread);
    if (e) {
        log_keeper_stop(keeper);
        return e;
    }
    *ret_keeper = keeper;
    return NULL;
}

void log_keeper_stop(LogKeeper *keeper)
{
    if (!keeper)
        return;
    eventfd_write(keeper->stop_fd, 1);
    if (keeper->thread)
        g_thread_join(keeper->thread);
    fs_close_fd(&keeper->inotify_fd);
    fs_close_fd(&keeper->stop_fd);
    g_hash_table_unref(keeper->failed);
    json_decref(keeper->ages);
    g_free(keeper->dir);
    g_free(keeper->ages_path);
    g_free(keeper);
}
