/*
 * ramet-gateway: carries the bytes of clients to the clones' Unix sockets. It has no privileges, no
 * configuration and no state on disk: rametd gives it the control socket and tells it what to do.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/standard_files.h"
#include "gateway/control.h"

typedef struct MainOptions {
    int control_fd;
    gboolean is_verbose;
    gboolean shows_version;
} MainOptions;

static Error *main_read_options(int *argc, char ***argv, MainOptions *options)
{
    const GOptionEntry entries[] = {
        {"control-fd", 0, 0, G_OPTION_ARG_INT, &options->control_fd,
         "Descriptor of the control socket, which listens already", "N"},
        {"verbose", 0, 0, G_OPTION_ARG_NONE, &options->is_verbose, "Log failed requests, too",
         NULL},
        {"version", 0, 0, G_OPTION_ARG_NONE, &options->shows_version, "Print the version", NULL},
        {0},
    };
    g_autoptr(GOptionContext) context =
        g_option_context_new("- carries connections to clones; started by rametd");
    g_autoptr(GError) problem = NULL;

    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, argc, argv, &problem))
        return error_hint(error_new(ERR_INVALID, "%s", problem->message),
                          "ramet-gateway --help lists the options.");
    if (options->control_fd < 0 && !options->shows_version)
        return error_hint(error_new(ERR_INVALID, "no --control-fd is given"),
                          "The gateway is started by rametd.");
    return NULL;
}

/* A connection is two descriptors: all that we may have. Returns how many. */
static rlim_t main_raise_limit(void)
{
    struct rlimit files = {0};

    if (getrlimit(RLIMIT_NOFILE, &files) < 0)
        return 0;
    files.rlim_cur = files.rlim_max;
    setrlimit(RLIMIT_NOFILE, &files); /* refused: what we have is what we go on with */
    getrlimit(RLIMIT_NOFILE, &files);
    return files.rlim_cur;
}

static void main_on_signal(Watch *watch, uint32_t events)
{
    struct signalfd_siginfo info;

    if (read(watch->fd, &info, sizeof(info)) != sizeof(info))
        return;
    log_info("stopping: connections are closed", "signal", g_strsignal((gint)info.ssi_signo));
    loop_quit(watch->data);
}

/* SIGTERM and SIGINT end the loop; a terminal that goes, or a pipe without a reader, does not. */
static Error *main_watch_signals(Loop *loop, Watch *watch)
{
    sigset_t ends;

    signal(SIGPIPE, SIG_IGN);
    signal(SIGHUP, SIG_IGN);
    sigemptyset(&ends);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGINT);
    sigprocmask(SIG_BLOCK, &ends, NULL);
    *watch = (Watch){.fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK),
                     .on_ready = main_on_signal,
                     .data = loop};
    if (watch->fd < 0)
        return error_errno(errno, "could not wait for signals");
    return loop_watch(loop, watch, EPOLLIN);
}

static void main_log_ready(rlim_t files_max)
{
    g_autofree char *pid = g_strdup_printf("%d", getpid());
    g_autofree char *files = g_strdup_printf("%ju", (uintmax_t)files_max);

    log_info("ready", "version", RAMET_VERSION, "pid", pid, "open_files_max", files);
    if (geteuid() == 0)
        log_warn("running as root: an unprivileged user would do");
}

static Error *main_run(int control_fd)
{
    g_autoptr(Loop) loop = NULL;
    g_autoptr(Doors) doors = NULL;
    g_autoptr(Control) control = NULL;
    Watch signals;

    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    TRY(loop_open(&loop));
    TRY(main_watch_signals(loop, &signals));
    doors = doors_new(loop);
    TRY(control_open_take(loop, doors, control_fd, &control));
    main_log_ready(main_raise_limit());
    return loop_run(loop);
}

int main(int argc, char **argv)
{
    MainOptions options = {.control_fd = -1};

    standard_files_open();

    g_autoptr(Error) e = main_read_options(&argc, &argv, &options);

    if (!e && options.shows_version) {
        printf("ramet-gateway %s\n", RAMET_VERSION);
        return 0;
    }
    if (options.is_verbose)
        log_set_level(LOG_LEVEL_DEBUG);
    if (!e)
        e = main_run(options.control_fd);
    if (e)
        log_failure(LOG_LEVEL_ERROR, e, "the gateway ends", NULL);
    return e ? 1 : 0;
}
