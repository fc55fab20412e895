/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

#include <stdlib.h>
#include <string.h>

static void ref(const void *params, void *const *buf)
{
    const struct wn_rank_params *p = params;
    const float *key = buf[0];
    const int32_t *ptr = buf[1];
    int32_t *rank = buf[2];

    for (int32_t s = 0; s < p->n_segments; s++) {
        for (int32_t i = ptr[s]; i < ptr[s + 1]; i++) {
            int32_t before = 0;
            for (int32_t j = ptr[s]; j < ptr[s + 1]; j++) {
                const bool better = p->descending ? key[j] > key[i] : key[j] < key[i];
                before += better || (key[j] == key[i] && j < i);
            }
            rank[i] = before;
        }
    }
}

/* A number whose ascending order is the keys' order, best first. Zeros of both signs and denormals
 * are one number, as in the comparisons of the reference. */
static uint32_t sortable(float key, bool descending)
{
    uint32_t u;

    memcpy(&u, &key, sizeof(u));
    if (!(u & 0x7f800000u))
        u = 0;
    u = u & 0x80000000u ? ~u : u | 0x80000000u;
    return descending ? ~u : u;
}

struct entry {
    uint32_t key;
    int32_t row; /* of the segment */
};

#define DIGIT 11 /* bits that a pass sorts by */

/* Stable counting sort by one digit after the other, so equal keys stay in the order of rows. */
static struct entry *radix(struct entry *a, struct entry *b, int32_t n)
{
    for (int shift = 0; shift < 32; shift += DIGIT) {
        int32_t at[1 << DIGIT] = {0};
        int32_t sum = 0;

        for (int32_t i = 0; i < n; i++)
            at[a[i].key >> shift & ((1 << DIGIT) - 1)]++;
        for (int d = 0; d < 1 << DIGIT; d++) {
            const int32_t count = at[d];
            at[d] = sum;
            sum += count;
        }
        for (int32_t i = 0; i < n; i++)
            b[at[a[i].key >> shift & ((1 << DIGIT) - 1)]++] = a[i];
        struct entry *t = a;
        a = b;
        b = t;
    }
    return a;
}

/* Below this many rows counting comparisons is faster than sorting. */
#define FEW 512

WN_CLONES
static void count_before(const uint32_t *key, int32_t n, int32_t *rank)
{
    for (int32_t i = 0; i < n; i++) {
        const uint32_t own = key[i];
        int32_t before = 0;
        for (int32_t j = 0; j < i; j++)
            before += key[j] <= own;
        for (int32_t j = i; j < n; j++)
            before += key[j] < own;
        rank[i] = before;
    }
}

struct job {
    const struct wn_rank_params *p;
    const float *key;
    const int32_t *ptr;
    int32_t *rank;
    struct entry *scratch; /* [n][2] */
};

static void segment(void *arg, int64_t s)
{
    const struct job *job = arg;
    const int32_t first = job->ptr[s], n = job->ptr[s + 1] - first;
    struct entry *a = job->scratch + (int64_t)2 * first;

    if (n <= FEW) {
        uint32_t key[FEW];
        for (int32_t i = 0; i < n; i++)
            key[i] = sortable(job->key[first + i], job->p->descending);
        count_before(key, n, job->rank + first);
        return;
    }
    for (int32_t i = 0; i < n; i++)
        a[i] = (struct entry){sortable(job->key[first + i], job->p->descending), i};
    a = radix(a, a + n, n);
    for (int32_t r = 0; r < n; r++)
        job->rank[first + a[r].row] = r;
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_rank_params *p = params;
    struct job job = {
        .p = p,
        .key = buf[0],
        .ptr = buf[1],
        .rank = buf[2],
        .scratch = wn_calloc((size_t)p->n, 2 * sizeof(struct entry)),
    };

    if (job.scratch)
        wn_pool_run(pool, p->n_segments, segment, &job);
    else
        ref(params, buf);
    free(job.scratch);
}

static uint32_t groups(const void *params)
{
    const struct wn_rank_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_rank = {
    .name = "rank",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_rank_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
