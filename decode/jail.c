/* SPDX-License-Identifier: MIT */
/* A process forked before anything large or threaded is there starts the others on request: for
 * each file one that decodes, and one that waits for it and tells how it ended. */
#define _GNU_SOURCE /* close_range(), pidfd_open() */
#include "jail.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire.h"

#define CONTROL 3 /* of the first process */
#define DEFAULT_MEMORY ((int64_t)4 << 30)

struct wn_jail {
    int control;
    pid_t pid;
    int64_t memory;
    double seconds;
};

static int64_t address_space(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long long pages = 0;

    if (f && fscanf(f, "%lld", &pages) != 1)
        pages = 0;
    if (f)
        fclose(f);
    return pages * sysconf(_SC_PAGESIZE);
}

static void set_limits(const struct wn_jail *jail)
{
    const rlim_t memory = (rlim_t)(address_space() + jail->memory);
    const rlim_t seconds = (rlim_t)(jail->seconds + 1);

    setrlimit(RLIMIT_AS, &(struct rlimit){memory, memory});
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (jail->seconds > 0)
        setrlimit(RLIMIT_CPU, &(struct rlimit){seconds, seconds + 1});
}

/* Until the cell ends, or nobody wants to know how any more. */
static void keep(const struct wn_jail *jail, int cell, int status)
{
    int how = 0;

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    signal(SIGCHLD, SIG_DFL);
    const pid_t pid = fork();
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(status);
        close(CONTROL);
        set_limits(jail);
        wn_cell_run(cell);
        _exit(0);
    }
    close(cell);
    const int fd = pid > 0 ? (int)syscall(SYS_pidfd_open, pid, 0) : -1;
    struct pollfd p[] = {{.fd = fd, .events = POLLIN}, {.fd = status}};
    while (fd >= 0 && poll(p, 2, -1) < 0 && errno == EINTR)
        continue;
    if (pid > 0 && p[1].revents)
        kill(pid, SIGKILL);
    while (pid > 0 && waitpid(pid, &how, 0) < 0 && errno == EINTR)
        continue;
    _exit(write(status, &how, sizeof(how)) != sizeof(how));
}

static void serve(const struct wn_jail *jail)
{
    for (;;) {
        char byte, room[CMSG_SPACE(2 * sizeof(int))];
        struct iovec part = {&byte, 1};
        struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room,
                           .msg_controllen = sizeof(room)};
        const ssize_t n = recvmsg(CONTROL, &m, MSG_CMSG_CLOEXEC);
        const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
        int fd[2];

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            _exit(0);
        if (!c || c->cmsg_len != CMSG_LEN(sizeof(fd)))
            continue;
        memcpy(fd, CMSG_DATA(c), sizeof(fd));
        if (fork() == 0)
            keep(jail, fd[0], fd[1]);
        close(fd[0]);
        close(fd[1]);
    }
}

/* A key press that ends the program ends this process through its closed socket, in time. */
static void settle(int control)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigaddset(&set, SIGQUIT);
    sigprocmask(SIG_SETMASK, &set, NULL);
    signal(SIGCHLD, SIG_IGN); /* nobody waits for those that wait */
    signal(SIGPIPE, SIG_IGN);
    if (control != CONTROL)
        dup2(control, CONTROL);
    close_range(CONTROL + 1, ~0U, 0);
}

int wn_jail_create(struct wn_jail **out, int64_t memory, double seconds, struct wn_log *log)
{
    struct wn_jail *jail = wn_calloc(1, sizeof(*jail));
    int end[2];

    if (!jail)
        return wn_nomem(log, "a process that decodes");
    jail->memory = memory > 0 ? memory : DEFAULT_MEMORY;
    jail->seconds = seconds;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, end) != 0) {
        free(jail);
        return wn_fail(log, WN_ERR_IO, "no process that decodes: %s", strerror(errno));
    }
    jail->pid = fork();
    if (jail->pid == 0) {
        close(end[0]);
        settle(end[1]);
        serve(jail);
    }
    close(end[1]);
    jail->control = end[0];
    if (jail->pid < 0) {
        wn_jail_destroy(&jail);
        return wn_fail(log, WN_ERR_NOMEM, "no process that decodes: %s", strerror(errno));
    }
    *out = jail;
    return WN_OK;
}

void wn_jail_destroy(struct wn_jail **jail)
{
    struct wn_jail *j = *jail;

    if (!j)
        return;
    close(j->control);
    while (j->pid > 0 && waitpid(j->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    free(j);
    *jail = NULL;
}

double wn_jail_seconds(const struct wn_jail *jail)
{
    return jail->seconds;
}

int wn_jail_start(struct wn_jail *jail, int *to, int *status)
{
    char room[CMSG_SPACE(2 * sizeof(int))] = {0};
    struct iovec part = {"", 1};
    struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = room,
                       .msg_controllen = sizeof(room)};
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    int end[2], ends[2];

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, end) != 0)
        return -1;
    if (pipe2(ends, O_CLOEXEC) != 0) {
        close(end[0]);
        close(end[1]);
        return -1;
    }
    const int fd[] = {end[1], ends[1]};
    *c = (struct cmsghdr){CMSG_LEN(sizeof(fd)), SOL_SOCKET, SCM_RIGHTS};
    memcpy(CMSG_DATA(c), fd, sizeof(fd));
    const ssize_t n = sendmsg(jail->control, &m, MSG_NOSIGNAL);
    close(end[1]);
    close(ends[1]);
    *to = end[0];
    *status = ends[0];
    if (n == 1)
        return 0;
    close(end[0]);
    close(ends[0]);
    return -1;
}
