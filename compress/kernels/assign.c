/* SPDX-License-Identifier: MIT */
#include "compress/gaps.h"

static int32_t nearest(const struct wn_assign_params *p, void *const *buf, int32_t i, int32_t begin,
                       int32_t m)
{
    const int32_t *keep = buf[2], base = wn_strip_base(buf[3], p->skip);
    const float *own = (const float *)buf[0] + (int64_t)(i - base) * p->width, *square = buf[1];
    int32_t to = WN_NONE;
    float least = 0;

    for (int32_t j = 0; j < m; j++) {
        if (!keep[begin + j])
            continue;
        const float d = wn_gap(square[i], square[begin + j], own[j], 1);
        if (to == WN_NONE || d < least) {
            to = begin + j;
            least = d;
        }
    }
    return to;
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_assign_params *p = params;
    const int32_t *keep = buf[2], *ptr = buf[3], base = wn_strip_base(ptr, p->skip);
    const int32_t n = wn_strip_rows(ptr, p->n_segments, p->skip, p->n);
    int32_t *to = buf[4];

    for (int32_t i = base; i < base + n; i++) {
        const int32_t f = wn_segment_of(ptr, p->n_segments, i);
        to[i] = keep[i] ? i : nearest(p, buf, i, ptr[f], ptr[f + 1] - ptr[f]);
    }
}

struct piece {
    void *const *buf;
    int32_t begin, first;
    int32_t to[WN_GAP_ROWS];
    float least[WN_GAP_ROWS];
};

static void start(void *arg, int32_t begin, int32_t m, int32_t first, int32_t end)
{
    struct piece *piece = arg;

    piece->begin = begin;
    piece->first = first;
    for (int32_t i = 0; i < end - first; i++)
        piece->to[i] = WN_NONE;
}

static void visit(void *arg, int32_t i, int32_t j, const float *gap, int32_t n)
{
    struct piece *piece = arg;
    const int32_t *keep = (const int32_t *)piece->buf[2], *kept = keep + piece->begin + j;
    int32_t *to = &piece->to[i - piece->first];
    float least = piece->least[i - piece->first];

    if (keep[i])
        return;
    for (int32_t a = 0; a < n; a++) {
        if (kept[a] && (*to == WN_NONE || gap[a] < least)) {
            *to = piece->begin + j + a;
            least = gap[a];
        }
    }
    piece->least[i - piece->first] = least;
}

static void finish(void *arg, int32_t begin, int32_t m, int32_t first, int32_t end)
{
    const struct piece *piece = arg;

    for (int32_t i = first; i < end; i++)
        ((int32_t *)piece->buf[4])[i] = ((const int32_t *)piece->buf[2])[i] ? i
                                                                            : piece->to[i - first];
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_assign_params *p = params;
    const struct wn_gap_range range = {
        .job = {buf[0], buf[1], p->width, wn_strip_base(buf[3], p->skip), 1, visit},
        .ptr = buf[3],
        .n_segments = p->n_segments,
        .start = start,
        .finish = finish,
    };
    struct piece piece = {.buf = buf};

    wn_gaps_of_range(&range, first, end, &piece);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_assign_params *p = params;

    wn_blocks(pool, wn_strip_rows(buf[3], p->n_segments, p->skip, p->n), WN_GAP_ROWS, part, params,
              buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_assign_params *)params)->n + 63) / 64);
}

const struct wn_kernel wn_kernel_assign = {
    .name = "assign",
    .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_assign_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
