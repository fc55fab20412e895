/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

struct bank {
    const struct wn_bank_params *p;
    const float *x;
    const int32_t *prev, *next;
    float *sum, *like;
    int32_t *after, *to;
};

static struct bank bank_of(const void *params, void *const *buf)
{
    return (struct bank){params, buf[0], buf[1], buf[2], buf[4], buf[5], buf[6], buf[7]};
}

static int32_t follower(const struct bank *k, int32_t row)
{
    const int32_t next = k->next[row];

    return next != WN_NONE && k->prev[next] == row ? next : WN_NONE;
}

static float cosine(const struct bank *k, int64_t i, int64_t j)
{
    const int32_t dim = k->p->dim;
    const float *a = k->sum + i * dim, *b = k->sum + j * dim;
    const float ab = wn_dot(a, b, dim), aa = wn_dot(a, a, dim), bb = wn_dot(b, b, dim);

    return ab * (wn_rsqrt(aa > 1e-16f ? aa : 1e-16f) * wn_rsqrt(bb > 1e-16f ? bb : 1e-16f));
}

/* Joins the two neighbours that are most alike; gives the last run. */
static int32_t join(const struct bank *k, int32_t head, int32_t last)
{
    const int32_t dim = k->p->dim;
    int32_t best = head, before = WN_NONE;

    for (int32_t r = head, p = WN_NONE; k->after[r] != WN_NONE; p = r, r = k->after[r]) {
        if (r == head || k->like[r] > k->like[best]) {
            best = r;
            before = p;
        }
    }
    const int32_t gone = k->after[best];
    for (int32_t c = 0; c < dim; c++)
        k->sum[(int64_t)best * dim + c] += k->sum[(int64_t)gone * dim + c];
    k->after[best] = k->after[gone];
    if (before != WN_NONE)
        k->like[before] = cosine(k, before, best);
    if (k->after[best] != WN_NONE)
        k->like[best] = cosine(k, best, k->after[best]);
    return gone == last ? best : last;
}

static void place(const struct bank *k, int32_t head)
{
    const int32_t dim = k->p->dim;
    int32_t last = WN_NONE, runs = 0;

    for (int32_t row = head; row != WN_NONE; row = follower(k, row)) {
        for (int32_t c = 0; c < dim; c++)
            k->sum[(int64_t)row * dim + c] = k->x[(int64_t)row * dim + c];
        k->after[row] = WN_NONE;
        if (last != WN_NONE) {
            k->after[last] = row;
            k->like[last] = cosine(k, last, row);
        }
        last = row;
        if (runs++ == k->p->room) {
            last = join(k, head, last);
            runs--;
        }
    }
    for (int32_t row = head, run = head; row != WN_NONE; row = follower(k, row)) {
        run = k->after[run] == row ? row : run;
        k->to[row] = run;
    }
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct bank k = bank_of(params, buf);

    for (int32_t i = (int32_t)first; i < end; i++) {
        if (k.prev[i] == WN_NONE || k.next[k.prev[i]] != i)
            place(&k, i);
    }
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_bank_params *p = params;

    part(params, buf, 0, ((const int32_t *)buf[3])[p->n_frames]);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_bank_params *p = params;

    wn_blocks(pool, ((const int32_t *)buf[3])[p->n_frames], 4, part, params, buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_bank_params *)params)->n;
}

const struct wn_kernel wn_kernel_bank = {
    .name = "bank",
    .n_bufs = 8,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_bank_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
