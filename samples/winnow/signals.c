/* SPDX-License-Identifier: MIT */
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MOST_SESSIONS 64

struct signals {
    sigset_t set;
    pthread_mutex_t lock; /* of the sessions */
    struct wn_session *session[MOST_SESSIONS];
    int n;
    atomic_int came;
    int pipe[2]; /* see signals_fd(); -1, -1: none */
};

/* A thread of its own takes the signals: wn_cancel() need not be safe in a handler. */
static void *wait_for_signals(void *arg)
{
    struct signals *s = arg;

    for (;;) {
        int number;

        if (sigwait(&s->set, &number) != 0)
            continue;
        pthread_mutex_lock(&s->lock);
        if ((!s->n && s->pipe[1] < 0) || atomic_load(&s->came))
            _exit(128 + number);
        atomic_store(&s->came, number);
        for (int i = 0; i < s->n; i++)
            wn_cancel(s->session[i]);
        if (s->pipe[1] >= 0 && write(s->pipe[1], "", 1) != 1)
            _exit(128 + number);
        pthread_mutex_unlock(&s->lock);
    }
    return NULL;
}

struct signals *signals_start(void)
{
    struct signals *s = calloc(1, sizeof(*s));
    pthread_attr_t attr;
    pthread_t thread;

    signal(SIGPIPE, SIG_IGN); /* a reader that went away is seen when writing */
    if (!s)
        return NULL;
    s->pipe[0] = s->pipe[1] = -1;
    pthread_mutex_init(&s->lock, NULL);
    sigemptyset(&s->set);
    sigaddset(&s->set, SIGINT);
    sigaddset(&s->set, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &s->set, NULL);
    pthread_attr_init(&attr);
    pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    if (pthread_create(&thread, &attr, wait_for_signals, s) != 0) {
        pthread_sigmask(SIG_UNBLOCK, &s->set, NULL);
        free(s);
        s = NULL;
    }
    pthread_attr_destroy(&attr);
    return s;
}

void signals_watch(struct signals *s, struct wn_session *session)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    if (session && s->n < MOST_SESSIONS)
        s->session[s->n++] = session;
    if (session && atomic_load(&s->came))
        wn_cancel(session);
    pthread_mutex_unlock(&s->lock);
}

void signals_forget(struct signals *s, const struct wn_session *session)
{
    if (!s)
        return;
    pthread_mutex_lock(&s->lock);
    for (int i = 0; i < s->n; i++)
        if (s->session[i] == session)
            s->session[i--] = s->session[--s->n];
    pthread_mutex_unlock(&s->lock);
}

int signals_fd(struct signals *s)
{
    int ends[2];

    if (!s || pipe(ends) != 0)
        return -1;
    pthread_mutex_lock(&s->lock);
    memcpy(s->pipe, ends, sizeof(ends));
    pthread_mutex_unlock(&s->lock);
    return ends[0];
}

int signal_status(const struct signals *s)
{
    int came = s ? atomic_load(&s->came) : 0;
    return came ? 128 + came : 0;
}
