/* SPDX-License-Identifier: MIT */
/* Every kernel: its buffers in order, its params and its one-sentence formula. The structs mirror
 * the push constants of shaders/NAME.comp. F: frames (or other segments), n: most rows. */
#ifndef WN_KERNELS_H
#define WN_KERNELS_H

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

/* pair_cos: y[i] = offset + scale * cos(x[i], x[mate[i]]), or `none` where mate[i] is WN_NONE;
 * cos(a, b) = dot(a, b) * (rsqrt(max(dot(a, a), 1e-16)) * rsqrt(max(dot(b, b), 1e-16))), for
 * i < ptr[n_frames].
 * buf: x f32 [n][dim] read, mate i32 [n] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_pair_cos_params {
    int32_t n, n_frames, dim;
    float offset, scale, none;
};
static_assert(sizeof(struct wn_pair_cos_params) == 24, "mirrors pair_cos.comp");
extern const struct wn_kernel wn_kernel_pair_cos;

/* unit: y[i] = x[i] * rsqrt(max(dot(x[i], x[i]), 1e-24)), for i < ptr[n_frames]. dim 0: x has a
 * number a row, and each segment is such a vector.
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, y f32 [n][dim] write. */
struct wn_unit_params {
    int32_t n, n_frames, dim;
};
static_assert(sizeof(struct wn_unit_params) == 12, "mirrors unit.comp");
extern const struct wn_kernel wn_kernel_unit;

/* nearest: to[i] = the row t among frame f's targets, target[k] for k in [target_ptr[f],
 * target_ptr[f + 1]), with the largest dot(x[i], x[t]), first of equals, and value[i] that dot, for
 * rows with ask[i] != 0; else to[i] = WN_NONE, value[i] = 0. WN_NONE also where the frame has no
 * target; for i < ptr[n_frames].
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, target i32 [n] read, target_ptr i32 [F + 1] read,
 * ask i32 [n] read, to i32 [n] write, value f32 [n] write. */
struct wn_nearest_params {
    int32_t n, n_frames, dim;
};
static_assert(sizeof(struct wn_nearest_params) == 12, "mirrors nearest.comp");
extern const struct wn_kernel wn_kernel_nearest;

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

/* scan: out[0] = 0, out[i + 1] = out[i] + x[i], for i < ptr[n_frames]; and out stays at the total
 * up to n.
 * One workgroup. buf: x i32 [n] read, ptr i32 [F + 1] read, out i32 [n + 1] write. */
struct wn_scan_params {
    int32_t n, n_frames;
};
static_assert(sizeof(struct wn_scan_params) == 8, "mirrors scan.comp");
extern const struct wn_kernel wn_kernel_scan;

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

/* tally: y[i] = the sum in lanes of x[i][j], first <= j < m, m: rows of i's frame, at most `width`;
 * for i < ptr[n_frames].
 * buf: x f32 [n][width] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_tally_params {
    int32_t n, n_frames, width, first;
};
static_assert(sizeof(struct wn_tally_params) == 16, "mirrors tally.comp");
extern const struct wn_kernel wn_kernel_tally;

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

/* likely: for rows i with ask[i] != 0, of a frame f with m rows: to[i][k] = most * the row t of f
 * with allow[t] != 0 and the k-th largest x[i][t - ptr[f]], first of equals, for k < min(count[m],
 * most) as far as there are; value[i][k] = e * (q * q), its part of the softmax of all m columns: e
 * = exp(x - the largest of the row), q = rsqrt(max(sum of e, 1e-12)), in lanes; part[i][k] =
 * e * (r * r), its part among those taken: r = rsqrt(max(sum of theirs, in order of k, 1e-12)).
 * Elsewhere WN_NONE, 0, and 0, but part[i][0] = 1 where ask[i] is 0; for i < ptr[n_frames].
 * A workgroup a row. buf: x f32 [n][width] read, ptr i32 [F + 1] read, ask i32 [n] read,
 * allow i32 [n] read, count i32 [n + 1] read, to i32 [n][most] write, value f32 [n][most] write,
 * part f32 [n][most] write. */
#define WN_LIKELY_MOST 8
struct wn_likely_params {
    int32_t n, n_frames, width, most;
};
static_assert(sizeof(struct wn_likely_params) == 16, "mirrors likely.comp");
extern const struct wn_kernel wn_kernel_likely;

/* gram: y[i][j] = dot(x[i], x[ptr[f] + j]) for j < rows of i's frame f, which are at most `width`;
 * for i < ptr[n_frames].
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, y f32 [n][width] write. */
struct wn_gram_params {
    int32_t n, n_frames, dim, width;
};
static_assert(sizeof(struct wn_gram_params) == 16, "mirrors gram.comp");
extern const struct wn_kernel wn_kernel_gram;

/* farthest: rows of a segment one after the other, each the least like those before it: rank[i] =
 * the step (from 0) at which i is taken, table[m] steps for m rows; m for the others. The first is
 * the row with the smallest max over j != i of s[i][j]; then the one whose max over taken rows t of
 * s[t][i] is smallest; lower row first. near[i]: that max, 3e38 once taken.
 * A workgroup a segment. buf: s f32 [n][width] read, ptr i32 [F + 1] read, table i32 [n + 1] read,
 * near f32 [n] write, rank i32 [n] write. */
struct wn_farthest_params {
    int32_t n, n_segments, width;
};
static_assert(sizeof(struct wn_farthest_params) == 12, "mirrors farthest.comp");
extern const struct wn_kernel wn_kernel_farthest;

/* dpp: greedy search for the rows of a segment with the largest determinant of K[i][j] = (r[i] *
 * r[j]) * s[i][j]; rank as of `farthest`. d[i] starts as K[i][i]; step t takes the row p with the
 * largest d of those not taken (lower row first), then for those still not taken: c[t][i] =
 * (K[p][i] - sum over u < t, in order, of c[u][p] * c[u][i]) * q and d[i] -= c[t][i] * c[t][i],
 * where q = rsqrt(d[p]), or 0 when d[p] < 1e-10: what the taken rows span already. At most `most`
 * steps.
 * A workgroup a segment. buf: s f32 [n][width] read, r f32 [n] read, ptr i32 [F + 1] read,
 * table i32 [n + 1] read, c f32 [n][most] write (a segment's [most][m], from its first row on),
 * d f32 [n] write, rank i32 [n] write. */
struct wn_dpp_params {
    int32_t n, n_segments, width, most;
};
static_assert(sizeof(struct wn_dpp_params) == 16, "mirrors dpp.comp");
extern const struct wn_kernel wn_kernel_dpp;

/* stretch: y[i] = ((x[i] - low) + offset) * (q * q), where q = rsqrt(max(high - low, 1e-12)), low
 * and high over all rows; for i < ptr[n_frames].
 * One workgroup. buf: x f32 [n] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_stretch_params {
    int32_t n, n_frames;
    float offset;
};
static_assert(sizeof(struct wn_stretch_params) == 12, "mirrors stretch.comp");
extern const struct wn_kernel wn_kernel_stretch;

/* density, apart and assign find clusters by density peaks among the rows of a segment, from their
 * dot products s (`gram`, with no frame of more than `width` rows). The gap of rows i and j is
 * scale * max((s_ii + s_jj) - 2 * s_ij, 0), a squared distance. */
static inline float wn_gap(float s_ii, float s_jj, float s_ij, float scale)
{
    const float d = (s_ii + s_jj) - 2 * s_ij;

    return scale * (d > 0 ? d : 0);
}

/* density: rho[i] = exp(-(sum of the min(k, m) smallest gaps of i, itself among the m rows of its
 * segment, smallest first) * (q * q)), q = rsqrt(min(k, m)); far[i] = its largest gap; for
 * i < ptr[n_segments]. k from 1 to WN_DENSITY_MOST; capped: max(min(k, table[m]), 1) stands for it.
 * buf: s f32 [n][width] read, ptr i32 [F + 1] read, rho f32 [n] write, far f32 [n] write,
 * table i32 [n + 1] read. */
#define WN_DENSITY_MOST 64
struct wn_density_params {
    int32_t n, n_segments, width, k, capped;
    float scale;
};
static_assert(sizeof(struct wn_density_params) == 24, "mirrors density.comp");
extern const struct wn_kernel wn_kernel_density;

/* apart: y[i] = rho[i] * (g * rsqrt(max(g, 1e-24))), g: the least gap to a row of the segment that
 * stands before i by rho; where there is none, the largest `far` of the segment. In segments of at
 * most `few` rows y[i] = -(place in the segment). For i < ptr[n_segments].
 * buf: s f32 [n][width] read, rho f32 [n] read, far f32 [n] read, ptr i32 [F + 1] read,
 * y f32 [n] write. */
struct wn_apart_params {
    int32_t n, n_segments, width, few;
    float scale;
};
static_assert(sizeof(struct wn_apart_params) == 20, "mirrors apart.comp");
extern const struct wn_kernel wn_kernel_apart;

/* assign: to[i] = i where keep[i] != 0; else the row with keep != 0 of i's segment with the least
 * gap, first of equals; WN_NONE where there is none; for i < ptr[n_segments]. scale is 1.
 * buf: s f32 [n][width] read, keep i32 [n] read, ptr i32 [F + 1] read, to i32 [n] write. */
struct wn_assign_params {
    int32_t n, n_segments, width;
    float scale;
};
static_assert(sizeof(struct wn_assign_params) == 16, "mirrors assign.comp");
extern const struct wn_kernel wn_kernel_assign;

/* average: y[f] = share[m] * the sum of the m rows of segment f, in order.
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, share f32 [n + 1] read, y f32 [F][dim] write. */
struct wn_average_params {
    int32_t n_segments, dim;
};
static_assert(sizeof(struct wn_average_params) == 8, "mirrors average.comp");
extern const struct wn_kernel wn_kernel_average;

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

/* steady: flag[i] = 1 for rows i with mate[i] == i of the first frame of a window of w > 1 frames
 * (those f with one start[f]) whose place is in all of them (i, next[i], next[next[i]] ..., w rows,
 * none WN_NONE) and whose unit rows x there have a mean pairwise cosine above tau:
 * dot(u, u) - w > tau * (w * (w - 1)), u their sum in order; else 0. For i < ptr[n_frames].
 * buf: x f32 [n][dim] read, next i32 [n] read, mate i32 [n] read, start i32 [F] read,
 * ptr i32 [F + 1] read, flag i32 [n] write. */
struct wn_steady_params {
    int32_t n, n_frames, dim;
    float tau;
};
static_assert(sizeof(struct wn_steady_params) == 16, "mirrors steady.comp");
extern const struct wn_kernel wn_kernel_steady;

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

/* logits: y[h][i][j] = scale * dot(q[h][first + i], k[h / group][j]) for h < n_heads,
 * i < n_queries, j < n_keys. Heads of q have q_stride rows, those of k k_stride.
 * buf: q f32 [n_heads][q_stride][dim] read, k f32 [n_heads / group][k_stride][dim] read,
 * y f32 [n_heads][n_queries][n_keys] write. */
struct wn_logits_params {
    int32_t n_heads, group, n_queries, first, q_stride, n_keys, k_stride, dim;
    float scale;
};
static_assert(sizeof(struct wn_logits_params) == 36, "mirrors logits.comp");
extern const struct wn_kernel wn_kernel_logits;

/* soft: softmax of rows: y[r][j] = e[j] * (q * q), where e[j] = exp(x[r][j] - m) and m the largest
 * x[r][j], of the columns that row r sees; 0 for the others; q = rsqrt(max(sum of e, 1e-12)), the
 * sum in lanes. Row r is query i = r % n_queries of head h = r / n_queries and sees the columns
 * j < min(end + i * step, width), with flagged != 0 only those with allow[h / group][j] != 0.
 * buf: x f32 [rows][width] read, allow i32 [rows / n_queries / group][width] read (any buffer when
 * not flagged), y f32 [rows][width] write. */
struct wn_soft_params {
    int32_t rows, width, n_queries, group, end, step, flagged;
};
static_assert(sizeof(struct wn_soft_params) == 28, "mirrors soft.comp");
extern const struct wn_kernel wn_kernel_soft;

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

/* bank: rows at one place of frame after frame (prev and next name each other) become runs, `room`
 * at most: each frame is a new run, and when there is one too many, the two neighbours with the
 * largest cosine of their sums are joined, the first of equals. to[i] = the first row of i's run;
 * sum: of a run, at its first row; like and after: work space. room > 0.
 * A workgroup a row. buf: x f32 [n][dim] read, prev i32 [n] read, next i32 [n] read,
 * ptr i32 [F + 1] read, sum f32 [n][dim] write, like f32 [n] write, after i32 [n] write,
 * to i32 [n] write. */
struct wn_bank_params {
    int32_t n, n_frames, dim, room;
};
static_assert(sizeof(struct wn_bank_params) == 16, "mirrors bank.comp");
extern const struct wn_kernel wn_kernel_bank;

/* length: y[i] = d * rsqrt(max(d, 1e-24)), d = dot(x[i], x[i]); for i < ptr[n_frames].
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_length_params {
    int32_t n, n_frames, dim;
};
static_assert(sizeof(struct wn_length_params) == 12, "mirrors length.comp");
extern const struct wn_kernel wn_kernel_length;

/* absorb: row i of a frame after the other, as long as it is kept, takes in J, the rows j with
 * s[i][j] >= threshold, when these are more than one: z[i] = sum over J, in order, of z[j] (as they
 * are by then) * (q * q), q = rsqrt(max(sum of 1, 1e-24)); WEIGHTED: of weight[j] * z[j] and of
 * weight[j]; LARGEST: the largest z[j]. Then only i of J is kept; lose != 0: only the first of J.
 * A workgroup a frame. buf: x f32 [n][dim] read, s f32 [n][width] read, weight f32 [n] read,
 * ptr i32 [F + 1] read, z f32 [n][dim] write, keep i32 [n] write, list i32 [n] write. */
enum { WN_ABSORB_MEAN, WN_ABSORB_LARGEST, WN_ABSORB_WEIGHTED };
struct wn_absorb_params {
    int32_t n, n_frames, dim, width, how, lose;
    float threshold;
};
static_assert(sizeof(struct wn_absorb_params) == 28, "mirrors absorb.comp");
extern const struct wn_kernel wn_kernel_absorb;

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
 * the rows j of its frame with the largest s[base[r]][j], best first (lower row first), each with
 * weight a[j]; or the rows that are not flagged, ascending, with weights a. No row has more than
 * 1 + WN_AROUND_MOST of the former.
 * A workgroup a row. buf: s f32 [n][width] read, ptr i32 [F + 1] read, flag i32 [n] read,
 * a f32 [n] read, base i32 [n_out] read, w_ptr i32 [n_out + 1] read, w_idx i32 write,
 * w f32 write. */
struct wn_around_fill_params {
    int32_t n_out, n_frames, width;
};
static_assert(sizeof(struct wn_around_fill_params) == 12, "mirrors around_fill.comp");
extern const struct wn_kernel wn_kernel_around_fill;

/* thin: of the m rows of a segment those with rank < from[m] stay. The others stand in a list in
 * order of rank; each at an even place (from 0) has its largest cosine with one at an odd place,
 * s[i][j] * (q[i] * q[j]), q[i] = rsqrt(max(s[i][i], 1e-16)), -3e38 where there is none; the `step`
 * with the largest of these go (earlier places first), or fewer so that left[m] are left; the other
 * even ones come to the front, the largest first, the odd ones behind them. Again, until left[m]
 * are left, which stay. rank is a permutation of 0 .. m - 1; row and like: work space. No
 * list has more than `most` rows.
 * A workgroup a segment. buf: s f32 [n][width] read, rank i32 [n] read, ptr i32 [F + 1] read,
 * from i32 [n + 1] read, left i32 [n + 1] read, row i32 [n] write, like f32 [2 n] write,
 * keep i32 [n] write. */
struct wn_thin_params {
    int32_t n, n_segments, width, step, most;
};
static_assert(sizeof(struct wn_thin_params) == 20, "mirrors thin.comp");
extern const struct wn_kernel wn_kernel_thin;
/* closest: to[a * n + i] = the row t of z with the largest dot(x[i], z[t]), first of equals, for t
 * in [range[f][a][0], range[f][a][1]), f: i's frame; WN_NONE where that is empty; for a < slots,
 * i < ptr[n_frames].
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, z f32 [m][dim] read,
 * range i32 [F][slots][2] read, to i32 [slots][n] write. */
struct wn_closest_params {
    int32_t n, n_frames, dim, slots;
};
static_assert(sizeof(struct wn_closest_params) == 16, "mirrors closest.comp");
extern const struct wn_kernel wn_kernel_closest;

/* alike: bit j of row i's words: dot(x[i], x[ptr[s] + j]) > tau, for the m rows of i's segment s; 0
 * from m up to the end of that word; for i < ptr[n_segments].
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, bits i32 [n][words] write. */
struct wn_alike_params {
    int32_t n, n_segments, dim, words;
    float tau;
};
static_assert(sizeof(struct wn_alike_params) == 20, "mirrors alike.comp");
extern const struct wn_kernel wn_kernel_alike;

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
/* link: y[e] = the mean, in order, of the cosines (as of pair_cos) of the heads' parts of
 * x[edge[e][0]] and z[edge[e][1]]: a sum times rsqrt(heads) * rsqrt(heads); for e < count[0]. heads
 * divides dim.
 * buf: x f32 [..][dim] read, z f32 [..][dim] read, edge i32 [n][2] read, count i32 [1] read,
 * y f32 [n] write. */
struct wn_link_params {
    int32_t n, dim, heads;
};
static_assert(sizeof(struct wn_link_params) == 12, "mirrors link.comp");
extern const struct wn_kernel wn_kernel_link;

#endif
