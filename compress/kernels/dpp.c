/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

/* Of the rows that were not taken: rank m. */
static int32_t largest(const float *d, const int32_t *rank, int32_t m)
{
    int32_t best = -1;

    for (int32_t i = 0; i < m; i++) {
        if (rank[i] == m && (best < 0 || d[i] > d[best]))
            best = i;
    }
    return best;
}

static float inverse_root(float d)
{
    return d < 1e-10f ? 0 : wn_rsqrt(d);
}

/* One segment's rows in the kernel's buffers; c has a step every m floats. */
struct segment {
    const float *s, *r;
    float *c, *d;
    int32_t *rank;
    int32_t m, steps, width;
};

static struct segment of(const struct wn_dpp_params *p, void *const *buf, int64_t f)
{
    const int32_t *ptr = buf[2], *table = buf[3];
    const int32_t first = ptr[f], m = ptr[f + 1] - first;

    return (struct segment){
        .s = (const float *)buf[0] + (int64_t)first * p->width,
        .r = (const float *)buf[1] + first,
        .c = (float *)buf[4] + (int64_t)first * p->most,
        .d = (float *)buf[5] + first,
        .rank = (int32_t *)buf[6] + first,
        .m = m,
        .steps = WN_MIN(WN_MIN(table[m], m), p->most),
        .width = p->width,
    };
}

static void begin(const struct segment *g)
{
    for (int32_t i = 0; i < g->m; i++) {
        g->d[i] = (g->r[i] * g->r[i]) * g->s[(int64_t)i * g->width + i];
        g->rank[i] = g->m;
    }
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_dpp_params *p = params;

    for (int32_t f = 0; f < p->n_segments; f++) {
        const struct segment g = of(p, buf, f);
        begin(&g);
        for (int32_t t = 0; t < g.steps; t++) {
            const int32_t taken = largest(g.d, g.rank, g.m);
            const float q = inverse_root(g.d[taken]);
            g.rank[taken] = t;
            for (int32_t i = 0; i < g.m; i++) {
                float sum = 0;
                if (g.rank[i] != g.m)
                    continue;
                for (int64_t u = 0; u < t; u++)
                    sum += g.c[u * g.m + taken] * g.c[u * g.m + i];
                const float k = (g.r[taken] * g.r[i]) * g.s[(int64_t)taken * g.width + i];
                const float e = (k - sum) * q;
                g.c[(int64_t)t * g.m + i] = e;
                g.d[i] -= e * e;
            }
        }
    }
}

/* Rows side by side: each still adds in order of u. What is made of rows taken before is never
 * read: only c of rows that are still there when they are taken counts. Returns the largest d of
 * those that are there. */
WN_CLONES
static float step(const struct segment *g, int32_t t, int32_t taken, float q)
{
    const float *s = g->s + (int64_t)taken * g->width;
    float *e = g->c + (int64_t)t * g->m, most[64], best = -3e38f;

    for (int32_t i = 0; i < 64; i++)
        most[i] = -3e38f;
    for (int32_t from = 0; from < g->m; from += 64) {
        const int32_t n = WN_MIN(64, g->m - from);
        float sum[64] = {0};
        for (int64_t u = 0; u < t; u++) {
            const float *c = g->c + u * g->m;
            const float w = c[taken];
            for (int32_t i = 0; i < n; i++)
                sum[i] += w * c[from + i];
        }
        for (int32_t i = 0; i < n; i++) {
            const float v = ((g->r[taken] * g->r[from + i]) * s[from + i] - sum[i]) * q;
            const bool there = g->rank[from + i] == g->m;
            const float d = there ? g->d[from + i] - v * v : g->d[from + i];
            const float counts = there ? d : -3e38f;
            e[from + i] = there ? v : e[from + i];
            g->d[from + i] = d;
            most[i] = counts > most[i] ? counts : most[i];
        }
    }
    for (int32_t i = 0; i < 64; i++)
        best = most[i] > best ? most[i] : best;
    return best;
}

/* The first row there with that d; numbers that have no order are left to the reference. */
static int32_t find(const struct segment *g, float d)
{
    for (int32_t i = 0; i < g->m; i++) {
        if (g->d[i] == d && g->rank[i] == g->m)
            return i;
    }
    return largest(g->d, g->rank, g->m);
}

struct job {
    const struct wn_dpp_params *p;
    void *const *buf;
};

static void fast_segment(void *arg, int64_t f)
{
    const struct job *job = arg;
    const struct segment g = of(job->p, job->buf, f);

    begin(&g);
    int32_t taken = largest(g.d, g.rank, g.m);
    for (int32_t t = 0; t < g.steps; t++) {
        g.rank[taken] = t;
        const float d = step(&g, t, taken, inverse_root(g.d[taken]));
        if (t + 1 < g.steps)
            taken = find(&g, d);
    }
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    struct job job = {params, buf};

    wn_pool_run(pool, job.p->n_segments, fast_segment, &job);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_dpp_params *)params)->n_segments;
}

const struct wn_kernel wn_kernel_dpp = {
    .name = "dpp",
    .n_bufs = 7,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_dpp_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
