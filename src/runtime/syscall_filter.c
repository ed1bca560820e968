/*
 * The profile. What is not named here fails with ENOSYS, as a kernel without it would say, so that
 * programs fall back. Beside what container engines usually leave out (modules, clocks, mounts,
 * namespaces, keys, bpf) there is no ptrace, no io_uring and no socket but Unix and IP; and no
 * memfd_create, with whose files what a clone writes could be executed. Nor is there what the kernel
 * counts for all containers together and no limit of theirs bounds: inotify, POSIX message queues,
 * the kernel's asynchronous input and output. No major of PostgreSQL uses any of these.
 *
 * Other instruction sets of the same machine (i386, x32) get none of their calls.
 */
#include "runtime/syscall_filter.h"

#include <errno.h>
#include <glib.h>
#include <linux/fs.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"

#define FILTER_MAX (1024 * 1024)

static const char seccomp_allowed[] =
    /* files */
    "access chdir chmod chown close close_range copy_file_range creat dup dup2 dup3 faccessat "
    "faccessat2 fadvise64 fallocate fchdir fchmod fchmodat fchown fchownat fcntl fdatasync "
    "fgetxattr "
    "flistxattr flock fremovexattr fsetxattr fstat fstatfs fsync ftruncate futimesat getcwd "
    "getdents "
    "getdents64 getxattr lchown "
    "lgetxattr link linkat listxattr llistxattr lremovexattr lseek lsetxattr lstat mkdir mkdirat "
    "mknod "
    "mknodat newfstatat open openat openat2 pread64 preadv preadv2 pwrite64 pwritev pwritev2 read "
    "readahead readlink readlinkat readv removexattr rename renameat renameat2 rmdir sendfile "
    "setxattr splice stat statfs statx symlink symlinkat sync sync_file_range syncfs tee truncate "
    "umask unlink unlinkat utime utimensat utimes write writev "
    /* waiting */
    "epoll_create epoll_create1 epoll_ctl epoll_pwait epoll_pwait2 epoll_wait eventfd eventfd2 "
    "pipe pipe2 poll ppoll "
    "pselect6 "
    "select signalfd signalfd4 timerfd_create timerfd_gettime timerfd_settime "
    /* memory */
    "brk get_mempolicy madvise mbind membarrier mincore mlock mlock2 mlockall mmap "
    "mprotect mremap msync munlock munlockall munmap pkey_alloc pkey_free pkey_mprotect "
    "remap_file_pages set_mempolicy "
    /* processes */
    "alarm arch_prctl capget capset execve execveat exit exit_group fork futex get_robust_list "
    "getcpu getegid geteuid getgid getgroups getitimer getpgid getpgrp getpid getppid getpriority "
    "getresgid getresuid getrlimit getrusage getsid gettid getuid ioprio_get ioprio_set kill "
    "landlock_add_rule landlock_create_ruleset landlock_restrict_self pause pidfd_open "
    "pidfd_send_signal prctl prlimit64 restart_syscall rseq rt_sigaction rt_sigpending "
    "rt_sigprocmask rt_sigqueueinfo rt_sigreturn rt_sigsuspend rt_sigtimedwait rt_tgsigqueueinfo "
    "sched_get_priority_max sched_get_priority_min sched_getaffinity sched_getattr sched_getparam "
    "sched_getscheduler sched_rr_get_interval sched_setaffinity sched_setattr sched_setparam "
    "sched_setscheduler sched_yield seccomp set_robust_list set_tid_address setfsgid setfsuid "
    "setgid "
    "setgroups setitimer setpgid setpriority setregid setresgid setresuid setreuid setrlimit "
    "setsid "
    "setuid sigaltstack tgkill times tkill uname vfork wait4 waitid "
    /* time and the system */
    "adjtimex clock_adjtime clock_getres clock_gettime clock_nanosleep getrandom gettimeofday "
    "nanosleep sysinfo time timer_create timer_delete timer_getoverrun timer_gettime timer_settime "
    /* System V communication, sockets that are there */
    "accept accept4 bind connect getpeername getsockname getsockopt listen msgctl msgget msgrcv "
    "msgsnd recvfrom recvmmsg "
    "recvmsg semctl semget semop semtimedop sendmmsg sendmsg sendto setsockopt shmat shmctl shmdt "
    "shmget shutdown socketpair";

#define NAMESPACE_FLAGS                                                                            \
    ((uint32_t)(CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER |      \
                CLONE_NEWPID | CLONE_NEWNET))

/* The type is a byte of the number of an ioctl(2): in one of its bits another one differs. */
#define IOCTL_TYPE(number) ((uint64_t)_IOC_TYPE(number) << _IOC_TYPESHIFT)
#define IOCTL_TYPE_BIT(n)  (UINT64_C(1) << (_IOC_TYPESHIFT + (n)))
#define IOCTL_OF_ANOTHER_TYPE(n)                                                                   \
    {                                                                                              \
        "ioctl", 1, SCMP_CMP_MASKED_EQ, "SCMP_CMP_MASKED_EQ", IOCTL_TYPE_BIT(n),                   \
            ~IOCTL_TYPE(FICLONE) & IOCTL_TYPE_BIT(n)                                               \
    }
#define IOCTL_OF_BTRFS(number)                                                                     \
    {                                                                                              \
        "ioctl", 1, SCMP_CMP_MASKED_EQ, "SCMP_CMP_MASKED_EQ", UINT32_MAX, (uint64_t)(number)       \
    }

/* Calls that are allowed with some values of one argument. */
static const struct {
    const char *call;
    unsigned argument;
    enum scmp_compare compare;
    const char *operator; /* the same in an OCI configuration */
    uint64_t value;
    uint64_t value_two;
} seccomp_conditions[] = {
    /* Threads and processes, but no namespaces. */
    {"clone", 0, SCMP_CMP_MASKED_EQ, "SCMP_CMP_MASKED_EQ", NAMESPACE_FLAGS, 0},
    /* What setarch(8) and debuggers ask for: 32 bit names, an old version number, what there is. */
    {"personality", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", 0x0, 0},
    {"personality", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", 0x8, 0},
    {"personality", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", 0x20000, 0},
    {"personality", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", 0x20008, 0},
    {"personality", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", 0xffffffff, 0},
    /*
     * No subvolumes of one's own on btrfs: they are in no snapshot and under no limit. All of the
     * calls of that type go, but to share extents of files.
     */
    IOCTL_OF_ANOTHER_TYPE(0),
    IOCTL_OF_ANOTHER_TYPE(1),
    IOCTL_OF_ANOTHER_TYPE(2),
    IOCTL_OF_ANOTHER_TYPE(3),
    IOCTL_OF_ANOTHER_TYPE(4),
    IOCTL_OF_ANOTHER_TYPE(5),
    IOCTL_OF_ANOTHER_TYPE(6),
    IOCTL_OF_ANOTHER_TYPE(7),
    IOCTL_OF_BTRFS(FICLONE),
    IOCTL_OF_BTRFS(FICLONERANGE),
    IOCTL_OF_BTRFS(FIDEDUPERANGE),
    /* The resolver asks netlink which addresses there are. */
    {"socket", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", AF_UNIX, 0},
    {"socket", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", AF_INET, 0},
    {"socket", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", AF_INET6, 0},
    {"socket", 0, SCMP_CMP_EQ, "SCMP_CMP_EQ", AF_NETLINK, 0},
};

/* --- as text --- */

static const char *seccomp_architecture(void)
{
    static const struct {
        uint32_t token;
        const char *name;
    } known[] = {
        {SCMP_ARCH_X86_64, "SCMP_ARCH_X86_64"},   {SCMP_ARCH_AARCH64, "SCMP_ARCH_AARCH64"},
        {SCMP_ARCH_PPC64LE, "SCMP_ARCH_PPC64LE"}, {SCMP_ARCH_S390X, "SCMP_ARCH_S390X"},
        {SCMP_ARCH_RISCV64, "SCMP_ARCH_RISCV64"},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(known); i++)
        if (known[i].token == seccomp_arch_native())
            return known[i].name;
    return NULL;
}

static json_t *seccomp_condition(size_t i)
{
    return json_pack(
        "{s:[s], s:s, s:[{s:i, s:I, s:I, s:s}]}", "names", seccomp_conditions[i].call, "action",
        "SCMP_ACT_ALLOW", "args", "index", (int)seccomp_conditions[i].argument, "value",
        (json_int_t)seccomp_conditions[i].value, "valueTwo",
        (json_int_t)seccomp_conditions[i].value_two, "op", seccomp_conditions[i].operator);
}

static json_t *seccomp_names(void)
{
    g_auto(GStrv) calls = g_strsplit(seccomp_allowed, " ", -1);

    return text_list_json((const char *const *)calls);
}

json_t *seccomp_section(void)
{
    json_t *calls = json_array();
    const char *architecture = seccomp_architecture();
    json_t *section;

    json_array_append_new(
        calls, json_pack("{s:o, s:s}", "names", seccomp_names(), "action", "SCMP_ACT_ALLOW"));
    for (size_t i = 0; i < G_N_ELEMENTS(seccomp_conditions); i++)
        json_array_append_new(calls, seccomp_condition(i));
    section = json_pack("{s:s, s:i, s:o}", "defaultAction", "SCMP_ACT_ERRNO", "defaultErrnoRet",
                        ENOSYS, "syscalls", calls);
    if (architecture)
        json_object_set_new(section, "architectures", json_pack("[s]", architecture));
    return section;
}

/* --- compiled --- */

/* A call that this machine does not have cannot be made either. */
static int seccomp_add_names(scmp_filter_ctx filter)
{
    g_auto(GStrv) calls = g_strsplit(seccomp_allowed, " ", -1);

    for (char **call = calls; *call; call++) {
        int number = seccomp_syscall_resolve_name(*call);
        int err = number < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0);

        if (err < 0)
            return err;
    }
    return 0;
}

static int seccomp_add_conditions(scmp_filter_ctx filter)
{
    for (size_t i = 0; i < G_N_ELEMENTS(seccomp_conditions); i++) {
        int number = seccomp_syscall_resolve_name(seccomp_conditions[i].call);
        const struct scmp_arg_cmp argument = {
            .arg = seccomp_conditions[i].argument,
            .op = seccomp_conditions[i].compare,
            .datum_a = seccomp_conditions[i].value,
            .datum_b = seccomp_conditions[i].value_two,
        };
        int err = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, number, 1, &argument);

        if (err < 0)
            return err;
    }
    return 0;
}

static int seccomp_build(scmp_filter_ctx filter)
{
    int err = seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS));

    if (err == 0)
        err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a chain */
    if (err == 0)
        err = seccomp_add_names(filter);
    return err == 0 ? seccomp_add_conditions(filter) : err;
}

static Error *seccomp_export(scmp_filter_ctx filter, char **ret_filter)
{
    AUTO_FD fd = memfd_create("filter", MFD_CLOEXEC);
    int err = fd < 0 ? -errno : seccomp_export_bpf(filter, fd);
    g_autofree guchar *program = g_malloc(FILTER_MAX);
    ssize_t size = err < 0 ? -1 : pread(fd, program, FILTER_MAX, 0);

    if (size <= 0)
        return error_errno(err < 0 ? -err : errno, "could not export the system call filter");
    *ret_filter = g_base64_encode(program, (gsize)size);
    return NULL;
}

Error *seccomp_filter(char **ret_filter)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    int err = filter ? seccomp_build(filter) : -ENOMEM;
    Error *e = err < 0 ? error_errno(-err, "could not build the system call filter")
                       : seccomp_export(filter, ret_filter);

    if (filter)
        seccomp_release(filter);
    return e;
}
