/* SPDX-License-Identifier: MIT */
#include "products.h"

#include <stdlib.h>

enum { STRIP = 1 << 22 }; /* elements of a strip: what a cache holds, and enough for all threads */

bool wn_products_fit(const struct wn_build *b, const struct wn_products *p)
{
    return p->width <= b->limits.rows;
}

void wn_build_products(struct wn_build *b, struct wn_products *p)
{
    const int64_t width = WN_MAX(p->width, 1), all = p->n * width, most = b->limits.elements;
    const bool whole = wn_products_fit(b, p) && all <= most;
    const int64_t rows = whole ? p->n : WN_MAX(WN_MIN((int64_t)STRIP, most) / width / 4 * 4, 4);

    p->rows = (int32_t)WN_MIN(rows, p->n);
    p->n_strips = whole ? 1 : (int32_t)WN_MAX(1, (p->n + rows - 1) / rows);
    p->s = wn_plan_temp(b->plan, "products", p->rows * width);
    p->made = false;
}

int32_t wn_gram_runs(int32_t n, int32_t width)
{
    const int32_t groups = WN_MAX((n + 3) / 4, 1);

    return WN_MAX(1, WN_MAX((width + 1023) / 1024, WN_MIN((width + 63) / 64, 256 / groups)));
}

struct wn_strip wn_build_strip(struct wn_build *b, struct wn_products *p, int32_t k)
{
    const struct wn_strip strip = {
        .s = p->s,
        .skip = k * p->rows,
        .n = WN_MIN(p->rows, p->n - k * p->rows),
    };
    const struct wn_gram_params g = {
        .n = strip.n,
        .n_frames = p->n_segments,
        .dim = p->dim,
        .width = p->width,
        .skip = strip.skip,
        .listed = p->listed,
        .runs = wn_gram_runs(strip.n, p->width),
    };

    if (!p->made)
        WN_CALL(b, gram, &g, p->x, p->ptr, p->s, p->listed < 0 ? p->ptr : p->list,
                p->listed < 0 ? p->ptr : p->end);
    p->made = p->n_strips == 1;
    return strip;
}

wn_buf wn_build_squares(struct wn_build *b, const struct wn_products *p)
{
    const wn_buf square = wn_plan_temp(b->plan, "squares", p->n);

    WN_CALL(b, length, (&(struct wn_length_params){p->n, p->n_segments, p->dim, 1}), p->x, p->ptr,
            square);
    return square;
}

struct wn_products wn_products_of_unit(struct wn_build *b, wn_buf x, int32_t dim)
{
    struct wn_products p = WN_PRODUCTS(
        .x = wn_build_unit(b, x, dim),
        .ptr = b->in.ptr,
        .n = b->in.n,
        .n_segments = b->in.n_frames,
        .dim = dim,
        .width = wn_build_most(b),
    );

    return p;
}

/* Where segments [first, first + n] begin. */
static wn_buf part_ptr(struct wn_build *b, const struct wn_products *p, int32_t first, int32_t n)
{
    const int32_t size = n + 1;
    const wn_buf ptr = wn_plan_temp(b->plan, "part", size);
    int32_t *at = wn_build_scratch(b, size);

    for (int32_t i = 0; at && i < size; i++)
        at[i] = first + i;
    if (at)
        WN_CALL(b, take, (&(struct wn_take_params){.n = size, .n_frames = 0, .width = 1}), p->ptr,
                wn_build_ints(b, "ends", at, size), wn_build_ints(b, "n", &size, 1), ptr);
    free(at);
    return ptr;
}

void wn_build_parts(struct wn_build *b, const struct wn_products *p, wn_part_call *call, void *arg)
{
    const int64_t each = WN_MAX(1, (int64_t)p->width * p->width);
    const int32_t most = (int32_t)WN_MAX(1, WN_MIN(b->limits.elements / each, p->n_segments));

    if (!wn_products_fit(b, p))
        wn_plan_fail(b->plan, WN_ERR_LIMIT, "%s compares other halves of a frame's rows at every "
                     "step, so it stores how alike any two are, at most %d rows: here are %d",
                     b->filter, b->limits.rows, p->width);
    for (int32_t f = 0; f < p->n_segments; f += most) {
        const int32_t n = WN_MIN(most, p->n_segments - f);
        struct wn_products own = *p;
        own.ptr = n == p->n_segments ? p->ptr : part_ptr(b, p, f, n);
        own.n = own.rows = (int32_t)WN_MIN((int64_t)n * p->width, p->n);
        own.n_segments = n;
        own.n_strips = 1;
        own.s = wn_plan_temp(b->plan, "products", (int64_t)own.n * own.width);
        call(b, arg, &(struct wn_products_part){wn_build_strip(b, &own, 0).s, own.ptr, n});
    }
}
