/* SPDX-License-Identifier: MIT */
/* In the spirit of KFFocus, whose code is not public, from its abstract alone: key frames are found
 * by what a frame adds to the one before, as a video codec does, and each frame's share of the rows
 * goes by that. Ours: a frame's news is 1 minus the mean cosine of its rows with those at the same
 * places before; the first frame, and those with the most news, are key frames. A key frame counts
 * 1, another one `other` times its news over the largest there is. Key frames keep rows at even
 * distances, others those that changed most. No trained module, and no question. */
#include <stdlib.h>
#include <string.h>

#include "compress/filters/options.h"
#include "compress/made.h"

struct kffocus_like {
    const AVClass *class;
    double keep, keys, other;
};

struct params {
    int32_t n, n_frames, n_keys;
    float other;
    uint32_t keep[2]; /* a double */
};

#define NO_NEWS 1e-4f /* rounding of cosines is below it */
#define NO_MATE 2 /* more than a cosine: rows without a counterpart are news */

struct frame {
    float news, weight;
    int32_t key, quota;
};

static void find_news(const struct params *p, const int32_t *ptr, const float *cosine,
                      struct frame *frame)
{
    for (int32_t f = 0; f < p->n_frames; f++) {
        const int32_t m = ptr[f + 1] - ptr[f];
        float sum = 0;
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++)
            sum += cosine[i] == NO_MATE ? 1 : 1 - cosine[i];
        frame[f] = (struct frame){.news = m ? sum / (float)m : 0};
    }
}

static void find_keys(const struct params *p, struct frame *frame)
{
    float most = 0;

    for (int32_t n = 0; n < p->n_keys && n < p->n_frames; n++) {
        int32_t best = n ? WN_NONE : 0;
        for (int32_t f = 0; n && f < p->n_frames; f++) {
            if (!frame[f].key && (best == WN_NONE || frame[f].news > frame[best].news))
                best = f;
        }
        frame[best].key = 1;
    }
    for (int32_t f = 1; f < p->n_frames; f++)
        most = frame[f].news > most ? frame[f].news : most;
    for (int32_t f = 0; f < p->n_frames; f++) {
        const float news = frame[f].news > NO_NEWS ? frame[f].news : 0;
        frame[f].weight = frame[f].key ? 1 : most > 0 ? p->other * (news / most) : 0;
    }
}

/* `all` rows by weight, rounded down; then one each, frame by frame, to those of any weight, and at
 * last to all that have rows left. */
static void allot(const struct params *p, const int32_t *ptr, int32_t all, struct frame *frame)
{
    double sum = 0;
    int32_t left = all;

    for (int32_t f = 0; f < p->n_frames; f++)
        sum += frame[f].weight;
    for (int32_t f = 0; sum > 0 && f < p->n_frames; f++) {
        frame[f].quota = (int32_t)WN_MIN((double)(ptr[f + 1] - ptr[f]),
                                         (double)all * (double)frame[f].weight / sum);
        left -= frame[f].quota;
    }
    for (bool weighted = true; left > 0;) {
        bool any = false;
        for (int32_t f = 0; f < p->n_frames && left > 0; f++) {
            if (frame[f].quota == ptr[f + 1] - ptr[f] || (weighted && !(frame[f].weight > 0)))
                continue;
            frame[f].quota++;
            left--;
            any = true;
        }
        if (!any && !weighted)
            break;
        weighted = any && weighted;
    }
}

/* buf: ptr, cosines, ranks by them; then flags, frames, work. */
static void choose(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0], *rank = buf[2];
    int32_t *keep = buf[3], *list = buf[5];
    struct frame *frame = buf[4];
    union { uint32_t u[2]; double d; } share = {{p->keep[0], p->keep[1]}};

    find_news(p, ptr, buf[1], frame);
    find_keys(p, frame);
    allot(p, ptr, wn_keep(share.d, ptr[p->n_frames]), frame);
    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++)
            keep[i] = !frame[f].key && rank[i] < frame[f].quota;
        if (frame[f].key)
            wn_linspace(ptr[f + 1] - ptr[f], frame[f].quota, list);
        for (int32_t k = 0; frame[f].key && k < frame[f].quota; k++)
            keep[ptr[f] + list[k]] = 1;
    }
}

static const struct wn_kernel kernel = {
    .name = "kffocus_like",
    .n_bufs = 6,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct params),
    .ref = choose,
    .host = true,
};

static int build(void *priv, struct wn_build *b)
{
    const struct kffocus_like *f = priv;
    const union { double d; uint32_t u[2]; } keep = {f->keep};
    const int32_t n = b->in.n, T = b->in.n_frames;
    const struct params p = {n, T, WN_MAX(1, wn_keep(f->keys, T)), (float)f->other,
                             {keep.u[0], keep.u[1]}};
    struct wn_list list = {
        .keep = wn_plan_temp(b->plan, "keep", n),
        .rank = WN_NONE,
        .n_out = n,
    };
    int32_t *ref = wn_build_scratch(b, T);
    const wn_buf rank = wn_plan_temp(b->plan, "rank", n);

    for (int32_t t = 0; ref && t < T; t++)
        ref[t] = t - 1; /* WN_NONE for the first */
    if (ref) {
        const wn_buf cosine = wn_build_pair_cos(b, ref, 0, 1, NO_MATE);
        WN_CALL(b, rank, (&(struct wn_rank_params){n, T, 0}), cosine, b->in.ptr, rank);
        wn_plan_call(b->plan, &kernel, &p, (const wn_buf[]){
            b->in.ptr, cosine, rank, list.keep, wn_plan_temp(b->plan, "frames", 4 * (int64_t)T),
            wn_plan_temp(b->plan, "places", n),
        });
        wn_build_compact(b, &list);
    }
    free(ref);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct kffocus_like, keep, "rows of the segment that stay, a share below 1", 0.25),
    {"keys", "key frames, a share below 1", offsetof(struct kffocus_like, keys),
     AV_OPT_TYPE_DOUBLE, {.dbl = 0.25}, 0, 1e9, 0, NULL},
    {"other", "most that another frame has, a key frame having 1",
     offsetof(struct kffocus_like, other), AV_OPT_TYPE_DOUBLE, {.dbl = 0.5}, 0, 1, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_kffocus_like = {
    .name = "kffocus_like",
    .brief = "gives rows to frames by what they add; after a description, not the authors' method",
    .paper = "after the abstract of KFFocus (arXiv 2508.08989); no public code",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_GRID | WN_NEED_HOST,
    .options = options,
    .priv_size = sizeof(struct kffocus_like),
    .token = &ops,
};
