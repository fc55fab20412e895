/* SPDX-License-Identifier: MIT */
#include "compress/gaps.h"

/* least below 0: no row stands before i. */
static float height(void *const *buf, int32_t i, int32_t begin, int32_t m, float least)
{
    const float *rho = buf[2], *far = buf[3];

    for (int32_t j = 0, none = least < 0; none && j < m; j++)
        least = far[begin + j] > least ? far[begin + j] : least;
    return rho[i] * (least * wn_rsqrt(least > 1e-24f ? least : 1e-24f));
}

static float nearest(const struct wn_apart_params *p, void *const *buf, int32_t i, int32_t begin,
                     int32_t m)
{
    const int32_t base = wn_strip_base(buf[4], p->skip);
    const float *own = (const float *)buf[0] + (int64_t)(i - base) * p->width;
    const float *square = buf[1], *rho = buf[2];
    float least = -1;

    for (int32_t j = 0; j < m; j++) {
        if (!wn_before(rho[begin + j], begin + j, rho[i], i))
            continue;
        const float d = wn_gap(square[i], square[begin + j], own[j], p->scale);
        least = least < 0 || d < least ? d : least;
    }
    return least;
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_apart_params *p = params;
    const int32_t *ptr = buf[4], base = wn_strip_base(ptr, p->skip);
    const int32_t n = wn_strip_rows(ptr, p->n_segments, p->skip, p->n);
    float *y = buf[5];

    for (int32_t i = base; i < base + n; i++) {
        const int32_t f = wn_segment_of(ptr, p->n_segments, i), begin = ptr[f];
        const int32_t m = ptr[f + 1] - begin;
        y[i] = m <= p->few ? (float)(begin - i)
                           : height(buf, i, begin, m, nearest(p, buf, i, begin, m));
    }
}

struct piece {
    const struct wn_apart_params *p;
    void *const *buf;
    int32_t begin, first;
    float least[WN_GAP_ROWS];
};

static void start(void *arg, int32_t begin, int32_t m, int32_t first, int32_t end)
{
    struct piece *piece = arg;

    piece->begin = begin;
    piece->first = first;
    for (int32_t i = 0; i < end - first; i++)
        piece->least[i] = -1;
}

/* The least gap to rows of `before`'s order, most of which are no candidates. */
static void visit(void *arg, int32_t i, int32_t j, const float *gap, int32_t n)
{
    struct piece *piece = arg;
    const float *rho = (const float *)piece->buf[2], *other = rho + piece->begin + j, own = rho[i];
    const int32_t place = i - piece->begin - j; /* of i in this run; outside of it where not */
    float least = piece->least[i - piece->first];

    for (int32_t a = 0; a < n; a++) {
        const bool before = other[a] > own || (other[a] == own && a < place);
        if (before && (least < 0 || gap[a] < least))
            least = gap[a];
    }
    piece->least[i - piece->first] = least;
}

static void finish(void *arg, int32_t begin, int32_t m, int32_t first, int32_t end)
{
    const struct piece *piece = arg;
    float *y = piece->buf[5];

    for (int32_t i = first; i < end; i++)
        y[i] = m <= piece->p->few ? (float)(begin - i)
                                  : height(piece->buf, i, begin, m, piece->least[i - first]);
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_apart_params *p = params;
    const struct wn_gap_range range = {
        .job = {buf[0], buf[1], p->width, wn_strip_base(buf[4], p->skip), p->scale, visit},
        .ptr = buf[4],
        .n_segments = p->n_segments,
        .start = start,
        .finish = finish,
    };
    struct piece piece = {.p = p, .buf = buf};

    wn_gaps_of_range(&range, first, end, &piece);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_apart_params *p = params;

    wn_blocks(pool, wn_strip_rows(buf[4], p->n_segments, p->skip, p->n), WN_GAP_ROWS, part, params,
              buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_apart_params *)params)->n + 63) / 64);
}

const struct wn_kernel wn_kernel_apart = {
    .name = "apart",
    .n_bufs = 6,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_apart_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
