/* SPDX-License-Identifier: MIT */
/* Every kernel: its buffers in order, its params and its one-sentence formula. The structs mirror
 * the push constants of shaders/NAME.comp. F: frames (or other segments), n: most rows. */
#ifndef WN_KERNELS_H
#define WN_KERNELS_H

#include <assert.h>

#include "kernel.h"

/* reduce: y[i][c] = scale * sum over a, then b of x[i * width + offset + c * step_c + a * step_a + b * step_b]
 * for i < n, c < n_c; a plain loop, a outer. Head means, layer sums.
 * buf: x [n][width] read, y [n][n_c] write. */
struct wn_reduce_params {
    int32_t n, width, offset, n_c, step_c, n_a, step_a, n_b, step_b;
    float scale;
};

/* rank: rank[i] = how many rows of i's segment stand before i, best first.
 * `descending` 0: the lowest key is best. Ties: lower index first.
 * buf: key f32 [n] read, ptr i32 [F + 1] read, rank i32 [n] write. */
struct wn_rank_params {
    int32_t n, n_segments, descending;
};

/* cut: keep[i] = rank[i] < table[rows in i's segment]; segments with skip[s] != 0 keep everything.
 * buf: rank i32 [n] read, ptr i32 [F + 1] read, table i32 [n + 1] read, skip i32 [F] read,
 * keep i32 [n] write. */
struct wn_cut_params {
    int32_t n, n_segments;
};

/* spread: keeps k = table[m] of the m rows of a segment, evenly: the row at place j of its segment
 * stays when floor((j + 1) * k / m) > floor(j * k / m), in integers.
 * buf: ptr i32 [F + 1] read, table i32 [n + 1] read, keep i32 [n] write. */
struct wn_spread_params {
    int32_t n, n_segments;
};

/* noise: key[i] = a 24-bit integer as float, from hash(seed, id[f], cell[i]) where f is i's frame.
 * hash: h = seed; for each v: h = (h ^ v) * 0x9e3779b1; h ^= h >> 15; then h *= 0x85ebca6b;
 * h ^= h >> 13; key = h >> 8, all uint32.
 * buf: ptr i32 [F + 1] read, id i32 [F] read, cell i32 [n] read, key f32 [n] write. */
struct wn_noise_params {
    int32_t n, n_segments;
    uint32_t seed;
};

/* compact: the kept rows of every frame, in order: out_ptr = prefix sums of the counts,
 * idx[out_ptr[f] ..] = kept rows of f, ascending, or by_rank != 0: the row of rank r at place r
 * for frames whose skip[f] is 0 (there the kept ones must be ranks 0 .. count - 1).
 * One workgroup. buf: keep i32 [n] read, rank i32 [n] read, skip i32 [F] read, ptr i32 [F + 1] read,
 * idx i32 [n] write, out_ptr i32 [F + 1] write. */
struct wn_compact_params {
    int32_t n, n_frames, by_rank;
};

/* take: y[i][c] = x[idx[i]][c] as 32-bit words, for i < out_ptr[n_frames], c < width.
 * buf: x [m][width] read, idx i32 [n] read, out_ptr i32 [F + 1] read, y [n][width] write. */
struct wn_take_params {
    int32_t n, n_frames, width;
};

/* pair: mate[i] = the row of frame ref[f] that has the same cell as i (the first one), or WN_NONE;
 * f is i's frame; ref[f] WN_NONE: no mate.
 * buf: cell i32 [n] read, ptr i32 [F + 1] read, ref i32 [F] read, mate i32 [n] write. */
struct wn_pair_params {
    int32_t n, n_frames;
};

/* pair_cos: y[i] = offset + scale * cos(x[i], x[mate[i]]), or `none` where mate[i] is WN_NONE;
 * cos(a, b) = dot(a, b) * (rsqrt(max(dot(a, a), 1e-16)) * rsqrt(max(dot(b, b), 1e-16))), for i < ptr[n_frames].
 * buf: x f32 [n][dim] read, mate i32 [n] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_pair_cos_params {
    int32_t n, n_frames, dim;
    float offset, scale, none;
};

/* unit: y[i] = x[i] * rsqrt(max(dot(x[i], x[i]), 1e-24)), for i < ptr[n_frames].
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, y f32 [n][dim] write. */
struct wn_unit_params {
    int32_t n, n_frames, dim;
};

/* nearest: to[i] = the place t (from 0) among frame f's targets with the largest
 * dot(x[i], x[target[target_ptr[f] + t]]), first of equals, and value[i] that dot, for rows with
 * ask[i] != 0; else to[i] = WN_NONE, value[i] = 0. WN_NONE also where the frame has no target.
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, target i32 [n] read, target_ptr i32 [F + 1] read,
 * ask i32 [n] read, to i32 [n] write, value f32 [n] write. */
struct wn_nearest_params {
    int32_t n, n_frames, dim;
};

/* member_count: count[r] = base[r] != WN_NONE + how many rows i of frame f have to[i] == r - out_ptr[f] - first[f],
 * for the output rows r of every frame f: entries of row r of W.
 * buf: ptr i32 [F + 1] read, to i32 [n] read, out_ptr i32 [F + 1] read, first i32 [F] read,
 * base i32 [n_out] read, count i32 [n_out] write. */
struct wn_member_count_params {
    int32_t n_out, n_frames;
};

/* scan: out[0] = 0, out[i + 1] = out[i] + x[i], for i < ptr[n_frames]; and out stays at the total up to n.
 * One workgroup. buf: x i32 [n] read, ptr i32 [F + 1] read, out i32 [n + 1] write. */
struct wn_scan_params {
    int32_t n, n_frames;
};

/* member_fill: the entries that member_count counted, at w_ptr[r]: base[r] first, with weight
 * base_weight, then the members in ascending order with weight share[members of r].
 * buf: ptr i32 [F + 1] read, to i32 [n] read, out_ptr i32 [F + 1] read, base_first i32 [n_out + F] read
 * (base [n_out], then first [F]), w_ptr i32 [n_out + 1] read, share f32 [n + 1] read,
 * w_idx i32 [n + n_out] write, w f32 [n + n_out] write. */
struct wn_member_fill_params {
    int32_t n_out, n_frames;
    float base_weight;
};

/* combine: y[r] = sum over k in [w_ptr[r], w_ptr[r + 1]) of w[k] * x[w_idx[k]], in order of k,
 * for r < out_ptr[n_frames].
 * buf: x f32 [n][dim] read, w_ptr i32 [n_out + 1] read, w_idx i32 read, w f32 read,
 * out_ptr i32 [F + 1] read, y f32 [n_out][dim] write. */
struct wn_combine_params {
    int32_t n_out, n_frames, dim;
};

#endif
