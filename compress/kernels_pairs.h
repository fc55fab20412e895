/* SPDX-License-Identifier: MIT */
/* Kernels that compare rows with rows, and searches over what comes of it. See kernels.h. */
#ifndef WN_KERNELS_PAIRS_H
#define WN_KERNELS_PAIRS_H

#include <assert.h>

#include "kernel.h"

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

/* tally: y[i] = the sum in lanes of x[i][j], first <= j < m, m: rows of i's frame, at most `width`;
 * for the rows i of a strip (see gram).
 * buf: x f32 [n][width] read, ptr i32 [F + 1] read, y f32 [..] write. */
struct wn_tally_params {
    int32_t n, n_frames, width, first, skip;
};
static_assert(sizeof(struct wn_tally_params) == 20, "mirrors tally.comp");
extern const struct wn_kernel wn_kernel_tally;

/* likely: for rows i with ask[i] != 0, of a frame f with m rows: to[i][k] = most * the row t of f
 * with allow[t] != 0 and the k-th largest x[i][t - ptr[f]], first of equals, for k < min(count[m],
 * most) as far as there are; value[i][k] = e * (q * q), its part of the softmax of all m columns: e
 * = exp(x - the largest of the row), q = rsqrt(max(sum of e, 1e-12)), in lanes; part[i][k] =
 * e * (r * r), its part among those taken: r = rsqrt(max(sum of theirs, in order of k, 1e-12)).
 * Elsewhere WN_NONE, 0, and 0, but part[i][0] = 1 where ask[i] is 0; for the rows i of a strip
 * (see gram), which x has.
 * A workgroup a row. buf: x f32 [n][width] read, ptr i32 [F + 1] read, ask i32 [..] read,
 * allow i32 [..] read, count i32 [..] read, to i32 [..][most] write, value f32 [..][most] write,
 * part f32 [..][most] write. */
#define WN_LIKELY_MOST 8
struct wn_likely_params {
    int32_t n, n_frames, width, most, skip;
};
static_assert(sizeof(struct wn_likely_params) == 20, "mirrors likely.comp");
extern const struct wn_kernel wn_kernel_likely;

/* Products of rows with rows come in strips: n rows of a matrix from row ptr[0] + skip on, of those
 * before ptr[F]. What reads them goes over these rows alone. ptr may be a part of the frames'.
 *
 * gram: y[r][j] = dot(x[i], x[ptr[f] + j]) for j < rows of i's frame f, which are at most `width`;
 * for r < n, i = ptr[0] + skip + r < ptr[n_frames]. listed >= 0: i = list[skip + r] instead, where
 * skip + r < list_end[listed] and that is not WN_NONE. runs: a shader takes columns in so many.
 * buf: x f32 [..][dim] read, ptr i32 [F + 1] read, y f32 [n][width] write, list i32 read, list_end
 * i32 read (both any buffer where not listed). */
struct wn_gram_params {
    int32_t n, n_frames, dim, width, skip, listed, runs;
};
static_assert(sizeof(struct wn_gram_params) == 28, "mirrors gram.comp");
extern const struct wn_kernel wn_kernel_gram;

/* farthest: rows of a segment one after the other, each the least like those before it: rank[i] =
 * the step (from 0) at which i is taken, table[m] steps for m rows; m for the others. The first is
 * the row with the smallest max over j != i of s[i][j]; then the one whose max over taken rows t of
 * s[t][i] is smallest; lower row first. dim 0: s is given; else buffer 0 has rows x, f32 [n][dim],
 * and s[i][j] = dot(x[i], x[j]), made as it is needed.
 * A workgroup a segment. buf: s f32 [n][width] read, ptr i32 [F + 1] read, table i32 [n + 1] read,
 * near f32 [n] scratch, work i32 [n][3] scratch, rank i32 [n] write. */
struct wn_farthest_params {
    int32_t n, n_segments, width, dim;
};
static_assert(sizeof(struct wn_farthest_params) == 16, "mirrors farthest.comp");
extern const struct wn_kernel wn_kernel_farthest;

/* dpp: greedy search for the rows of a segment with the largest determinant of K[i][j] = (r[i] *
 * r[j]) * s[i][j]; rank as of `farthest`. d[i] starts as K[i][i]; step t takes the row p with the
 * largest d of those not taken (lower row first), then for those still not taken: c[t][i] =
 * (K[p][i] - sum over u < t, in order, of c[u][p] * c[u][i]) * q and d[i] -= c[t][i] * c[t][i],
 * where q = rsqrt(d[p]), or 0 when d[p] < 1e-10: what the taken rows span already. At most `most`
 * steps.
 * dim as of `farthest`.
 * A workgroup a segment. buf: s f32 [n][width] read, r f32 [n] read, ptr i32 [F + 1] read,
 * table i32 [n + 1] read, c f32 [n][most] scratch, d f32 [n] scratch, work i32 [n][3] scratch,
 * rank i32 [n] write. */
struct wn_dpp_params {
    int32_t n, n_segments, width, most, dim;
};
static_assert(sizeof(struct wn_dpp_params) == 20, "mirrors dpp.comp");
extern const struct wn_kernel wn_kernel_dpp;

/* density, apart and assign find clusters by density peaks among the rows of a segment, from strips
 * of their dot products (`gram`). The gap of rows i and j is scale * max((s_ii + s_jj) - 2 * s_ij,
 * 0), a squared distance; s_ii is square[i]. */
static inline float wn_gap(float s_ii, float s_jj, float s_ij, float scale)
{
    const float d = (s_ii + s_jj) - 2 * s_ij;

    return scale * (d > 0 ? d : 0);
}

/* density: rho[i] = exp(-(sum of the min(k, m) smallest gaps of i, itself among the m rows of its
 * segment, smallest first) * (q * q)), q = rsqrt(min(k, m)); far[i] = its largest gap; for the rows
 * i of a strip. k from 1 to WN_DENSITY_MOST; capped: max(min(k, table[m]), 1) stands for it.
 * buf: s f32 [n][width] read, square f32 [..] read, ptr i32 [F + 1] read, rho f32 [..] write,
 * far f32 [..] write, table i32 [..] read. */
#define WN_DENSITY_MOST 64
struct wn_density_params {
    int32_t n, n_segments, width, skip, k, capped;
    float scale;
};
static_assert(sizeof(struct wn_density_params) == 28, "mirrors density.comp");
extern const struct wn_kernel wn_kernel_density;

/* apart: y[i] = rho[i] * (g * rsqrt(max(g, 1e-24))), g: the least gap to a row of the segment that
 * stands before i by rho; where there is none, the largest `far` of the segment. In segments of at
 * most `few` rows y[i] = -(place in the segment). For the rows i of a strip.
 * buf: s f32 [n][width] read, square f32 [..] read, rho f32 [..] read, far f32 [..] read,
 * ptr i32 [F + 1] read, y f32 [..] write. */
struct wn_apart_params {
    int32_t n, n_segments, width, skip, few;
    float scale;
};
static_assert(sizeof(struct wn_apart_params) == 24, "mirrors apart.comp");
extern const struct wn_kernel wn_kernel_apart;

/* assign: to[i] = i where keep[i] != 0; else the row with keep != 0 of i's segment with the least
 * gap, first of equals; WN_NONE where there is none; for the rows i of a strip. scale is 1.
 * buf: s f32 [n][width] read, square f32 [..] read, keep i32 [..] read, ptr i32 [F + 1] read,
 * to i32 [..] write. */
struct wn_assign_params {
    int32_t n, n_segments, width, skip;
    float scale;
};
static_assert(sizeof(struct wn_assign_params) == 20, "mirrors assign.comp");
extern const struct wn_kernel wn_kernel_assign;

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

/* length: y[i] = d * rsqrt(max(d, 1e-24)), d = dot(x[i], x[i]); square != 0: d; for
 * i < ptr[n_frames].
 * buf: x f32 [n][dim] read, ptr i32 [F + 1] read, y f32 [n] write. */
struct wn_length_params {
    int32_t n, n_frames, dim, square;
};
static_assert(sizeof(struct wn_length_params) == 16, "mirrors length.comp");
extern const struct wn_kernel wn_kernel_length;

/* absorb: row i of a frame after the other, as long as it is kept, takes in J, the rows j whose bit
 * is set in words of i (see alike), when these are more than one: z[i] = sum over J, in order, of
 * z[j] (as they are by then) * (q * q), q = rsqrt(max(sum of 1, 1e-24)); WEIGHTED: of weight[j] *
 * z[j] and of weight[j]; LARGEST: the largest z[j]. Then only i of J is kept; lose != 0: only the
 * first of J. A frame has at most 32 * words rows.
 * A workgroup a frame. buf: x f32 [n][dim] read, bits i32 [n][words] read, weight f32 [n] read,
 * ptr i32 [F + 1] read, z f32 [n][dim] write, keep i32 [n] write, list i32 [n] write. */
enum { WN_ABSORB_MEAN, WN_ABSORB_LARGEST, WN_ABSORB_WEIGHTED };
struct wn_absorb_params {
    int32_t n, n_frames, dim, words, how, lose;
};
static_assert(sizeof(struct wn_absorb_params) == 24, "mirrors absorb.comp");
extern const struct wn_kernel wn_kernel_absorb;

/* thin: of the m rows of a segment those with rank < from[m] stay. The others stand in a list in
 * order of rank; each at an even place (from 0) has its largest cosine with one at an odd place,
 * s[i][j] * (q[i] * q[j]), q[i] = rsqrt(max(s[i][i], 1e-16)), -3e38 where there is none; the `step`
 * with the largest of these go (earlier places first), or fewer so that left[m] are left; the other
 * even ones come to the front, the largest first, the odd ones behind them. Again, until left[m]
 * are left, which stay. rank is a permutation of 0 .. m - 1; row and like: work space. No
 * list has more than `most` rows. s holds the rows of ptr's segments.
 * A workgroup a segment. buf: s f32 [..][width] read, rank i32 [n] read, ptr i32 [F + 1] read,
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
