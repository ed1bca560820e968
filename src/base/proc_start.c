/*
 * Starting a program. posix_spawn(3) shares our memory with the child until it executes (no page
 * tables are copied, whatever our size) and runs no code of ours in between. What it cannot do,
 * becoming another user and dying with the parent, is done by setpriv(1) in front of the program,
 * for about 1 ms.
 */
#include "base/proc_start.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/thread.h"

#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008U /* Linux 6.3 */
#endif

#define PROC_PASSED_FD 3

/* Who a program runs as. */
typedef struct ProcIdentity {
    bool is_other; /* than we are */
    uid_t uid;
    gid_t gid;
} ProcIdentity;

static Error *proc_find_identity(const char *user, ProcIdentity *ret_identity)
{
    ProcIdentity identity = {.uid = geteuid(), .gid = getegid()};

    if (user)
        TRY(fs_find_user(user, &identity.uid, &identity.gid));
    identity.is_other = identity.uid != geteuid() || identity.gid != getegid();
    *ret_identity = identity;
    return NULL;
}

static Error *proc_find_program(const char *name, char **ret_path)
{
    char *path = g_find_program_in_path(name);

    if (!path)
        return error_hint(error_new(ERR_EXTERNAL, "program \"%s\" is not installed", name),
                          "Install \"%s\" or correct PATH.", name);
    *ret_path = path;
    return NULL;
}

char *proc_find_own(const char *name)
{
    g_autofree char *self = g_file_read_link("/proc/self/exe", NULL);
    g_autofree char *directory = self ? g_path_get_dirname(self) : g_strdup("");
    g_autofree char *program = g_build_filename(directory, name, NULL);

    return g_file_test(program, G_FILE_TEST_IS_EXECUTABLE) ? g_steal_pointer(&program)
                                                           : g_strdup(name);
}

static void proc_add_word(GPtrArray *argv, const char *word)
{
    g_ptr_array_add(argv, g_strdup(word));
}

static void proc_add_switch(GPtrArray *argv, const ProcIdentity *identity)
{
    g_ptr_array_add(argv, g_strdup_printf("--reuid=%u", identity->uid));
    g_ptr_array_add(argv, g_strdup_printf("--regid=%u", identity->gid));
    proc_add_word(argv, "--init-groups");
    proc_add_word(argv, "--inh-caps=-all");
    proc_add_word(argv, "--no-new-privs");
}

/*
 * The whole command line, and the file to execute. A program behind setpriv is given by its path,
 * so that a missing one is found here and not there.
 */
static Error *proc_build_argv(const ProcSpec *spec, const ProcIdentity *identity, char ***ret_argv,
                              char **ret_path)
{
    g_autoptr(GPtrArray) argv = g_ptr_array_new_with_free_func(g_free);
    g_autofree char *program = NULL;
    g_autofree char *path = NULL;

    TRY(proc_find_program(spec->argv[0], &program));
    if (identity->is_other || spec->dies_with_us) {
        TRY(proc_find_program("setpriv", &path));
        proc_add_word(argv, "setpriv");
        if (identity->is_other)
            proc_add_switch(argv, identity);
        if (spec->dies_with_us) {
            proc_add_word(argv, "--pdeathsig");
            proc_add_word(argv, "KILL");
        }
        proc_add_word(argv, "--");
        proc_add_word(argv, program);
    } else {
        path = g_steal_pointer(&program);
        proc_add_word(argv, spec->argv[0]);
    }
    for (const char *const *word = spec->argv + 1; *word; word++)
        proc_add_word(argv, *word);
    g_ptr_array_add(argv, NULL);
    *ret_argv = (char **)g_ptr_array_free(g_steal_pointer(&argv), FALSE);
    *ret_path = g_steal_pointer(&path);
    return NULL;
}

/* --- environment --- */

/* What a program has of our environment: how it speaks and what it finds, and no more. */
static bool proc_is_inherited(const char *name)
{
    static const char *const names[] = {"PATH", "LANG", "LANGUAGE", "TZ", NULL};

    return g_strv_contains(names, name) || g_str_has_prefix(name, "LC_") ||
           g_str_has_suffix(name, "SAN_OPTIONS"); /* of a build with sanitizers */
}

static char **proc_inherit_env(void)
{
    g_auto(GStrv) ours = g_get_environ();
    char **env = g_new0(char *, 1);

    for (char **entry = ours; *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        g_autofree char *name = equals ? g_strndup(*entry, (gsize)(equals - *entry)) : NULL;

        if (name && proc_is_inherited(name))
            env = g_environ_setenv(env, name, equals + 1, TRUE);
    }
    return env;
}

static char **proc_build_env(const ProcSpec *spec, const ProcIdentity *identity)
{
    char **env = proc_inherit_env();

    if (identity->is_other) {
        env = g_environ_setenv(env, "USER", spec->user, TRUE);
        env = g_environ_setenv(env, "LOGNAME", spec->user, TRUE);
    }
    for (const char *const *entry = spec->env; entry && *entry; entry++) {
        const char *equals = strchr(*entry, '=');
        g_autofree char *key =
            g_strndup(*entry, equals ? (gsize)(equals - *entry) : strlen(*entry));

        env = equals ? g_environ_setenv(env, key, equals + 1, TRUE) : g_environ_unsetenv(env, key);
    }
    return env;
}

/* --- what posix_spawn(3) is told --- */

static void proc_set_files(posix_spawn_file_actions_t *files, const ProcSpec *spec,
                           const ProcStdio *stdio)
{
    posix_spawn_file_actions_addchdir_np(files, spec->cwd ? spec->cwd : "/");
    posix_spawn_file_actions_adddup2(files, stdio->in, STDIN_FILENO);
    posix_spawn_file_actions_adddup2(files, stdio->out, STDOUT_FILENO);
    posix_spawn_file_actions_adddup2(files, stdio->err, STDERR_FILENO);
    if (spec->pass_fd > 0)
        posix_spawn_file_actions_adddup2(files, spec->pass_fd, PROC_PASSED_FD);
    posix_spawn_file_actions_addclosefrom_np(files, spec->pass_fd > 0 ? PROC_PASSED_FD + 1
                                                                      : PROC_PASSED_FD);
}

static void proc_set_attributes(posix_spawnattr_t *attributes, short group_flag)
{
    sigset_t none;
    sigset_t all;

    sigemptyset(&none);
    sigfillset(&all);
    posix_spawnattr_setsigmask(attributes, &none);
    posix_spawnattr_setsigdefault(attributes, &all);
    posix_spawnattr_setpgroup(attributes, 0);
    posix_spawnattr_setflags(attributes,
                             POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | group_flag);
}

/* A child that we could not watch must not live. */
static Error *proc_open_pidfd(pid_t pid, int *ret_pidfd)
{
    int pidfd = pidfd_open(pid, 0);

    if (pidfd < 0) {
        Error *e = error_errno(errno, "could not watch process %d", pid);

        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
        return e;
    }
    *ret_pidfd = pidfd;
    return NULL;
}

Error *proc_open_log(const char *path, const char *user, int *ret_fd)
{
    uid_t uid = (uid_t)-1;
    gid_t gid = (gid_t)-1;

    if (user)
        TRY(fs_find_user(user, &uid, &gid));

    /* A pipe in its place, with nobody to read it, would hold us here but for O_NONBLOCK. */
    AUTO_FD fd = open(
        path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0600);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) < 0)
        return error_errno(errno, "could not open log file \"%s\"", path);
    if (!S_ISREG(st.st_mode))
        return error_new(ERR_EXTERNAL, "log file \"%s\" is not a plain file", path);
    if (fchown(fd, uid, gid) < 0 || fcntl(fd, F_SETFL, O_APPEND) < 0)
        return error_errno(errno, "could not prepare log file \"%s\"", path);
    *ret_fd = g_steal_fd(&fd);
    return NULL;
}

Error *proc_open_input(const ProcSpec *spec, int *ret_fd)
{
    const char *input = spec->input;

    if (spec->input_fd > 0) {
        *ret_fd = fcntl(spec->input_fd, F_DUPFD_CLOEXEC, 0);
        return *ret_fd < 0 ? error_errno(errno, "could not copy a descriptor") : NULL;
    }
    if (!input) {
        *ret_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        return *ret_fd < 0 ? error_errno(errno, "could not open \"/dev/null\"") : NULL;
    }

    AUTO_FD fd = memfd_create("input", MFD_CLOEXEC | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create("input", MFD_CLOEXEC);
    if (fd < 0)
        return error_errno(errno, "could not make a file in memory");

    size_t length = strlen(input);

    if (pwrite(fd, input, length, 0) != (ssize_t)length)
        return error_errno(errno, "could not fill a file in memory");
    *ret_fd = g_steal_fd(&fd);
    return NULL;
}

/* What posix_spawn(3) is told. */
typedef struct ProcSpawn {
    const char *path;
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    char **argv;
    char **env;
    const char *hidden_mount;
    pid_t pid;
    int err;
} ProcSpawn;

static int proc_hide_mount(const char *mount_point)
{
    if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_SLAVE | MS_REC, NULL) < 0)
        return errno;
    return umount2(mount_point, MNT_DETACH) < 0 ? errno : 0;
}

/* The namespace of mounts is a thread's own: what it starts is in there, and the rest of us not. */
static void *proc_spawn_in_thread(void *data)
{
    ProcSpawn *spawn = data;

    if (spawn->hidden_mount)
        spawn->err = proc_hide_mount(spawn->hidden_mount);
    if (spawn->err == 0)
        spawn->err = posix_spawn(&spawn->pid, spawn->path, &spawn->files, &spawn->attributes,
                                 spawn->argv, spawn->env);
    return NULL;
}

static Error *proc_spawn_program(const ProcSpec *spec, ProcSpawn *spawn)
{
    GThread *thread = NULL;

    if (spawn->hidden_mount) {
        TRY(thread_start("spawn", proc_spawn_in_thread, spawn, &thread));
        g_thread_join(thread);
    } else {
        proc_spawn_in_thread(spawn);
    }
    if (spawn->err == 0)
        return NULL;
    Error *e = error_errno(spawn->err, "could not start program \"%s\" in \"%s\"", spec->argv[0],
                           spec->cwd ? spec->cwd : "/");
    if (spawn->err != EAGAIN)
        return e;
    e->code = ERR_BUSY;
    return error_hint(e, "The limit of processes is reached: see TasksMax= of the service, ulimit "
                         "-u, and pids.max of the control group.");
}

Error *proc_start(const ProcSpec *spec, short group_flag, const ProcStdio *stdio, pid_t *ret_pid,
                  int *ret_pidfd)
{
    ProcIdentity identity;
    g_auto(GStrv) argv = NULL;
    g_autofree char *path = NULL;

    TRY(proc_find_identity(spec->user, &identity));
    TRY(proc_build_argv(spec, &identity, &argv, &path));

    g_auto(GStrv) env = proc_build_env(spec, &identity);
    ProcSpawn spawn = {
        .path = path,
        .argv = argv,
        .env = env,
        .hidden_mount = spec->hidden_mount,
        .pid = -1,
    };

    posix_spawn_file_actions_init(&spawn.files);
    posix_spawnattr_init(&spawn.attributes);
    proc_set_files(&spawn.files, spec, stdio);
    proc_set_attributes(&spawn.attributes, group_flag);

    Error *e = proc_spawn_program(spec, &spawn);

    posix_spawnattr_destroy(&spawn.attributes);
    posix_spawn_file_actions_destroy(&spawn.files);
    TRY(e);
    TRY(proc_open_pidfd(spawn.pid, ret_pidfd));
    *ret_pid = spawn.pid;
    return NULL;
}
