/* SPDX-License-Identifier: MIT */
/* The process with the models: see batch.h. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "batch.h"
#include "signals.h"

struct lanes {
    const struct batch *batch;
    struct wn_session *models; /* the first lane's session; the others take its models */
    int out;
    pthread_mutex_t writing;
    pthread_mutex_t lock;      /* of what follows */
    pthread_cond_t changed;
    uint32_t waiting[BATCH_MOST_LANES];
    int n_waiting, idle;
    bool end;                  /* no more items will come */
    pthread_t thread[BATCH_MOST_LANES];
    int n;
};

/* ---- pipes ---- */

static int write_all(int fd, const void *data, size_t n)
{
    const char *p = data;

    while (n > 0) {
        const ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0)
            return -1;
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

static int send_record(struct lanes *l, uint32_t index, json_t *record)
{
    char *text = record ? json_dumps(record, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;
    const size_t n = text ? strlen(text) : 0;
    const struct batch_head head = {index, n <= BATCH_MAX_RECORD ? (uint32_t)n : BATCH_STOPPED};

    pthread_mutex_lock(&l->writing);
    int bad = (record && !text) || write_all(l->out, &head, sizeof(head)) < 0;
    if (!bad && head.bytes)
        bad = write_all(l->out, text, n) < 0;
    pthread_mutex_unlock(&l->writing);
    free(text);
    json_decref(record);
    return bad ? -1 : 0;
}

static int read_index(int fd, uint32_t *index)
{
    size_t got = 0;

    while (got < sizeof(*index)) {
        const ssize_t n = read(fd, (char *)index + got, sizeof(*index) - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return -1;
        got += (size_t)n;
    }
    return 0;
}

/* ---- lanes ---- */

/* The number of an item; false when there will be none. */
static bool take(struct lanes *l, uint32_t *index)
{
    pthread_mutex_lock(&l->lock);
    l->idle++;
    while (!l->n_waiting && !l->end)
        pthread_cond_wait(&l->changed, &l->lock);
    l->idle--;
    const bool found = l->n_waiting > 0;
    if (found) {
        *index = l->waiting[0];
        memmove(l->waiting, l->waiting + 1, (size_t)--l->n_waiting * sizeof(*l->waiting));
    }
    pthread_mutex_unlock(&l->lock);
    return found;
}

static void do_items(struct lanes *l, struct wn_session *session)
{
    const struct batch *batch = l->batch;
    uint32_t index;
    int fatal = STATUS_OK;

    while (take(l, &index)) {
        json_t *record = index < batch->manifest.n
            ? batch_do_item(batch, &batch->manifest.item[index], session, &fatal) : NULL;
        if (fatal == STATUS_OK && send_record(l, index, record) < 0)
            fatal = STATUS_BUG;
        if (fatal != STATUS_OK) /* nothing that the others do can be of use any more */
            _exit(fatal);
    }
}

static void *first_lane(void *arg)
{
    struct lanes *l = arg;

    do_items(l, l->models);
    return NULL;
}

/* One that cannot begin leaves its items to the others. */
static void *next_lane(void *arg)
{
    struct lanes *l = arg;
    struct tool tool = *l->batch->tool;
    struct job job = {.models_of = l->models};
    char said[1024];

    tool.said = said;
    if (job_session(&job, &tool, JOB_MODEL) == STATUS_OK)
        do_items(l, job.session);
    job_close(&job, &tool);
    return NULL;
}

static void give(struct lanes *l, uint32_t index)
{
    pthread_mutex_lock(&l->lock);
    if (l->n_waiting < BATCH_MOST_LANES) /* more are never given at once */
        l->waiting[l->n_waiting++] = index;
    if (l->n_waiting > l->idle && l->n < BATCH_MOST_LANES &&
        !pthread_create(&l->thread[l->n], NULL, l->n ? next_lane : first_lane, l))
        l->n++;
    if (!l->n)
        _exit(STATUS_NOMEM);
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
}

static void finish(struct lanes *l)
{
    pthread_mutex_lock(&l->lock);
    l->end = true;
    pthread_cond_broadcast(&l->changed);
    pthread_mutex_unlock(&l->lock);
    for (int i = l->n; i-- > 0;) /* the first one's models last */
        pthread_join(l->thread[i], NULL);
    pthread_cond_destroy(&l->changed);
    pthread_mutex_destroy(&l->lock);
    pthread_mutex_destroy(&l->writing);
}

static void run_lanes(struct lanes *l, struct tool *tool, int in)
{
    uint32_t index;

    pthread_mutex_init(&l->writing, NULL);
    pthread_mutex_init(&l->lock, NULL);
    pthread_cond_init(&l->changed, NULL);
    while (!signal_status(tool->signals) && read_index(in, &index) == 0)
        give(l, index);
    finish(l);
}

int batch_work(const struct batch *batch, int in, int out)
{
    const struct batch_head ready = {0, BATCH_READY};
    struct tool *tool = batch->tool;
    struct job job = {0};

    if (tool->opt.item_memory > 0 && !tool->opt.isolate) {
        const rlim_t most = (rlim_t)tool->opt.item_memory;
        setrlimit(RLIMIT_AS, &(struct rlimit){most, most});
    }
    tool->term.progress = PROGRESS_NONE;
    tool->signals = signals_start(); /* the thread of the process before was left there */
    int status = job_session(&job, tool, JOB_MODEL);
    if (status == STATUS_OK && write_all(out, &ready, sizeof(ready)) < 0)
        status = STATUS_BUG;
    if (status == STATUS_OK)
        run_lanes(&(struct lanes){.batch = batch, .models = job.session, .out = out}, tool, in);
    job_close(&job, tool);
    return status;
}
