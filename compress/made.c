/* SPDX-License-Identifier: MIT */
#include "made.h"

#include <stdlib.h>

void wn_build_made(struct wn_build *b, struct wn_made *made)
{
    made->ptr = wn_plan_temp(b->plan, "ptr", (int64_t)b->in.n_frames + 1);
    made->base = wn_plan_temp(b->plan, "stands for", made->n_out);
    made->w_ptr = wn_plan_temp(b->plan, "W ptr", (int64_t)made->n_out + 1);
    made->w_idx = wn_plan_temp(b->plan, "W idx", made->n_entries);
    made->w = wn_plan_temp(b->plan, "W", made->n_entries);
}

wn_buf wn_build_apply(struct wn_build *b, const struct wn_made *made, wn_buf x)
{
    const wn_buf y = wn_plan_temp(b->plan, "data", (int64_t)made->n_out * b->in.dim);
    const struct wn_combine_params p = {
        .n_out = made->n_out,
        .n_frames = b->in.n_frames,
        .dim = b->in.dim,
    };

    WN_CALL(b, combine, &p, x, made->w_ptr, made->w_idx, made->w, made->ptr, y);
    return y;
}

/* Rows a frame, where the host kernel ran when the plan was made. */
static void known_counts(struct wn_build *b, const struct wn_made *made, struct wn_list *list)
{
    int n;
    const struct wn_plan_buffer *buffer = wn_plan_buffers(b->plan, &n);
    const int32_t *ptr = made->ptr < 0 || made->ptr >= n ? NULL : buffer[made->ptr].own;
    int32_t *count = ptr ? wn_build_scratch(b, b->in.n_frames) : NULL;

    for (int32_t f = 0; count && f < b->in.n_frames; f++)
        count[f] = ptr[f + 1] - ptr[f];
    if (count) {
        list->n_out = ptr[b->in.n_frames];
        list->count = wn_build_keep_ints(b, count, b->in.n_frames);
    }
    free(count);
}

/* How many patches a row stands for: sums over its entries. */
static wn_buf sizes(struct wn_build *b, const struct wn_made *made)
{
    const wn_buf y = wn_plan_temp(b->plan, "size", made->n_out);
    const wn_buf shares = wn_plan_temp(b->plan, "shares", made->n_entries);

    WN_CALL(b, weigh, (&(struct wn_weigh_params){made->n_out, b->in.n_frames}), b->in.size,
            made->w_ptr, made->w_idx, made->ptr, shares, y);
    return y;
}

void wn_build_rows(struct wn_build *b, const struct wn_made *made)
{
    struct wn_list list = {
        .n_out = made->n_out,
        .most = made->most,
    };
    struct wn_made exact = *made;

    known_counts(b, made, &list);
    exact.n_out = list.n_out;
    wn_build_carry(b, &list, made->ptr, made->base);
    if (b->in.size != WN_NONE)
        b->out.size = sizes(b, &exact);
    b->out.data = wn_build_apply(b, &exact, b->in.data);
    b->w_ptr = made->w_ptr;
    b->w_idx = made->w_idx;
    b->w = made->w;
}
