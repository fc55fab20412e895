/* SPDX-License-Identifier: MIT */
#include "clusters.h"

#include <stdlib.h>

float wn_share_mean(int32_t c, bool first)
{
    return 1.0f / (float)(c + 1);
}

static wn_buf score(struct wn_build *b, const struct wn_clusters *c, wn_buf products)
{
    const float scale = 1.0f / (float)WN_MAX(c->dim, 1);
    const wn_buf rho = wn_plan_temp(b->plan, "density", c->n);
    const wn_buf noisy = c->noise > 0 ? wn_plan_temp(b->plan, "noisy", c->n) : WN_NONE;
    const wn_buf far = wn_plan_temp(b->plan, "farthest", c->n);
    const wn_buf y = wn_plan_temp(b->plan, "peak", c->n);
    const struct wn_density_params d = {
        .n = c->n,
        .n_segments = c->n_segments,
        .width = c->width,
        .k = WN_MIN(WN_MAX(c->k, 1), WN_DENSITY_MOST),
        .capped = c->capped,
        .scale = scale,
    };
    const struct wn_apart_params a = {
        .n = c->n,
        .n_segments = c->n_segments,
        .width = c->width,
        .few = c->few,
        .scale = scale,
    };

    WN_CALL(b, density, &d, products, c->ptr, rho, far,
            c->capped ? c->table : c->ptr);
    if (c->noise > 0)
        WN_CALL(b, blend, (&(struct wn_blend_params){.n = c->n, .a = 1, .b = c->noise}), rho,
                c->lot, noisy);
    WN_CALL(b, apart, &a, products, c->noise > 0 ? noisy : rho, far, c->ptr, y);
    return y;
}

static wn_buf find_peaks(struct wn_build *b, struct wn_clusters *c)
{
    const int32_t n = c->n, segments = c->n_segments;
    const wn_buf products = wn_plan_temp(b->plan, "products", (int64_t)n * c->width);

    WN_CALL(b, gram, (&(struct wn_gram_params){n, segments, c->dim, c->width}), c->data, c->ptr,
            products);
    c->score = score(b, c, products);
    c->rank = wn_plan_temp(b->plan, "rank", n);
    WN_CALL(b, rank, (&(struct wn_rank_params){n, segments, 1}), c->score, c->ptr, c->rank);
    return products;
}

void wn_build_find_peaks(struct wn_build *b, struct wn_clusters *c)
{
    find_peaks(b, c);
}

void wn_build_find_clusters(struct wn_build *b, struct wn_clusters *c)
{
    const int32_t n = c->n, segments = c->n_segments;
    const wn_buf products = find_peaks(b, c);
    int32_t *none = wn_build_scratch(b, segments);

    c->modes = wn_build_ints(b, "mode", c->mode ? c->mode : none, none ? segments : 0);
    free(none);
    c->keep = wn_plan_temp(b->plan, "centers", n);
    c->to = wn_plan_temp(b->plan, "to", n);
    WN_CALL(b, cut, (&(struct wn_cut_params){n, segments}), c->rank, c->ptr, c->table, c->modes,
            c->keep);
    WN_CALL(b, assign, (&(struct wn_assign_params){n, segments, c->width, 1}), products, c->keep,
            c->ptr, c->to);
}
