/* SPDX-License-Identifier: MIT */
#include "clusters.h"

#include <stdlib.h>

#include "products.h"

float wn_share_mean(int32_t c, bool first)
{
    return 1.0f / (float)(c + 1);
}

static void densities(struct wn_build *b, const struct wn_clusters *c, struct wn_products *p,
                      wn_buf square, wn_buf rho, wn_buf far)
{
    for (int32_t k = 0; k < p->n_strips; k++) {
        const struct wn_strip s = wn_build_strip(b, p, k);
        const struct wn_density_params d = {
            .n = s.n,
            .n_segments = c->n_segments,
            .width = c->width,
            .skip = s.skip,
            .k = WN_MIN(WN_MAX(c->k, 1), WN_DENSITY_MOST),
            .capped = c->capped,
            .scale = 1.0f / (float)WN_MAX(c->dim, 1),
        };
        WN_CALL(b, density, &d, s.s, square, c->ptr, rho, far, c->capped ? c->table : c->ptr);
    }
}

static wn_buf score(struct wn_build *b, const struct wn_clusters *c, struct wn_products *p,
                    wn_buf square)
{
    const wn_buf rho = wn_plan_temp(b->plan, "density", c->n);
    const wn_buf noisy = c->noise > 0 ? wn_plan_temp(b->plan, "noisy", c->n) : WN_NONE;
    const wn_buf far = wn_plan_temp(b->plan, "farthest", c->n);
    const wn_buf y = wn_plan_temp(b->plan, "peak", c->n);

    densities(b, c, p, square, rho, far);
    if (c->noise > 0)
        WN_CALL(b, blend, (&(struct wn_blend_params){.n = c->n, .a = 1, .b = c->noise}), rho,
                c->lot, noisy);
    for (int32_t k = 0; k < p->n_strips; k++) {
        const struct wn_strip s = wn_build_strip(b, p, k);
        const struct wn_apart_params a = {
            .n = s.n,
            .n_segments = c->n_segments,
            .width = c->width,
            .skip = s.skip,
            .few = c->few,
            .scale = 1.0f / (float)WN_MAX(c->dim, 1),
        };
        WN_CALL(b, apart, &a, s.s, square, c->noise > 0 ? noisy : rho, far, c->ptr, y);
    }
    return y;
}

/* Returns the squares of the rows. */
static wn_buf find_peaks(struct wn_build *b, struct wn_clusters *c, struct wn_products *p)
{
    const int32_t n = c->n, segments = c->n_segments;

    *p = (struct wn_products)WN_PRODUCTS(
        .x = c->data,
        .ptr = c->ptr,
        .n = n,
        .n_segments = segments,
        .dim = c->dim,
        .width = c->width,
    );
    wn_build_products(b, p);
    const wn_buf square = wn_build_squares(b, p);
    c->score = score(b, c, p, square);
    c->rank = wn_plan_temp(b->plan, "rank", n);
    WN_CALL(b, rank, (&(struct wn_rank_params){n, segments, 1}), c->score, c->ptr, c->rank);
    return square;
}

void wn_build_find_peaks(struct wn_build *b, struct wn_clusters *c)
{
    struct wn_products p;

    find_peaks(b, c, &p);
}

void wn_build_find_clusters(struct wn_build *b, struct wn_clusters *c)
{
    const int32_t n = c->n, segments = c->n_segments;
    struct wn_products p;
    const wn_buf square = find_peaks(b, c, &p);
    int32_t *none = wn_build_scratch(b, segments);

    c->modes = wn_build_ints(b, "mode", c->mode ? c->mode : none, none ? segments : 0);
    free(none);
    c->keep = wn_plan_temp(b->plan, "centers", n);
    c->to = wn_plan_temp(b->plan, "to", n);
    WN_CALL(b, cut, (&(struct wn_cut_params){n, segments}), c->rank, c->ptr, c->table, c->modes,
            c->keep);
    for (int32_t k = 0; k < p.n_strips; k++) {
        const struct wn_strip strip = wn_build_strip(b, &p, k);
        const struct wn_assign_params a = {strip.n, segments, c->width, strip.skip, 1};
        WN_CALL(b, assign, &a, strip.s, square, c->keep, c->ptr, c->to);
    }
}
