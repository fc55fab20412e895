/* SPDX-License-Identifier: MIT */
#include "compress/gaps.h"

/* The smallest gaps of a row so far, ascending, and the largest one. */
struct state {
    float near[WN_DENSITY_MOST], far;
    int32_t n;
};

static void add(struct state *t, int32_t k, float d)
{
    int32_t at = t->n < k ? t->n++ : k - 1;

    for (; at > 0 && d < t->near[at - 1]; at--)
        t->near[at] = t->near[at - 1];
    t->near[at] = d;
}

static void write(const struct state *t, int32_t k, void *const *buf, int32_t i)
{
    float sum = 0;

    for (int32_t a = 0; a < t->n; a++)
        sum += t->near[a];
    const float q = wn_rsqrt((float)k);
    ((float *)buf[3])[i] = wn_exp(-(sum * (q * q)));
    ((float *)buf[4])[i] = t->far;
}

static int32_t neighbours(const struct wn_density_params *p, const int32_t *table, int32_t m)
{
    const int32_t k = p->capped ? WN_MAX(WN_MIN(p->k, table[m]), 1) : p->k;

    return WN_MIN(k, m);
}

static void row(const struct wn_density_params *p, void *const *buf, int32_t i, int32_t begin,
                int32_t m)
{
    const int32_t *ptr = buf[2], k = neighbours(p, buf[5], m);
    const int64_t r = i - wn_strip_base(ptr, p->skip);
    const float *own = (const float *)buf[0] + r * p->width, *square = buf[1];
    struct state t = {.n = 0};

    for (int32_t j = 0; j < m; j++) {
        const float d = wn_gap(square[i], square[begin + j], own[j], p->scale);
        t.far = d > t.far ? d : t.far;
        if (t.n < k || d < t.near[k - 1])
            add(&t, k, d);
    }
    write(&t, k, buf, i);
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_density_params *p = params;
    const int32_t *ptr = buf[2], base = wn_strip_base(ptr, p->skip);
    const int32_t n = wn_strip_rows(ptr, p->n_segments, p->skip, p->n);

    for (int32_t i = base; i < base + n; i++) {
        const int32_t f = wn_segment_of(ptr, p->n_segments, i);
        row(p, buf, i, ptr[f], ptr[f + 1] - ptr[f]);
    }
}

struct piece {
    const struct wn_density_params *p;
    void *const *buf;
    int32_t first, k;
    struct state state[WN_GAP_ROWS];
};

static void start(void *arg, int32_t begin, int32_t m, int32_t first, int32_t end)
{
    struct piece *piece = arg;

    piece->first = first;
    piece->k = neighbours(piece->p, piece->buf[5], m);
    for (int32_t i = 0; i < end - first; i++)
        piece->state[i] = (struct state){.n = 0};
}

WN_CLONES
static float largest(const float *d, float far, int32_t n)
{
    float lane[16];

    for (int l = 0; l < 16; l++)
        lane[l] = far;
    for (int32_t j = 0; j < n; j += 16) {
        const int end = WN_MIN(16, n - j);
        for (int l = 0; l < end; l++)
            lane[l] = d[j + l] > lane[l] ? d[j + l] : lane[l];
    }
    for (int l = 0; l < 16; l++)
        far = lane[l] > far ? lane[l] : far;
    return far;
}

static void visit(void *arg, int32_t i, int32_t j, const float *gap, int32_t n)
{
    struct piece *piece = arg;
    struct state *t = &piece->state[i - piece->first];
    const int32_t k = piece->k;

    t->far = largest(gap, t->far, n);
    for (int32_t a = 0; a < n; a++) {
        if (t->n < k || gap[a] < t->near[k - 1])
            add(t, k, gap[a]);
    }
}

static void finish(void *arg, int32_t begin, int32_t m, int32_t first, int32_t end)
{
    const struct piece *piece = arg;

    for (int32_t i = first; i < end; i++)
        write(&piece->state[i - first], piece->k, piece->buf, i);
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_density_params *p = params;
    const struct wn_gap_range range = {
        .job = {buf[0], buf[1], p->width, wn_strip_base(buf[2], p->skip), p->scale, visit},
        .ptr = buf[2],
        .n_segments = p->n_segments,
        .start = start,
        .finish = finish,
    };
    struct piece piece = {.p = p, .buf = buf};

    wn_gaps_of_range(&range, first, end, &piece);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_density_params *p = params;

    wn_blocks(pool, wn_strip_rows(buf[2], p->n_segments, p->skip, p->n), WN_GAP_ROWS, part, params,
              buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_density_params *)params)->n + 63) / 64);
}

const struct wn_kernel wn_kernel_density = {
    .name = "density",
    .n_bufs = 6,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE, WN_READ},
    .params_size = sizeof(struct wn_density_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
