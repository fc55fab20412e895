/* SPDX-License-Identifier: MIT */
#include "stage.h"

#include <stdlib.h>

struct queue {
    struct wn_stage stage;
    struct wn_stage *from;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    void **item; /* ring */
    int capacity, head, count;
    int end;     /* what pull returns once the ring is empty: WN_EOF or an error; 0: not yet */
    bool started, quit;
};

static void *produce(void *opaque)
{
    struct queue *q = opaque;

    pthread_mutex_lock(&q->lock);
    while (!q->quit && !q->end) {
        if (q->count == q->capacity) {
            pthread_cond_wait(&q->changed, &q->lock);
            continue;
        }
        pthread_mutex_unlock(&q->lock);
        void *item = NULL;
        const int ret = q->from->pull(q->from, &item);
        pthread_mutex_lock(&q->lock);
        if (ret == WN_OK)
            q->item[(q->head + q->count++) % q->capacity] = item;
        else
            q->end = ret;
        pthread_cond_broadcast(&q->changed);
    }
    pthread_mutex_unlock(&q->lock);
    return NULL;
}

static int queue_pull(struct wn_stage *stage, void **item)
{
    struct queue *q = (struct queue *)stage;
    int ret = WN_OK;

    pthread_mutex_lock(&q->lock);
    while (!q->count && !q->end)
        pthread_cond_wait(&q->changed, &q->lock);
    if (q->count) {
        *item = q->item[q->head];
        q->head = (q->head + 1) % q->capacity;
        q->count--;
        pthread_cond_broadcast(&q->changed);
    } else {
        ret = q->end;
    }
    pthread_mutex_unlock(&q->lock);
    return ret;
}

static void queue_destroy(struct wn_stage *stage)
{
    struct queue *q = (struct queue *)stage;

    if (q->started) {
        pthread_mutex_lock(&q->lock);
        q->quit = true;
        pthread_cond_broadcast(&q->changed);
        pthread_mutex_unlock(&q->lock);
        pthread_join(q->thread, NULL);
    }
    for (int i = 0; i < q->count; i++)
        q->stage.free_item(q->item[(q->head + i) % q->capacity]);
    wn_stage_destroy(&q->from);
    pthread_mutex_destroy(&q->lock);
    pthread_cond_destroy(&q->changed);
    free(q->item);
    free(q);
}

int wn_queue_create(struct wn_stage **out, struct wn_stage *from, int capacity)
{
    struct queue *q = wn_calloc(1, sizeof(*q));

    if (!q)
        return WN_ERR_NOMEM;
    pthread_mutex_init(&q->lock, NULL);
    pthread_cond_init(&q->changed, NULL);
    q->stage = (struct wn_stage){queue_pull, from->free_item, queue_destroy};
    q->capacity = capacity;
    q->item = wn_calloc((size_t)capacity, sizeof(*q->item));
    q->from = from;
    if (q->item)
        q->started = !pthread_create(&q->thread, NULL, produce, q);
    if (!q->started) {
        q->from = NULL; /* stays the caller's on failure */
        queue_destroy(&q->stage);
        return WN_ERR_NOMEM;
    }
    *out = &q->stage;
    return WN_OK;
}

void wn_stage_destroy(struct wn_stage **stage)
{
    if (!*stage)
        return;
    (*stage)->destroy(*stage);
    *stage = NULL;
}
