/*
 * Listening, also where the kernel has no IPv6.
 */
#include "base/listener.h"

#include <errno.h>
#include <glib.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"

static sa_family_t family_of(int fd)
{
    struct sockaddr_storage address = {0};
    socklen_t size = sizeof address;

    g_assert_cmpint(getsockname(fd, (struct sockaddr *)&address, &size), ==, 0);
    return address.ss_family;
}

/* socket(AF_INET6, …) is answered as by a kernel without it. */
static void lose_ipv6(void)
{
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_socket, 0, 3),
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[0])),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AF_INET6, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EAFNOSUPPORT),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    const struct sock_fprog program = {G_N_ELEMENTS(filter), filter};

    g_assert_cmpint(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), ==, 0);
    g_assert_cmpint(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), ==, 0);
}

static void listen_without_ipv6(void)
{
    AUTO_FD all = -1, host = -1;

    lose_ipv6();
    g_assert_null(listener_open("*", 0, &all));
    g_assert_cmpint(family_of(all), ==, AF_INET);
    g_assert_null(listener_open_host("", 0, &host));
    g_assert_cmpint(family_of(host), ==, AF_INET);
}

static void test_without_ipv6(void)
{
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        listen_without_ipv6();
        _exit(0);
    }
    g_assert_cmpint(waitpid(pid, &status, 0), ==, pid);
    g_assert_cmpint(status, ==, 0);
}

static void test_hosts(void)
{
    AUTO_FD name = -1, address = -1, none = -1;

    g_assert_null(listener_open_host("localhost", 0, &name));
    g_assert_null(listener_open_host("127.0.0.1", 0, &address));
    g_assert_cmpint(family_of(address), ==, AF_INET);
    g_autoptr(Error) e = listener_open_host("no.such.host.invalid", 0, &none);
    g_assert_nonnull(e);
    g_assert_cmpint(e->code, ==, ERR_INVALID);
    g_autoptr(Error) e2 = listener_open("localhost", 0, &none);
    g_assert_nonnull(e2); /* names are not looked up here */
}

int main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/listener/without-ipv6", test_without_ipv6);
    g_test_add_func("/listener/hosts", test_hosts);
    return g_test_run();
}
