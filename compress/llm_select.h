/* SPDX-License-Identifier: MIT */
/* What the language side keeps of its rows and caches: attention, queries, keys and values in, kept
 * rows and merged caches out, as calls recorded into a plan.
 *
 * Nothing here knows a model: whoever calls brings the buffers and puts results where they belong.
 * Errors are the plan's: after the first one calls do nothing and wn_plan_error() tells. Rows of
 * heads are numbered head * n + key. Counts come from the host, so results have known sizes unless
 * said. `released` in the parameters: as the authors' code does it where that differs from sense;
 * golden tests run with it. */
#ifndef WN_LLM_SELECT_H
#define WN_LLM_SELECT_H

#include "kernels.h"
#include "plan.h"

/* f32 [heads][n][dim]: queries, keys or values after the model's rotation; dim 1: scores. */
struct wn_heads {
    wn_buf data;
    int32_t heads, n, dim;
};

struct wn_kv {
    struct wn_plan *plan;
};

/* ---- shared pieces: llm/common.c ---- */

/* Attention of queries [first, first + n_queries) of q; a head of k serves q.heads / k.heads. */
struct wn_attend {
    struct wn_heads q, k;
    int32_t first, n_queries;
    int32_t seen;  /* keys that query `first` sees; each later one sees one more; 0: all see all */
    float scale;   /* of the products, 0: 1 / sqrt(dim) */
    wn_buf allow;  /* i32 [k.heads][k.n] keys that are not masked, or WN_NONE */
    bool masked;   /* allow is set */
};
/* softmax(scale * q k): f32 [q.heads][n_queries][k.n]. */
wn_buf wn_kv_attention(struct wn_kv *b, const struct wn_attend *a);
/* What keys receive: sums over the queries, each with its weight (NULL: 1), and over the heads that
 * share a key: f32 [k.heads][k.n]. In parts, so no buffer grows with queries x keys. */
wn_buf wn_kv_received(struct wn_kv *b, const struct wn_attend *a, const float *weight);
/* y[c] = scale * sum (or max) over rows of x[row][first + c], c < n; x is f32 [rows][width]. */
wn_buf wn_kv_over_rows(struct wn_kv *b, wn_buf x, int32_t rows, int32_t width, int32_t first,
                       int32_t n, float scale, bool max);
/* ((a * x + b_z * z) + d * x * z) + c of n floats. */
wn_buf wn_kv_blend(struct wn_kv *b, wn_buf x, float a, wn_buf z, float b_z, float d, float c,
                   int32_t n);
/* Like x, each head's first n - tail keys pooled over `width` of them: means that count what is
 * beyond the ends as 0, or the largest. */
wn_buf wn_kv_pool(struct wn_kv *b, struct wn_heads x, int32_t tail, int32_t width, bool max);
/* The n flags as floats 0 and 1, and floats that are not 0 as flags. */
wn_buf wn_kv_as_floats(struct wn_kv *b, wn_buf flags, int32_t n);
wn_buf wn_kv_as_flags(struct wn_kv *b, wn_buf x, int32_t n);
/* i32 [n + 1]: 0, step, 2 * step ... */
wn_buf wn_kv_ptr(struct wn_kv *b, int32_t n, int32_t step);

/* Of n neighbouring keys the `keep` with the best scores stay; n or more: all, 0: none. ranked:
 * they are ordered by score even when all stay. */
struct wn_span {
    int32_t n, keep;
    bool ranked;
};
/* What stays. */
struct wn_picked {
    int32_t heads, n;
    int32_t each;  /* rows of each head that stay */
    wn_buf keep;   /* i32 [heads][n] flags */
    wn_buf idx;    /* i32 [heads][each] rows */
    wn_buf ptr;    /* i32 [heads + 1]: heads in idx */
};
/* Every head is cut into the same spans, which cover its n keys. score [heads][n], WN_NONE when no
 * span asks for it; spans of one length must keep the same number by score. by_score: the rows of a
 * span stand best first in idx, else ascending. */
struct wn_picked wn_kv_pick(struct wn_kv *b, wn_buf score, int32_t heads, int32_t n,
                            const struct wn_span *span, int32_t n_spans, bool by_score);
/* The picked rows of x: [heads][each][dim]. */
struct wn_heads wn_kv_take(struct wn_kv *b, struct wn_heads x, const struct wn_picked *picked);

/* ---- one row of attention chooses image rows of the prompt ---- */

/* FastV: the last token's attention in layer k - 1. Of image rows [image, image + n_image) a share
 * `drop` goes (the count kept is rounded half to even); the others stay. attn f32 [heads][n]. */
struct wn_fastv {
    int32_t image, n_image;
    double drop;
};
struct wn_picked wn_fastv(struct wn_kv *b, const struct wn_fastv *p, struct wn_heads attn);

/* DyCoke's choice at a decoding step: attention of the newest query, the step before and this one:
 * f32 [2][heads][stride], this one of n keys. The image keys with the best mean over heads stay.
 * similarity f32 [2]: [1] is the cosine of the image parts (0 with `first`): at 0.9 and above the
 * caller keeps the last choice (released: all keys). */
struct wn_dycoke_kv {
    int32_t image, n_image, keep;
    int32_t heads, stride, n;
    bool first; /* no step before */
};
struct wn_picked wn_dycoke_kv(struct wn_kv *b, const struct wn_dycoke_kv *p, wn_buf attn,
                              wn_buf *similarity);

/* PruneVid: largest attention over heads and queries; each window has its static rows and then the
 * rows of its frames, and a share alpha of each part stays. attn f32 [rows][n]. */
struct wn_prunevid_window {
    int32_t n_static, n_dynamic, n_frames; /* n_dynamic: of one frame */
};
struct wn_prunevid_select {
    double alpha;
    const struct wn_prunevid_window *window;
    int32_t n_windows;
    bool by_score; /* best first in each part */
};
struct wn_picked wn_prunevid_select(struct wn_kv *b, const struct wn_prunevid_select *p,
                                    wn_buf attn, int32_t rows, int32_t n);

/* MustDrop's dual filter: image columns [image, image + n_image) of text rows' attention, f32
 * [heads][text][n]. A column goes when its sum is below global_thr of the sum over all columns and
 * its largest value below individual_thr; those of `key` (i32 [n_image] flags or WN_NONE) stay.
 * How many stay only the device knows: ptr[1]. Rows of idx count from the first image row. */
struct wn_mustdrop {
    int32_t image, n_image, text;
    float global_thr, individual_thr;
};
struct wn_picked wn_mustdrop(struct wn_kv *b, const struct wn_mustdrop *p, struct wn_heads attn,
                             wn_buf key);

/* GemFilter: the last query against all keys, no softmax, heads summed, means of `width` keys; the
 * best `keep` stay. q has one row a head. score f32 [n]. by_score: best first in idx. */
struct wn_gemfilter {
    int32_t keep, width;
    bool by_score;
};
struct wn_picked wn_gemfilter(struct wn_kv *b, const struct wn_gemfilter *p, struct wn_heads q,
                              struct wn_heads k, wn_buf *score);

/* ---- FiCoCo-L ---- */

/* att f32 [s][s] logits before mask and softmax, mean of heads, the first n_visual rows and columns
 * visual (row 0 stays); hidden f32 [n_visual][dim]. The `merge` most redundant rows are added to
 * the rows that they correlate with most, each with its part of their softmax, and go. targets: so
 * many a row; 0: by the quantile 0.998 of n_visual distinct values, as the code finds it. */
struct wn_ficoco_l {
    int32_t s, n_visual, merge, targets;
    float alpha, gamma; /* 0: 0.6 */
    bool released;      /* rows that go may be targets, too: what they got is lost */
};
struct wn_ficoco_l_out {
    int32_t targets;
    struct wn_picked merged, stay; /* merged: most redundant first */
    wn_buf order, value; /* [merge][n_visual] place (i32) and softmax (f32) of every row; the first
                            `targets` are its targets */
    wn_buf rows;         /* f32 [stay.each][dim] */
};
struct wn_ficoco_l_out wn_ficoco_l(struct wn_kv *b, const struct wn_ficoco_l *p, wn_buf att,
                                   struct wn_heads hidden);

/* ---- caches ---- */

/* SnapKV: what the last `window` queries give to the keys before them, pooled; the best
 * capacity - window stay, and the window. Fewer than capacity keys: all stay. Keys that a group of
 * query heads shares get one choice (the released code repeats keys first). */
struct wn_snapkv {
    int32_t window, capacity, width;
    bool max_pool;
    bool by_score; /* best first, as the released code stores them */
};
struct wn_picked wn_snapkv(struct wn_kv *b, const struct wn_snapkv *p, struct wn_heads q,
                           struct wn_heads k);

/* H2O: a step's attention (all queries) is added to the score that keys have: f32 [k.heads][k.n],
 * zeros for new keys, WN_NONE: all new. wn_h2o_evict: `heavy` keys by score and the `recent` last
 * stay, ascending. */
wn_buf wn_h2o_score(struct wn_kv *b, const struct wn_attend *a, wn_buf score);
struct wn_h2o {
    int32_t heavy, recent;
    bool released; /* mask: the key before the recent ones is masked once, whatever its score */
};
struct wn_picked wn_h2o_evict(struct wn_kv *b, const struct wn_h2o *p, struct wn_heads score);
/* The same as a mask over a cache that keeps everything: allow i32 [heads][n] for the next query,
 * whose own key counts as one of the recent; *next: the score with what was masked at 0. */
wn_buf wn_h2o_mask(struct wn_kv *b, const struct wn_h2o *p, struct wn_heads score, wn_buf *next);

/* Keyformer: like H2O's mask with scores from softmax((logits + noise) / tau); noise is the
 * caller's (Gumbel), f32 [q.heads][n_queries][k.n]; what was masked never comes back: `was` i32
 * [heads][n] is the mask of the step before, with 1 for new keys, or WN_NONE. */
wn_buf wn_keyformer_score(struct wn_kv *b, const struct wn_attend *a, wn_buf noise, float tau,
                          wn_buf score);
wn_buf wn_keyformer_mask(struct wn_kv *b, const struct wn_h2o *p, struct wn_heads score,
                         wn_buf was, wn_buf *next);

/* A2SF: sums of attention over all queries that fade by `factor` a query towards the past, or over
 * the last `window` ones alone; of keys before the recent ones the best stay. */
struct wn_a2sf {
    int32_t budget, recent, window; /* window 0: fading */
    double factor;
};
struct wn_picked wn_a2sf(struct wn_kv *b, const struct wn_a2sf *p, struct wn_heads q,
                         struct wn_heads k);

/* StreamingLLM: the first `start` keys and the last `recent` stay when there are more, leaving room
 * for `coming` ones. */
struct wn_streamingllm {
    int32_t start, recent, coming;
};
struct wn_picked wn_streamingllm(struct wn_kv *b, const struct wn_streamingllm *p, int32_t heads,
                                 int32_t n);

/* LOOK-M: eviction by attention received; text stays before any image key. */
struct wn_lookm {
    int32_t heavy, recent;
    int32_t start;            /* without images: keys at the start that stay */
    const int32_t *image;     /* [n_images] where images begin, expanded; NULL: text prior off */
    int32_t n_images, n_image; /* keys of an image */
    bool released;            /* images' scores are lowered by 65516: that costs their last bits */
};
struct wn_picked wn_lookm(struct wn_kv *b, const struct wn_lookm *p, struct wn_heads score);
/* The keys that go join the kept key of their head with the largest cosine. */
enum wn_lookm_how {
    WN_LOOKM_PIVOT,    /* mean of the kept key and of each one's middle with it */
    WN_LOOKM_WEIGHTED, /* mean of the kept key and of each one times its cosine, and only those
                          whose cosine reaches the mean of all */
    WN_LOOKM_AVERAGE,  /* like it without the cosine */
};
struct wn_lookm_out {
    wn_buf to;          /* i32 [heads][n] row that it joins, WN_NONE for kept ones */
    wn_buf filter;      /* i32 flags of those that reach the mean, [heads][n]; released:
                           [n - each], of places among those that go; WN_NONE for PIVOT */
    struct wn_heads k, v;
};
/* released: cosines are averaged over heads by place among the keys that go, and AVERAGE adds the
 * first keys that go instead of those that reach the mean. */
struct wn_lookm_out wn_lookm_merge(struct wn_kv *b, enum wn_lookm_how how, bool released,
                                   const struct wn_picked *picked, struct wn_heads k,
                                   struct wn_heads v);

/* ZipVL's ratio: the fewest keys that hold a share tau of what all receive, each key's sum divided
 * by the queries that see it; counts are the device's: ptr. */
struct wn_picked wn_zipvl(struct wn_kv *b, const struct wn_attend *a, float tau);

#endif
