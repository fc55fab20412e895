/* SPDX-License-Identifier: MIT */
/* Kernels that make rows of rows: entries of W, and W times the rows. See kernels.h. */
#ifndef WN_KERNELS_MERGE_H
#define WN_KERNELS_MERGE_H

#include <assert.h>

#include "kernel.h"

/* member_count: count[r] = 1 + members of r, for the output rows r of every frame f: members are
 * the rows i of frame f with to[i] == base[r] and i != base[r]. Entries of row r of W. to[i] is
 * WN_NONE or a row of i's frame, base[r] a row of r's.
 * buf: ptr i32 [F + 1] read, to i32 [n] read, out_ptr i32 [F + 1] read, base i32 [n_out] read,
 * count i32 [n_out] write. */
struct wn_member_count_params {
    int32_t n_out, n_frames;
};
static_assert(sizeof(struct wn_member_count_params) == 8, "mirrors member_count.comp");
extern const struct wn_kernel wn_kernel_member_count;

/* member_fill: the entries that member_count counted, from w_ptr[r] on: base[r] with weight
 * share[c][0], then the members in ascending order with weight share[c][1], c: members of r.
 * buf: ptr i32 [F + 1] read, to i32 [n] read, out_ptr i32 [F + 1] read, base i32 [n_out] read,
 * w_ptr i32 [n_out + 1] read, share f32 [n + 1][2] read, w_idx i32 [n + n_out] write,
 * w f32 [n + n_out] write. */
struct wn_member_fill_params {
    int32_t n_out, n_frames;
};
static_assert(sizeof(struct wn_member_fill_params) == 8, "mirrors member_fill.comp");
extern const struct wn_kernel wn_kernel_member_fill;

/* combine: y[r] = sum over k in [w_ptr[r], w_ptr[r + 1]) of w[k] * x[w_idx[k]], in order of k,
 * for r < out_ptr[n_frames].
 * buf: x f32 [n][dim] read, w_ptr i32 [n_out + 1] read, w_idx i32 read, w f32 read,
 * out_ptr i32 [F + 1] read, y f32 [n_out][dim] write. */
struct wn_combine_params {
    int32_t n_out, n_frames, dim;
};
static_assert(sizeof(struct wn_combine_params) == 12, "mirrors combine.comp");
extern const struct wn_kernel wn_kernel_combine;

/* weigh: total[r] = sum over k in [w_ptr[r], w_ptr[r + 1]) of v[w_idx[k]], in order of k, and
 * w[k] = v[w_idx[k]] * (q * q), q = rsqrt(total[r]): its share; where total[r] < 1e-12 the first k
 * has 1 and the others 0; for r < out_ptr[n_frames].
 * buf: v f32 [n] read, w_ptr i32 [n_out + 1] read, w_idx i32 read, out_ptr i32 [F + 1] read,
 * w f32 write, total f32 [n_out] write. */
struct wn_weigh_params {
    int32_t n_out, n_frames;
};
static_assert(sizeof(struct wn_weigh_params) == 8, "mirrors weigh.comp");
extern const struct wn_kernel wn_kernel_weigh;

/* average: y[f] = share[m] * the sum of the m rows of segment f, in order.
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, share f32 [n + 1] read, y f32 [F][dim] write. */
struct wn_average_params {
    int32_t n_segments, dim;
};
static_assert(sizeof(struct wn_average_params) == 8, "mirrors average.comp");
extern const struct wn_kernel wn_kernel_average;

/* around_count: entries of row r of W, for the output rows r of every frame f: 1 + min(k, m - 1)
 * where row base[r] is flagged, m: rows of f; where it is not, all rows of f that are not.
 * buf: ptr i32 [F + 1] read, flag i32 [n] read, out_ptr i32 [F + 1] read, base i32 [n_out] read,
 * count i32 [n_out] write. */
#define WN_AROUND_MOST 64
struct wn_around_count_params {
    int32_t n_out, n_frames, k;
};
static_assert(sizeof(struct wn_around_count_params) == 12, "mirrors around_count.comp");
extern const struct wn_kernel wn_kernel_around_count;

/* around_fill: the entries that around_count counted, from w_ptr[r] on: base[r] with weight 1, then
 * the rows j of its frame with the largest s[r - skip][j], the product with row base[r], best first
 * (lower row first), each with weight a[j]; or the rows that are not flagged, ascending, with
 * weights a. No row has more than 1 + WN_AROUND_MOST of the former. For skip <= r < skip + n_out.
 * A workgroup a row. buf: s f32 [n_out][width] read, ptr i32 [F + 1] read, flag i32 [n] read,
 * a f32 [n] read, base i32 [n_out] read, w_ptr i32 [n_out + 1] read, w_idx i32 write,
 * w f32 write. */
struct wn_around_fill_params {
    int32_t n_out, n_frames, width, skip;
};
static_assert(sizeof(struct wn_around_fill_params) == 16, "mirrors around_fill.comp");
extern const struct wn_kernel wn_kernel_around_fill;

#endif
