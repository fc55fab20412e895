/* SPDX-License-Identifier: MIT */
#include "pool.h"

#include <stdlib.h>
#if defined(__SSE__)
#include <xmmintrin.h>
#endif

/* One job at a time: its indices are taken from a counter by the caller and every worker. A second
 * caller that finds a job running does its own work alone, so nested calls cannot deadlock. */
struct wn_pool {
    int n_workers;
    pthread_t *worker;
    pthread_mutex_t lock;
    pthread_cond_t wake, done;
    bool quit;
    uint64_t generation; /* of the job, so that a worker joins each job once */
    bool running;
    int inside;          /* workers in the job */

    void (*fn)(void *arg, int64_t i);
    void *arg;
    int64_t n;
    _Atomic int64_t next;
};

unsigned wn_flush_enter(void)
{
#if defined(__SSE__)
    const unsigned saved = _mm_getcsr();
    _mm_setcsr(saved | 0x8040); /* flush to zero, denormals are zero */
    return saved;
#elif defined(__aarch64__)
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    __asm__ volatile("msr fpcr, %0" : : "r"(fpcr | (1u << 24)));
    return (unsigned)fpcr;
#else
    return 0;
#endif
}

void wn_flush_leave(unsigned saved)
{
#if defined(__SSE__)
    _mm_setcsr(saved);
#elif defined(__aarch64__)
    __asm__ volatile("msr fpcr, %0" : : "r"((uint64_t)saved));
#else
    (void)saved;
#endif
}

static void work(struct wn_pool *pool)
{
    int64_t i;

    while ((i = atomic_fetch_add(&pool->next, 1)) < pool->n)
        pool->fn(pool->arg, i);
}

static void *worker_main(void *opaque)
{
    struct wn_pool *pool = opaque;
    uint64_t seen = 0;

    wn_flush_enter();
    pthread_mutex_lock(&pool->lock);
    for (;;) {
        while (!pool->quit && (!pool->running || pool->generation == seen))
            pthread_cond_wait(&pool->wake, &pool->lock);
        if (pool->quit)
            break;
        seen = pool->generation;
        pool->inside++;
        pthread_mutex_unlock(&pool->lock);
        work(pool);
        pthread_mutex_lock(&pool->lock);
        if (--pool->inside == 0)
            pthread_cond_signal(&pool->done);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

int wn_pool_create(struct wn_pool **out, int n_threads)
{
    struct wn_pool *pool = wn_calloc(1, sizeof(*pool));

    if (!pool)
        return WN_ERR_NOMEM;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pthread_cond_init(&pool->done, NULL);
    pool->worker = wn_calloc((size_t)WN_MAX(n_threads, 1), sizeof(*pool->worker));
    if (!pool->worker) {
        wn_pool_destroy(&pool);
        return WN_ERR_NOMEM;
    }
    /* Fewer threads than wished for is no failure: the result is the same. */
    for (int i = 0; i < n_threads - 1; i++) {
        if (pthread_create(&pool->worker[i], NULL, worker_main, pool))
            break;
        pool->n_workers++;
    }
    *out = pool;
    return WN_OK;
}

void wn_pool_destroy(struct wn_pool **pool)
{
    struct wn_pool *p = *pool;

    if (!p)
        return;
    pthread_mutex_lock(&p->lock);
    p->quit = true;
    pthread_cond_broadcast(&p->wake);
    pthread_mutex_unlock(&p->lock);
    for (int i = 0; i < p->n_workers; i++)
        pthread_join(p->worker[i], NULL);
    pthread_mutex_destroy(&p->lock);
    pthread_cond_destroy(&p->wake);
    pthread_cond_destroy(&p->done);
    free(p->worker);
    free(p);
    *pool = NULL;
}

int wn_pool_threads(const struct wn_pool *pool)
{
    return pool ? pool->n_workers + 1 : 1;
}

static void run_alone(int64_t n, void (*fn)(void *arg, int64_t i), void *arg)
{
    const unsigned saved = wn_flush_enter();

    for (int64_t i = 0; i < n; i++)
        fn(arg, i);
    wn_flush_leave(saved);
}

void wn_pool_run(struct wn_pool *pool, int64_t n, void (*fn)(void *arg, int64_t i), void *arg)
{
    bool mine = false;

    if (pool && pool->n_workers && n > 1) {
        pthread_mutex_lock(&pool->lock);
        if (!pool->running && !pool->inside) { /* a worker may still leave the last job */
            mine = true;
            pool->running = true;
            pool->generation++;
            pool->fn = fn;
            pool->arg = arg;
            pool->n = n;
            atomic_store(&pool->next, 0);
            pthread_cond_broadcast(&pool->wake);
        }
        pthread_mutex_unlock(&pool->lock);
    }
    if (!mine) {
        run_alone(n, fn, arg);
        return;
    }
    const unsigned saved = wn_flush_enter();
    work(pool);
    wn_flush_leave(saved);
    pthread_mutex_lock(&pool->lock);
    pool->running = false; /* nobody joins any more */
    while (pool->inside)
        pthread_cond_wait(&pool->done, &pool->lock);
    pthread_mutex_unlock(&pool->lock);
}
