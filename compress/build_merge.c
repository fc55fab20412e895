/* SPDX-License-Identifier: MIT */
/* Rows that become one: W in CSR, the rows that it makes, and what these stand for. */
#include "build.h"

#include <stdlib.h>

struct joint {
    wn_buf out_ptr;   /* of segments, each with the rows that may join each other */
    int32_t segments;
};

static wn_buf share_table(struct wn_build *b, float (*share)(int32_t c, bool first))
{
    const int64_t n = 2 * ((int64_t)b->in.n + 1);
    float *v = (float *)wn_build_scratch(b, n);
    wn_buf table;

    for (int32_t c = 0; v && c <= b->in.n; c++) {
        v[2 * c] = share(c, true);
        v[2 * c + 1] = share(c, false);
    }
    table = wn_plan_owned(b->plan, "share", v, n);
    free(v);
    return table;
}

/* Kept rows and W; sets out save data and size. */
static struct joint join(struct wn_build *b, const struct wn_list *list, wn_buf to, wn_buf shares)
{
    const wn_buf size = b->in.size;
    const int32_t n_out = list->n_out;

    b->in.size = WN_NONE; /* sums of it come later */
    const wn_buf base = wn_build_list(b, list);
    b->in.size = size;
    const struct joint j = {
        .out_ptr = list->across ? wn_build_ends(b, b->out.ptr) : b->out.ptr,
        .segments = list->across ? 1 : b->in.n_frames,
    };
    const wn_buf ptr = list->across ? wn_build_whole_ptr(b) : b->in.ptr;
    const wn_buf count = wn_plan_temp(b->plan, "members", n_out);
    WN_CALL(b, member_count, (&(struct wn_member_count_params){n_out, j.segments}), ptr, to,
            j.out_ptr, base, count);
    b->w_ptr = wn_plan_temp(b->plan, "W ptr", (int64_t)n_out + 1);
    WN_CALL(b, scan, (&(struct wn_scan_params){n_out, j.segments}), count, j.out_ptr, b->w_ptr);
    b->w_idx = wn_plan_temp(b->plan, "W idx", (int64_t)b->in.n + n_out);
    b->w = wn_plan_temp(b->plan, "W", (int64_t)b->in.n + n_out);
    WN_CALL(b, member_fill, (&(struct wn_member_fill_params){n_out, j.segments}), ptr, to,
            j.out_ptr, base, b->w_ptr, shares, b->w_idx, b->w);
    return j;
}

/* Sums of x over what each row is made of; *share: what part of its sum each entry has. */
static wn_buf totals(struct wn_build *b, const struct joint *j, wn_buf x, wn_buf *share)
{
    const wn_buf total = wn_plan_temp(b->plan, "total", b->out.n);

    *share = wn_plan_temp(b->plan, "shares", (int64_t)b->in.n + b->out.n);
    WN_CALL(b, weigh, (&(struct wn_weigh_params){b->out.n, j->segments}), x, b->w_ptr, b->w_idx,
            j->out_ptr, *share, total);
    return total;
}

wn_buf wn_build_combine(struct wn_build *b, wn_buf x, int32_t dim)
{
    const wn_buf y = wn_plan_temp(b->plan, "combined", (int64_t)b->out.n * dim);

    WN_CALL(b, combine, (&(struct wn_combine_params){b->out.n, b->in.n_frames, dim}), x, b->w_ptr,
            b->w_idx, b->w, b->out.ptr, y);
    return y;
}

void wn_build_merge(struct wn_build *b, const struct wn_list *list, wn_buf to,
                    float (*share)(int32_t c, bool first))
{
    const struct joint j = join(b, list, to, share_table(b, share));
    wn_buf unused;

    if (b->in.size != WN_NONE)
        b->out.size = totals(b, &j, b->in.size, &unused);
    b->out.data = wn_build_combine(b, b->in.data, b->in.dim);
}

void wn_build_merge_sized(struct wn_build *b, const struct wn_list *list, wn_buf to)
{
    const union { float f; int32_t i; } one = {1};

    if (b->in.size == WN_NONE)
        b->in.size = wn_build_fill(b, one.i);
    const struct joint j = join(b, list, to, wn_build_zeros(b, 2 * ((int64_t)b->in.n + 1)));
    b->out.size = totals(b, &j, b->in.size, &b->w);
    b->out.data = wn_build_combine(b, b->in.data, b->in.dim);
}
