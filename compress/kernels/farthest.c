/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

#define TAKEN 3e38f

static void first_near(const float *s, int32_t m, int32_t width, float *near)
{
    for (int32_t i = 0; i < m; i++) {
        near[i] = -TAKEN;
        for (int32_t j = 0; j < m; j++) {
            const float v = s[(int64_t)i * width + j];
            near[i] = j != i && v > near[i] ? v : near[i];
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

static void segment(const struct wn_farthest_params *p, const float *s, int32_t m, int32_t steps,
                    float *near, int32_t *rank)
{
    first_near(s, m, p->width, near);
    for (int32_t i = 0; i < m; i++)
        rank[i] = m;
    for (int32_t t = 0; t < steps && t < m; t++) {
        const int32_t taken = smallest(near, m);
        const float *like = s + (int64_t)taken * p->width;
        rank[taken] = t;
        near[taken] = TAKEN;
        for (int32_t i = 0; i < m; i++) {
            if (rank[i] == m)
                near[i] = t == 0 || like[i] > near[i] ? like[i] : near[i];
        }
    }
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_farthest_params *p = params;
    const int32_t *ptr = buf[1], *table = buf[2];

    for (int32_t f = 0; f < p->n_segments; f++) {
        const int32_t m = ptr[f + 1] - ptr[f];
        segment(p, (const float *)buf[0] + (int64_t)ptr[f] * p->width, m, table[m],
                (float *)buf[3] + ptr[f], (int32_t *)buf[4] + ptr[f]);
    }
}

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

struct job {
    const struct wn_farthest_params *p;
    void *const *buf;
};

static void fast_segment(void *arg, int64_t f)
{
    const struct job *job = arg;
    const int32_t *ptr = job->buf[1], *table = job->buf[2];
    const int32_t begin = ptr[f], m = ptr[f + 1] - begin, steps = WN_MIN(table[m], m);
    const float *s = (const float *)job->buf[0] + (int64_t)begin * job->p->width;
    float *near = (float *)job->buf[3] + begin;
    int32_t *rank = (int32_t *)job->buf[4] + begin;

    for (int32_t i = 0; i < m; i++) {
        const float *own = s + (int64_t)i * job->p->width;
        const float left = most_like(own, i), right = most_like(own + i + 1, m - i - 1);
        near[i] = right > left ? right : left;
        rank[i] = m;
    }
    int32_t taken = m ? smallest(near, m) : 0;
    for (int32_t t = 0; t < steps; t++) {
        rank[taken] = t;
        near[taken] = TAKEN;
        const float least = step(s + (int64_t)taken * job->p->width, near, m, t == 0);
        if (t + 1 < steps)
            taken = find(near, least);
    }
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

const struct wn_kernel wn_kernel_farthest = {
    .name = "farthest",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_farthest_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
