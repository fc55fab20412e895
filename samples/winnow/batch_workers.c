/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "batch_run.h"

static void run_worker(struct run *r, int in, int out, pid_t parent)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(STATUS_BUG);
    setpgid(0, 0); /* Ctrl-C is for the other process alone */
    close(r->records.fd); /* and the lock with it */
    close(r->crashes.fd);
    _exit(batch_work(&r->b, in, out));
}

int run_start_worker(struct run *r)
{
    const pid_t parent = getpid();
    int to[2], from[2];

    if (pipe(to) != 0)
        goto fail;
    if (pipe(from) != 0) {
        close(to[0]);
        close(to[1]);
        goto fail;
    }
    fflush(NULL);
    term_clear(&r->b.tool->term);
    const pid_t pid = fork();
    if (pid == 0) {
        close(to[1]);
        close(from[0]);
        run_worker(r, to[0], from[1], parent);
    }
    close(to[0]);
    close(from[1]);
    if (pid < 0) {
        close(to[1]);
        close(from[0]);
        goto fail;
    }
    r->worker = (struct worker){.pid = pid, .to = to[1], .from = from[0]};
    return STATUS_OK;
fail:
    return r->status = tool_fail(r->b.tool, STATUS_NOMEM, "no worker can be started: %s",
                                 strerror(errno));
}

static void forget_worker(struct worker *w)
{
    close(w->to);
    close(w->from);
    free(w->buf);
    *w = (struct worker){0};
}

void run_give_item(struct run *r, struct item *item)
{
    struct worker *w = &r->worker;
    const uint32_t index = (uint32_t)(item - r->b.manifest.item);

    w->flight[w->n_flights++] = (struct flight){item, now_seconds()};
    w->alone = item->crashes > 0;
    /* A worker that died meanwhile is seen when its pipe ends. */
    if (write(w->to, &index, sizeof(index)) != sizeof(index) && errno != EPIPE)
        r->status = tool_fail(r->b.tool, STATUS_BUG, "the worker cannot be told its item");
}

/* An item whose worker died is tried again, by itself: what dies then has nobody else to blame. */
static void count_crash(struct run *r, struct item *item, int how)
{
    char why[160];
    json_t *line = json_object();

    item->crashes++;
    json_object_set_new(line, "id", json_text(item->id));
    json_object_set_new(line, "signal", json_integer(WIFSIGNALED(how) ? WTERMSIG(how) : 0));
    const int bad = journal_add(&r->crashes, line);
    json_decref(line);
    if (bad)
        r->status = tool_fail(r->b.tool, STATUS_OUTPUT, "%s: cannot be written: %s",
                              r->crashes.path, strerror(errno));
    else if (item->crashes < MOST_CRASHES)
        r->again[r->n_again++] = item;
    else if (WIFSIGNALED(how)) {
        snprintf(why, sizeof(why), "its workers died twice, at last of signal %d (%s)",
                 WTERMSIG(how), strsignal(WTERMSIG(how)));
        run_set_aside(r, item, "crash", why);
    } else {
        run_set_aside(r, item, "crash", "its workers ended twice in the middle of it");
    }
}

/* The worker's pipe has ended. */
static void bury(struct run *r)
{
    struct worker w = r->worker;
    int how = 0;

    while (waitpid(w.pid, &how, 0) < 0 && errno == EINTR)
        continue;
    forget_worker(&r->worker);
    if (r->stopped > 0 || r->status != STATUS_OK)
        return;
    if (WIFEXITED(how) && WEXITSTATUS(how) == STATUS_OUTPUT) {
        r->status = STATUS_OUTPUT; /* it said why */
    } else if (!w.ready && !w.killed) {
        if (WIFEXITED(how) && WEXITSTATUS(how) != STATUS_OK)
            r->status = WEXITSTATUS(how); /* likewise: a bad model, a wrong option */
        else
            r->status = tool_fail(r->b.tool, STATUS_BUG, "a worker died while it loaded the models "
                                  "(signal %d)", WIFSIGNALED(how) ? WTERMSIG(how) : 0);
    }
    if (!w.killed && w.n_flights > 1 && WIFSIGNALED(how) && WTERMSIG(how) == SIGKILL)
        tune_fewer(&r->tune); /* as a machine does that is out of memory */
    for (int i = 0; i < w.n_flights && r->status == STATUS_OK; i++) {
        if (w.killed)
            r->again[r->n_again++] = w.flight[i].item;
        else
            count_crash(r, w.flight[i].item, how);
    }
}

static struct item *land(struct worker *w, const struct run *r, uint32_t index)
{
    for (int i = 0; i < w->n_flights; i++) {
        struct item *item = w->flight[i].item;
        if (item != &r->b.manifest.item[index])
            continue;
        w->flight[i] = w->flight[--w->n_flights];
        w->alone = false;
        return item;
    }
    return NULL;
}

static void take_message(struct run *r, const struct batch_head *head, const char *text)
{
    struct worker *w = &r->worker;

    if (head->bytes == BATCH_READY) {
        w->ready = true;
        for (int i = 0; i < w->n_flights; i++)
            w->flight[i].began = now_seconds();
        return;
    }
    struct item *item = land(w, r, head->index);
    if (!item || head->bytes == BATCH_STOPPED)
        return;
    json_t *record = json_loadb(text, head->bytes, JSON_REJECT_DUPLICATES, NULL);
    if (record)
        run_add_record(r, item, record);
}

/* Whole messages of what the worker wrote so far. */
static void take_messages(struct run *r)
{
    struct worker *w = &r->worker;
    struct batch_head head;

    while (w->n >= sizeof(head)) {
        memcpy(&head, w->buf, sizeof(head));
        const size_t used = sizeof(head) + (head.bytes == BATCH_READY ? 0 : head.bytes);
        if (w->n < used)
            return;
        take_message(r, &head, w->buf + sizeof(head));
        memmove(w->buf, w->buf + used, w->n - used);
        w->n -= used;
    }
}

void run_read_worker(struct run *r)
{
    struct worker *w = &r->worker;

    if (w->cap - w->n < 1 << 16) {
        const size_t cap = w->cap + (w->cap ? w->cap : 1 << 17);
        char *buf = cap <= 2 * (size_t)BATCH_MAX_RECORD ? realloc(w->buf, cap) : NULL;
        if (!buf) {
            r->status = tool_fail(r->b.tool, STATUS_NOMEM, "out of memory for a record");
            return;
        }
        w->buf = buf;
        w->cap = cap;
    }
    const ssize_t n = read(w->from, w->buf + w->n, w->cap - w->n);
    if (n < 0 && (errno == EINTR || errno == EAGAIN))
        return;
    if (n <= 0) {
        bury(r);
        return;
    }
    w->n += (size_t)n;
    take_messages(r);
}

/* The worker goes with the late item; the others that it has begin again. */
void run_stop_late(struct run *r)
{
    const double most = r->b.tool->opt.item_timeout, now = now_seconds();
    struct worker *w = &r->worker;
    char why[80];

    for (int i = 0; i < w->n_flights && most > 0 && w->ready; i++) {
        if (now - w->flight[i].began < most)
            continue;
        struct item *item = w->flight[i].item;
        kill(w->pid, SIGKILL);
        w->killed = true;
        snprintf(why, sizeof(why), "not done after %g s", most);
        w->flight[i--] = w->flight[--w->n_flights];
        run_set_aside(r, item, "timeout", why);
    }
}

void run_kill_worker(struct run *r, int number)
{
    if (r->worker.pid)
        kill(r->worker.pid, number);
}

void run_end_worker(struct run *r)
{
    struct worker *w = &r->worker;

    if (!w->pid)
        return;
    if (w->n_flights)
        kill(w->pid, SIGKILL);
    close(w->to); /* an idle one ends by itself */
    w->to = -1;
    while (waitpid(w->pid, NULL, 0) < 0 && errno == EINTR)
        continue;
    close(w->from);
    free(w->buf);
    *w = (struct worker){0};
}
