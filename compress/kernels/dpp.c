/* SPDX-License-Identifier: MIT */
#include "compress/kernels.h"
#include "compress/lazy.h"

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
    const float *s; /* a matrix with a row every `width`, or rows of `dim` numbers */
    const float *r;
    float *c, *d;
    int32_t *work, *rank;
    int32_t m, steps, width, dim, most;
};

static struct segment of(const struct wn_dpp_params *p, void *const *buf, int64_t f)
{
    const int32_t *ptr = buf[2], *table = buf[3];
    const int32_t first = ptr[f], m = ptr[f + 1] - first;

    return (struct segment){
        .s = (const float *)buf[0] + (int64_t)first * (p->dim ? p->dim : p->width),
        .r = (const float *)buf[1] + first,
        .c = (float *)buf[4] + (int64_t)first * p->most,
        .d = (float *)buf[5] + first,
        .work = (int32_t *)buf[6] + 3 * (int64_t)first,
        .rank = (int32_t *)buf[7] + first,
        .m = m,
        .steps = WN_MIN(WN_MIN(table[m], m), p->most),
        .width = p->width,
        .dim = p->dim,
        .most = p->most,
    };
}

static float like_of(const struct segment *g, int64_t i, int64_t j)
{
    return g->dim ? wn_dot(g->s + i * g->dim, g->s + j * g->dim, g->dim) : g->s[i * g->width + j];
}

static void begin(const struct segment *g)
{
    for (int32_t i = 0; i < g->m; i++) {
        g->d[i] = (g->r[i] * g->r[i]) * like_of(g, i, i);
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
                const float k = (g.r[taken] * g.r[i]) * like_of(&g, taken, i);
                const float e = (k - sum) * q;
                g.c[(int64_t)t * g.m + i] = e;
                g.d[i] -= e * e;
            }
        }
    }
}

/* ---- with the matrix ---- */

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

static void with_matrix(const struct segment *g)
{
    int32_t taken = largest(g->d, g->rank, g->m);

    for (int32_t t = 0; t < g->steps; t++) {
        g->rank[taken] = t;
        const float d = step(g, t, taken, inverse_root(g->d[taken]));
        if (t + 1 < g->steps)
            taken = find(g, d);
    }
}

/* ---- with the rows: d never grows, so only rows that may be the next have to catch up ---- */

static bool there(const struct wn_lazy *z, int32_t i)
{
    const struct segment *g = z->arg;

    return g->rank[i] == g->m;
}

static bool before(const struct wn_lazy *z, int32_t i, int32_t j)
{
    const struct segment *g = z->arg;

    return g->d[i] > g->d[j];
}

/* The steps of a block's rows stand together: [steps][w]. */
WN_CLONES
static void sums(float *sum, const float *c, int32_t w, const float *of_taken, int32_t every,
                 int32_t t)
{
    for (int32_t u = 0; u < t; u++) {
        const float weight = of_taken[(int64_t)u * every];
        for (int32_t i = 0; i < WN_LAZY_BLOCK; i++)
            sum[i] += i < w ? weight * c[(int64_t)u * w + i] : 0;
    }
}

static void learn(const struct wn_lazy *z, int32_t first, int32_t w, const float *like, int32_t t)
{
    const struct segment *g = z->arg;
    const int32_t taken = wn_lazy_step(z, t), place = taken % WN_LAZY_BLOCK;
    const float q = inverse_root(g->d[taken]);
    float *c = g->c + (int64_t)first * g->most, sum[WN_LAZY_BLOCK] = {0};

    sums(sum, c, w, g->c + (int64_t)(taken - place) * g->most + place,
         WN_MIN(WN_LAZY_BLOCK, g->m - (taken - place)), t);
    for (int32_t i = 0; i < w; i++) {
        if (g->rank[first + i] != g->m)
            continue;
        const float e = ((g->r[taken] * g->r[first + i]) * like[i] - sum[i]) * q;
        c[(int64_t)t * w + i] = e;
        g->d[first + i] -= e * e;
    }
}

static void with_rows(const struct segment *g)
{
    struct wn_lazy z = {
        .x = g->s,
        .m = g->m,
        .dim = g->dim,
        .work = g->work,
        .there = there,
        .before = before,
        .learn = learn,
        .arg = g,
    };

    wn_lazy_begin(&z);
    for (int32_t t = 0; t < g->steps; t++) {
        const int32_t taken = wn_lazy_best(&z);
        g->rank[taken] = t;
        wn_lazy_take(&z, taken);
    }
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
    if (g.dim)
        with_rows(&g);
    else
        with_matrix(&g);
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

static void by_rows(void *params, int32_t dim)
{
    ((struct wn_dpp_params *)params)->dim = dim;
}

const struct wn_kernel wn_kernel_dpp = {
    .name = "dpp",
    .n_bufs = 8,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_SCRATCH, WN_SCRATCH, WN_SCRATCH, WN_WRITE},
    .params_size = sizeof(struct wn_dpp_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
    .by_rows = by_rows,
};
