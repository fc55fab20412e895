/* SPDX-License-Identifier: MIT */
/* Kernels over numbers of rows and lists of them: what stays. See kernels.h. */
#ifndef WN_KERNELS_SELECT_H
#define WN_KERNELS_SELECT_H

#include <assert.h>

#include "kernel.h"

/* reduce: y[i][c] = scale * sum over a, then b of x[i * width + offset + c * step_c + a * step_a +
 * b * step_b] for i < n, c < n_c; a plain loop, a outer. Head means, layer sums. max 1: scale * the
 * largest of them, -3e38 of none.
 * buf: x [n][width] read, y [n][n_c] write. */
struct wn_reduce_params {
    int32_t n, width, offset, n_c, step_c, n_a, step_a, n_b, step_b;
    float scale;
    int32_t max;
};
static_assert(sizeof(struct wn_reduce_params) == 44, "mirrors reduce.comp");
extern const struct wn_kernel wn_kernel_reduce;

/* rank: rank[i] = how many rows of i's segment stand before i, best first.
 * `descending` 0: the lowest key is best. Ties: lower index first.
 * buf: key f32 [n] read, ptr i32 [F + 1] read, rank i32 [n] write. */
struct wn_rank_params {
    int32_t n, n_segments, descending;
};
static_assert(sizeof(struct wn_rank_params) == 12, "mirrors rank.comp");
extern const struct wn_kernel wn_kernel_rank;

/* cut: keep[i] = rank[i] < table[rows in i's segment]; a segment with mode[s] > 0 keeps everything,
 * one with mode[s] < 0 nothing; for i < ptr[n_segments].
 * buf: rank i32 [n] read, ptr i32 [F + 1] read, table i32 [n + 1] read, mode i32 [F] read,
 * keep i32 [n] write. */
struct wn_cut_params {
    int32_t n, n_segments;
};
static_assert(sizeof(struct wn_cut_params) == 8, "mirrors cut.comp");
extern const struct wn_kernel wn_kernel_cut;

/* spread: keeps k = table[m] of the m rows of a segment with among[i] != 0, evenly. The one at
 * place j of these (from 0) stays when, stepped 0: (j * k) mod m + k >= m, exactly, with products
 * up to 62 bits; stepped 1: j % step == 0 and j / step < k, where step = max(1, m / k).
 * k 0: none. keep[i] = 0 for the others; for i < ptr[n_segments].
 * buf: ptr i32 [F + 1] read, table i32 [n + 1] read, among i32 [n] read, keep i32 [n] write. */
struct wn_spread_params {
    int32_t n, n_segments, stepped;
};
static_assert(sizeof(struct wn_spread_params) == 12, "mirrors spread.comp");
extern const struct wn_kernel wn_kernel_spread;

/* lookup: y[i] = table[at[f] + cell[i]] as 32-bit words, where f is i's frame; for
 * i < ptr[n_frames].
 * buf: cell i32 [n] read, ptr i32 [F + 1] read, at i32 [F] read, table [m] read, y [n] write. */
struct wn_lookup_params {
    int32_t n, n_frames;
};
static_assert(sizeof(struct wn_lookup_params) == 8, "mirrors lookup.comp");
extern const struct wn_kernel wn_kernel_lookup;

/* where: y[i] = flag[i] != 0 ? value : x[i]; for i < ptr[n_frames].
 * buf: x f32 [n] read, flag i32 [n] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_where_params {
    int32_t n, n_frames;
    float value;
};
static_assert(sizeof(struct wn_where_params) == 12, "mirrors where.comp");
extern const struct wn_kernel wn_kernel_where;

/* mix: y[i] = a * x[i] + b * z[i] + c in integers; as_float != 0: that number as a float; for
 * i < ptr[n_frames].
 * buf: x i32 [n] read, z i32 [n] read, ptr i32 [F + 1] read, y [n] write. */
struct wn_mix_params {
    int32_t n, n_frames, a, b, c, as_float;
};
static_assert(sizeof(struct wn_mix_params) == 24, "mirrors mix.comp");
extern const struct wn_kernel wn_kernel_mix;

/* chunk: to[i] = the first row of i's run of `size` rows of its frame (runs start at the frame's
 * first row), WN_NONE in a last run that is shorter; ends != 0: instead 1 for the last row of each
 * whole run, else 0; for i < ptr[n_frames].
 * buf: ptr i32 [F + 1] read, to i32 [n] write. */
struct wn_chunk_params {
    int32_t n, n_frames, size, ends;
};
static_assert(sizeof(struct wn_chunk_params) == 16, "mirrors chunk.comp");
extern const struct wn_kernel wn_kernel_chunk;

/* own: keep[i] = to[i] == i; for i < ptr[n_frames].
 * buf: to i32 [n] read, ptr i32 [F + 1] read, keep i32 [n] write. */
struct wn_own_params {
    int32_t n, n_frames;
};
static_assert(sizeof(struct wn_own_params) == 8, "mirrors own.comp");
extern const struct wn_kernel wn_kernel_own;

/* noise: for i < ptr[n_segments], key[i] = a 24-bit integer as float, from hash(seed, id[f],
 * cell[i]) where f is i's frame.
 * hash: h = seed; for each v: h = (h ^ v) * 0x9e3779b1; h ^= h >> 15; then h *= 0x85ebca6b;
 * h ^= h >> 13; key = h >> 8, all uint32.
 * buf: ptr i32 [F + 1] read, id i32 [F] read, cell i32 [n] read, key f32 [n] write. */
struct wn_noise_params {
    int32_t n, n_segments;
    uint32_t seed;
};
static_assert(sizeof(struct wn_noise_params) == 12, "mirrors noise.comp");
extern const struct wn_kernel wn_kernel_noise;

/* compact: the kept rows of every frame, in order: out_ptr = prefix sums of the counts,
 * idx[out_ptr[f] ..] = kept rows of f, ascending, or by_rank != 0: the row of rank r at place r
 * for frames whose mode[f] is 0 (there the kept ones must be ranks 0 .. count - 1).
 * One workgroup. buf: keep i32 [n] read, rank i32 [n] read, mode i32 [F] read,
 * ptr i32 [F + 1] read, idx i32 [n] write, out_ptr i32 [F + 1] write. */
struct wn_compact_params {
    int32_t n, n_frames, by_rank;
};
static_assert(sizeof(struct wn_compact_params) == 12, "mirrors compact.comp");
extern const struct wn_kernel wn_kernel_compact;

/* take: y[i][c] = x[idx[i]][c] as 32-bit words, for i < out_ptr[n_frames], c < width.
 * buf: x [m][width] read, idx i32 [n] read, out_ptr i32 [F + 1] read, y [n][width] write. */
struct wn_take_params {
    int32_t n, n_frames, width;
};
static_assert(sizeof(struct wn_take_params) == 12, "mirrors take.comp");
extern const struct wn_kernel wn_kernel_take;

/* pair: mate[i] = the row of frame ref[f] that has the same cell as i (the first one), or WN_NONE;
 * f is i's frame; ref[f] WN_NONE: no mate; ref[f] may be f; for i < ptr[n_frames].
 * buf: cell i32 [n] read, ptr i32 [F + 1] read, ref i32 [F] read, mate i32 [n] write. */
struct wn_pair_params {
    int32_t n, n_frames;
};
static_assert(sizeof(struct wn_pair_params) == 8, "mirrors pair.comp");
extern const struct wn_kernel wn_kernel_pair;

/* scan: out[0] = 0, out[i + 1] = out[i] + x[i], for i < ptr[n_frames]; and out stays at the total
 * up to n.
 * One workgroup. buf: x i32 [n] read, ptr i32 [F + 1] read, out i32 [n + 1] write. */
struct wn_scan_params {
    int32_t n, n_frames;
};
static_assert(sizeof(struct wn_scan_params) == 8, "mirrors scan.comp");
extern const struct wn_kernel wn_kernel_scan;

/* lead: flag[i] = 1 for the row with the lowest x (first of equals) of those of its frame with its
 * label; 0 for the others and where label[i] < 0; for i < ptr[n_frames].
 * buf: x f32 [n] read, label i32 [n] read, ptr i32 [F + 1] read, flag i32 [n] write. */
struct wn_lead_params {
    int32_t n, n_frames;
};
static_assert(sizeof(struct wn_lead_params) == 8, "mirrors lead.comp");
extern const struct wn_kernel wn_kernel_lead;

/* dents: a grid of side x side numbers, `grid` at first. Frame after frame: the x of its rows but
 * the `first` first ones are put, in order, where the grid is below 1e30, as many as find a place;
 * then of each window x window cells (row by row, cut at the edges) the lowest (first of equals),
 * of number c, gets 3e38 if c is below the count of those rows, and the c-th of them flag 1. The
 * other flags are 0. out: the grid in the end.
 * One workgroup. buf: x f32 [n] read, ptr i32 [F + 1] read, grid f32 [side * side] read,
 * flag i32 [n] write, out f32 [side * side] write. */
struct wn_dents_params {
    int32_t n, n_frames, first, side, window;
};
static_assert(sizeof(struct wn_dents_params) == 20, "mirrors dents.comp");
extern const struct wn_kernel wn_kernel_dents;

/* stretch: y[i] = ((x[i] - low) + offset) * (q * q), where q = rsqrt(max(high - low, 1e-12)), low
 * and high over all rows; for i < ptr[n_frames].
 * One workgroup. buf: x f32 [n] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_stretch_params {
    int32_t n, n_frames;
    float offset;
};
static_assert(sizeof(struct wn_stretch_params) == 12, "mirrors stretch.comp");
extern const struct wn_kernel wn_kernel_stretch;

/* windows: runs of frames with one label become windows: start[t] = the first frame of t's. First
 * only the longest runs of every label stay, of two frames or more; then, from the left, what lies
 * between takes the label of the longer run beside it (of the labels so far), the left one of
 * equals, 0 where there is none. now: the labels that come out.
 * One invocation. buf: label i32 [n] read, from 0 to n - 1; longest i32 [n] write, now i32 [n]
 * write, start i32 [n] write. */
struct wn_windows_params {
    int32_t n;
};
static_assert(sizeof(struct wn_windows_params) == 4, "mirrors windows.comp");
extern const struct wn_kernel wn_kernel_windows;

/* follow: to[i] = mate[i] where that is a row with flag[mate[i]] != 0, else i; for
 * i < ptr[n_frames].
 * buf: mate i32 [n] read, flag i32 [n] read, ptr i32 [F + 1] read, to i32 [n] write. */
struct wn_follow_params {
    int32_t n, n_frames;
};
static_assert(sizeof(struct wn_follow_params) == 8, "mirrors follow.comp");
extern const struct wn_kernel wn_kernel_follow;

/* split: two parts a frame: parts[2 f] = ptr[f], parts[2 f + 1] = ptr[f] + first[f + 1] - first[f],
 * and ptr[n_frames] in the end.
 * buf: ptr i32 [F + 1] read, first i32 [F + 1] read, parts i32 [2 F + 1] write. */
struct wn_split_params {
    int32_t n_frames;
};
static_assert(sizeof(struct wn_split_params) == 4, "mirrors split.comp");
extern const struct wn_kernel wn_kernel_split;

/* repeat: frames of `parts` segments each get the last one a second time: idx = the rows of frame
 * 0, those of its last segment again, the rows of frame 1 ...; out_ptr the same with one segment
 * more a frame. n: of idx, enough for all.
 * buf: ptr i32 [parts * F + 1] read, idx i32 [n] write, out_ptr i32 [(parts + 1) * F + 1] write. */
struct wn_repeat_params {
    int32_t n_frames, parts;
};
static_assert(sizeof(struct wn_repeat_params) == 8, "mirrors repeat.comp");
extern const struct wn_kernel wn_kernel_repeat;

/* blend: y[i] = ((a * x[i] + b * z[i]) + d * (x[i] * z[i])) + c for i < n.
 * buf: x f32 [n] read, z f32 [n] read, y f32 [n] write. */
struct wn_blend_params {
    int32_t n;
    float a, b, c, d;
};
static_assert(sizeof(struct wn_blend_params) == 20, "mirrors blend.comp");
extern const struct wn_kernel wn_kernel_blend;

/* over: y[i] = x[i] >= factor * t[s], where s is i's segment; for i < ptr[n_segments].
 * buf: x f32 [n] read, t f32 [F] read, ptr i32 [F + 1] read, y i32 [n] write. */
struct wn_over_params {
    int32_t n, n_segments;
    float factor;
};
static_assert(sizeof(struct wn_over_params) == 12, "mirrors over.comp");
extern const struct wn_kernel wn_kernel_over;

/* slide: y[i] = scale * the sum, in order, of the x[j] of i's segment with i - before <= j <= i +
 * after; max 1: scale * the largest; for i < ptr[n_segments].
 * buf: x f32 [n] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_slide_params {
    int32_t n, n_segments, before, after, max;
    float scale;
};
static_assert(sizeof(struct wn_slide_params) == 24, "mirrors slide.comp");
extern const struct wn_kernel wn_kernel_slide;

/* enough: keeps the best rows of a segment until they hold a share of its total: value has the rows
 * of a segment in order of their rank, keep[i] = rank[i] < the fewest first values that reach
 * share * total; all when none do. Sums run in WN_LANES pieces of ceil(m / WN_LANES) values, then
 * over the pieces, then inside the piece that reaches it.
 * A workgroup a segment. buf: value f32 [n] read, rank i32 [n] read, ptr i32 [F + 1] read,
 * keep i32 [n] write. */
struct wn_enough_params {
    int32_t n, n_segments;
    float share;
};
static_assert(sizeof(struct wn_enough_params) == 12, "mirrors enough.comp");
extern const struct wn_kernel wn_kernel_enough;

/* trim: keep[i] = whether row i stays when rows go until at most `most` are left: of each segment
 * the last ceil((ptr[F] - most) / F) ones, and then what is too much at the end.
 * buf: ptr i32 [F + 1] read, keep i32 [n] write. */
struct wn_trim_params {
    int32_t n, n_segments, most;
};
static_assert(sizeof(struct wn_trim_params) == 12, "mirrors trim.comp");
extern const struct wn_kernel wn_kernel_trim;

/* shares: softmax of a segment: y[i] = e[i] * (q * q), where e[i] = exp(scale * x[i] - the largest
 * scale * x of i's segment), q = rsqrt(max(sum of e, 1e-12)), the sum in lanes; for
 * i < ptr[n_segments].
 * A workgroup a segment. buf: x f32 [n] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_shares_params {
    int32_t n, n_segments;
    float scale;
};
static_assert(sizeof(struct wn_shares_params) == 12, "mirrors shares.comp");
extern const struct wn_kernel wn_kernel_shares;

/* outlier: keep[i] = x[i] > q3 + factor * (q3 - q1), the quartiles of i's segment: numbers at ranks
 * from the lowest up, between two of them a line. rank: the largest x of a segment first.
 * A workgroup a segment. buf: x f32 [n] read, rank i32 [n] read, ptr i32 [F + 1] read,
 * keep i32 [n] write. */
struct wn_outlier_params {
    int32_t n, n_segments;
    float factor;
};
static_assert(sizeof(struct wn_outlier_params) == 12, "mirrors outlier.comp");
extern const struct wn_kernel wn_kernel_outlier;

/* every: with c of the m rows of a segment flagged, y[i] = 1 for the rows at its places j < m - 1
 * with j % step == 0 that are not, step = max(1, m / c / part); c 0: for none.
 * A workgroup a segment. buf: flag i32 [n] read, ptr i32 [F + 1] read, y i32 [n] write. */
struct wn_every_params {
    int32_t n, n_segments, part;
};
static_assert(sizeof(struct wn_every_params) == 12, "mirrors every.comp");
extern const struct wn_kernel wn_kernel_every;

/* ln: y[i] = ln(max(x[i], 1e-30)), for i < ptr[n_frames].
 * buf: x f32 [n] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_ln_params {
    int32_t n, n_frames;
};
static_assert(sizeof(struct wn_ln_params) == 8, "mirrors ln.comp");
extern const struct wn_kernel wn_kernel_ln;

/* divide: the parts s of frame f, ptr[f] .. ptr[f + 1] - 1, get quotas in whole numbers. Those with
 * fixed[s] >= 0 get that; the others (-1) share amount[f] by weight w >= 0, none more than its cap:
 *  EXACT  all of it, as far as caps allow: where a share is not below its cap, the cap, and what is
 *         left is shared anew; then whole shares, and one more for the largest remainders (lower s
 *         first); weights that are all 0 count as the caps;
 *  FLOOR  min(cap, floor(amount * w / sum of w)), 0 where the sum is 0;
 *  OWN    min(cap, floor(w)).
 * Caps and amounts are whole numbers.
 * buf: w f32 [n] read, cap f32 [n] read, fixed f32 [n] read, ptr i32 [F + 1] read, amount f32 [F]
 * read, quota f32 [n] write. */
enum wn_divide { WN_DIVIDE_EXACT, WN_DIVIDE_FLOOR, WN_DIVIDE_OWN };
struct wn_divide_params {
    int32_t n, n_frames, how;
};
static_assert(sizeof(struct wn_divide_params) == 12, "mirrors divide.comp");
extern const struct wn_kernel wn_kernel_divide;

#endif
