/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

/* One segment's: places, not rows, so 0 is its first row. */
struct list {
    const struct wn_thin_params *p;
    const float *s;
    int32_t n, *row, *next;
    float *like; /* of those at even places */
    float *q;    /* of each row, 1 / its length */
};

static void compare(const struct list *l)
{
    for (int32_t i = 0; i < l->n; i += 2) {
        const float *own = l->s + (int64_t)l->row[i] * l->p->width;
        const float q = l->q[l->row[i]];
        float most = -3e38f;
        for (int32_t j = 1; j < l->n; j += 2) {
            const float v = own[l->row[j]] * (q * l->q[l->row[j]]);
            most = v > most ? v : most;
        }
        l->like[i / 2] = most;
    }
}

/* Without the r most alike of the even places: the others of them best first, then the odd. */
static void drop(struct list *l, int32_t r)
{
    const int32_t even = (l->n + 1) / 2;

    for (int32_t i = 0; i < even; i++) {
        int32_t before = 0;
        for (int32_t j = 0; j < even; j++)
            before += wn_before(l->like[j], j, l->like[i], i);
        if (before >= r)
            l->next[before - r] = l->row[2 * i];
    }
    for (int32_t j = 0; 2 * j + 1 < l->n; j++)
        l->next[even - r + j] = l->row[2 * j + 1];
    l->n -= r;
    for (int32_t i = 0; i < l->n; i++)
        l->row[i] = l->next[i];
}

static void segment(const struct wn_thin_params *p, void *const *buf, int32_t s)
{
    const int32_t *ptr = buf[2], first = ptr[s], m = ptr[s + 1] - first;
    const int32_t *rank = (const int32_t *)buf[1] + first;
    const int32_t from = WN_MIN(((const int32_t *)buf[3])[m], m);
    const int32_t left = ((const int32_t *)buf[4])[m];
    int32_t *keep = (int32_t *)buf[7] + first;
    struct list l = {
        .p = p,
        .s = (const float *)buf[0] + (int64_t)(first - ptr[0]) * p->width,
        .n = m - from,
        .row = (int32_t *)buf[5] + first,
        .next = keep,
        .like = (float *)buf[6] + first,
        .q = (float *)buf[6] + p->n + first,
    };

    for (int32_t i = 0; i < m; i++) {
        const float square = l.s[(int64_t)i * p->width + i];
        l.q[i] = wn_rsqrt(square > 1e-16f ? square : 1e-16f);
        if (rank[i] >= from)
            l.row[rank[i] - from] = i;
    }
    while (l.n > left) {
        compare(&l);
        drop(&l, WN_MIN(WN_MIN(p->step, l.n - left), (l.n + 1) / 2));
    }
    for (int32_t i = 0; i < m; i++)
        keep[i] = rank[i] < from;
    for (int32_t i = 0; i < l.n; i++)
        keep[l.row[i]] = 1;
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_thin_params *p = params;

    for (int32_t s = 0; s < p->n_segments; s++)
        segment(p, buf, s);
}

struct job {
    const void *params;
    void *const *buf;
};

static void one(void *arg, int64_t s)
{
    const struct job *job = arg;

    segment(job->params, job->buf, (int32_t)s);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    struct job job = {params, buf};

    wn_pool_run(pool, ((const struct wn_thin_params *)params)->n_segments, one, &job);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_thin_params *)params)->n_segments;
}

const struct wn_kernel wn_kernel_thin = {
    .name = "thin",
    .n_bufs = 8,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_thin_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
