/* SPDX-License-Identifier: MIT */
#include "compress/kernels.h"
#include "compress/lazy.h"

#define TAKEN 3e38f

/* One segment. */
struct segment {
    const float *s; /* a matrix with a row every `width`, or rows of `dim` numbers */
    float *near;
    int32_t *rank;
    int32_t m, steps, width, dim;
};

static struct segment of(const struct wn_farthest_params *p, void *const *buf, int64_t f)
{
    const int32_t *ptr = buf[1], *table = buf[2];
    const int32_t first = ptr[f], m = ptr[f + 1] - first;

    return (struct segment){
        .s = (const float *)buf[0] + (int64_t)first * (p->dim ? p->dim : p->width),
        .near = (float *)buf[3] + first,
        .rank = (int32_t *)buf[5] + first,
        .m = m,
        .steps = WN_MIN(table[m], m),
        .width = p->width,
        .dim = p->dim,
    };
}

static float like_of(const struct segment *g, int64_t i, int64_t j)
{
    return g->dim ? wn_dot(g->s + i * g->dim, g->s + j * g->dim, g->dim) : g->s[i * g->width + j];
}

static void first_near(const struct segment *g)
{
    for (int32_t i = 0; i < g->m; i++) {
        g->near[i] = -TAKEN;
        for (int32_t j = 0; j < g->m; j++) {
            const float v = j == i ? -TAKEN : like_of(g, i, j);
            g->near[i] = v > g->near[i] ? v : g->near[i];
        }
    }
}

static int32_t smallest(const float *near, int32_t m)
{
    int32_t best = 0;

    for (int32_t i = 1; i < m; i++)
        best = near[i] < near[best] ? i : best;
    return best;
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_farthest_params *p = params;

    for (int32_t f = 0; f < p->n_segments; f++) {
        const struct segment g = of(p, buf, f);
        first_near(&g);
        for (int32_t i = 0; i < g.m; i++)
            g.rank[i] = g.m;
        for (int32_t t = 0; t < g.steps; t++) {
            const int32_t taken = smallest(g.near, g.m);
            g.rank[taken] = t;
            g.near[taken] = TAKEN;
            for (int32_t i = 0; i < g.m; i++) {
                if (g.rank[i] != g.m)
                    continue;
                const float like = like_of(&g, taken, i);
                g.near[i] = t == 0 || like > g.near[i] ? like : g.near[i];
            }
        }
    }
}

/* ---- with the matrix ---- */

/* The largest of a row but for its own place; which of equals does not matter. */
WN_CLONES
static float most_like(const float *s, int32_t n)
{
    float lane[WN_LANES];
    int32_t j = 0;

    for (int l = 0; l < WN_LANES; l++)
        lane[l] = -TAKEN;
    for (; j + WN_LANES <= n; j += WN_LANES) {
        for (int l = 0; l < WN_LANES; l++)
            lane[l] = s[j + l] > lane[l] ? s[j + l] : lane[l];
    }
    for (int l = 0; j + l < n; l++)
        lane[l] = s[j + l] > lane[l] ? s[j + l] : lane[l];
    for (int h = WN_LANES / 2; h; h /= 2) {
        for (int l = 0; l < h; l++)
            lane[l] = lane[l + h] > lane[l] ? lane[l + h] : lane[l];
    }
    return lane[0];
}

WN_CLONES
static float step(const float *like, float *near, int32_t m, bool begin)
{
    float least = TAKEN;

    for (int32_t i = 0; i < m; i++) {
        const float more = begin || like[i] > near[i] ? like[i] : near[i];
        near[i] = near[i] == TAKEN ? TAKEN : more;
        least = near[i] < least ? near[i] : least;
    }
    return least;
}

static int32_t find(const float *near, float value)
{
    int32_t i = 0;

    while (near[i] != value)
        i++;
    return i;
}

static void with_matrix(const struct segment *g)
{
    for (int32_t i = 0; i < g->m; i++) {
        const float *own = g->s + (int64_t)i * g->width;
        const float left = most_like(own, i), right = most_like(own + i + 1, g->m - i - 1);
        g->near[i] = right > left ? right : left;
    }
    int32_t taken = g->m ? smallest(g->near, g->m) : 0;
    for (int32_t t = 0; t < g->steps; t++) {
        g->rank[taken] = t;
        g->near[taken] = TAKEN;
        const float least = step(g->s + (int64_t)taken * g->width, g->near, g->m, t == 0);
        if (t + 1 < g->steps)
            taken = find(g->near, least);
    }
}

/* ---- with the rows: only products that decide something ---- */

enum { BLOCK = 24, BATCH = 4 }; /* rows that stand together, those of them that are looked at */

/* The lowest of block `own` that have met as many blocks as `met`. */
static int candidates(const struct segment *g, const int32_t *seen, int32_t own, int32_t met,
                      int32_t *pick)
{
    int n = 0;

    for (int32_t i = own * BLOCK; i < WN_MIN((own + 1) * BLOCK, g->m); i++) {
        int at = n;
        if (seen[i] != met || (n == BATCH && g->near[i] >= g->near[pick[n - 1]]))
            continue;
        n = WN_MIN(n + 1, BATCH);
        at = WN_MIN(at, n - 1);
        for (; at > 0 && g->near[pick[at - 1]] > g->near[i]; at--)
            pick[at] = pick[at - 1];
        pick[at] = i;
    }
    return n;
}

/* Rows of one block meet another block: what either finds of the other counts for both. */
static void meet(const struct segment *g, const int32_t *pick, int n, int32_t first)
{
    const int32_t w = WN_MIN(BLOCK, g->m - first);
    const float *a[BATCH] = {0}, *b[BLOCK] = {0};
    float d[BATCH][BLOCK];

    for (int r = 0; r < n; r++)
        a[r] = g->s + (int64_t)pick[r] * g->dim;
    for (int32_t c = 0; c < w; c++)
        b[c] = g->s + (int64_t)(first + c) * g->dim;
    wn_dots(d[0], BLOCK, a, n, b, w, g->dim);
    for (int r = 0; r < n; r++) {
        float *own = &g->near[pick[r]];
        for (int32_t c = 0; c < w; c++) {
            const float v = first + c == pick[r] ? -TAKEN : d[r][c];
            *own = v > *own ? v : *own;
            g->near[first + c] = v > g->near[first + c] ? v : g->near[first + c];
        }
    }
}

static int32_t lowest_of(const struct segment *g, int32_t block)
{
    const int32_t first = block * BLOCK;

    return first + smallest(g->near + first, WN_MIN(BLOCK, g->m - first));
}

/* The row whose nearest is least near. What a row has met so far is a bound: only the row with the
 * lowest bound has to go on, from block to block, its own first, where its neighbours are. */
static int32_t loneliest(const struct segment *g, int32_t *work)
{
    const int32_t blocks = (g->m + BLOCK - 1) / BLOCK;
    int32_t *seen = work, *low = work + g->m; /* blocks that a row has met, a block's lowest row */

    for (int32_t i = 0; i < g->m; i++) {
        g->near[i] = -TAKEN;
        seen[i] = 0;
        low[i / BLOCK] = i / BLOCK * BLOCK;
    }
    for (;;) {
        int32_t own = 0, pick[BATCH];
        for (int32_t b = 1; b < blocks; b++)
            own = g->near[low[b]] < g->near[low[own]] ? b : own;
        const int32_t met = seen[low[own]], other = (own + met) % blocks;
        if (met == blocks)
            return low[own];
        const int n = candidates(g, seen, own, met, pick);
        for (int r = 0; r < n; r++)
            seen[pick[r]]++;
        meet(g, pick, n, other * BLOCK);
        low[own] = lowest_of(g, own);
        low[other] = lowest_of(g, other);
    }
}

static bool there(const struct wn_lazy *z, int32_t i)
{
    const struct segment *g = z->arg;

    return g->rank[i] == g->m;
}

static bool before(const struct wn_lazy *z, int32_t i, int32_t j)
{
    const struct segment *g = z->arg;

    return g->near[i] < g->near[j];
}

static void learn(const struct wn_lazy *z, int32_t first, int32_t w, const float *like, int32_t t)
{
    const struct segment *g = z->arg;

    for (int32_t i = 0; i < w; i++) {
        float *near = &g->near[first + i];
        *near = like[i] > *near ? like[i] : *near;
    }
}

static void with_rows(const struct segment *g, int32_t *work)
{
    struct wn_lazy z = {
        .x = g->s,
        .m = g->m,
        .dim = g->dim,
        .work = work,
        .there = there,
        .before = before,
        .learn = learn,
        .arg = g,
    };
    int32_t taken = g->steps ? loneliest(g, work) : 0;

    for (int32_t i = 0; i < g->m; i++)
        g->near[i] = -TAKEN;
    wn_lazy_begin(&z);
    for (int32_t t = 0; t < g->steps; t++) {
        taken = t ? wn_lazy_best(&z) : taken;
        g->rank[taken] = t;
        wn_lazy_take(&z, taken);
    }
}

struct job {
    const struct wn_farthest_params *p;
    void *const *buf;
};

static void fast_segment(void *arg, int64_t f)
{
    const struct job *job = arg;
    const struct segment g = of(job->p, job->buf, f);

    for (int32_t i = 0; i < g.m; i++)
        g.rank[i] = g.m;
    if (g.dim)
        with_rows(&g, (int32_t *)job->buf[4] + 3 * (int64_t)((const int32_t *)job->buf[1])[f]);
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
    return (uint32_t)((const struct wn_farthest_params *)params)->n_segments;
}

static void by_rows(void *params, int32_t dim)
{
    ((struct wn_farthest_params *)params)->dim = dim;
}

const struct wn_kernel wn_kernel_farthest = {
    .name = "farthest",
    .n_bufs = 6,
    .access = {WN_READ, WN_READ, WN_READ, WN_SCRATCH, WN_SCRATCH, WN_WRITE},
    .params_size = sizeof(struct wn_farthest_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
    .by_rows = by_rows,
};
