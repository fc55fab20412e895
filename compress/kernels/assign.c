/* SPDX-License-Identifier: MIT */
#include "compress/gaps.h"

static int32_t nearest(const struct wn_assign_params *p, void *const *buf, int32_t i, int32_t begin,
                       int32_t m)
{
    const float *s = buf[0], *own = s + (int64_t)i * p->width;
    const int32_t *keep = buf[1];
    int32_t to = WN_NONE;
    float least = 0;

    for (int32_t j = 0; j < m; j++) {
        if (!keep[begin + j])
            continue;
        const float d = wn_gap(own[i - begin], s[(int64_t)(begin + j) * p->width + j], own[j], 1);
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
    const int32_t *keep = buf[1], *ptr = buf[2];
    int32_t *to = buf[3];

    for (int32_t f = 0; f < p->n_segments; f++) {
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++)
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
    const int32_t *keep = (const int32_t *)piece->buf[1], *kept = keep + piece->begin + j;
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
        ((int32_t *)piece->buf[3])[i] = ((const int32_t *)piece->buf[1])[i] ? i
                                                                            : piece->to[i - first];
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_assign_params *p = params;
    const struct wn_gap_range range = {
        .job = {buf[0], p->width, 1, visit},
        .ptr = buf[2],
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

    wn_blocks(pool, ((const int32_t *)buf[2])[p->n_segments], WN_GAP_ROWS, part, params, buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_assign_params *)params)->n + 63) / 64);
}

const struct wn_kernel wn_kernel_assign = {
    .name = "assign",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_assign_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
