/* SPDX-License-Identifier: MIT */
/* Clusters of clusters: the rows of a frame become n rows, these again fewer, and again; all the
 * levels stand one after the other. Counts that a frame has not stay what it has. */
#include <math.h>
#include <string.h>

#include "compress/clusters.h"
#include "compress/filters/options.h"

#define LEVELS 3

struct chatunivi {
    const AVClass *class;
    double level[LEVELS];
    int k, later, order;
};

struct rule {
    double level;
};

/* A ratio up to 1, rounded up, else a count. */
static int32_t stay(int32_t m, const void *arg)
{
    const double level = ((const struct rule *)arg)->level;
    const double n = ceil(level <= 1 ? m * level : level);

    return n < m ? (int32_t)n : m;
}

/* The authors' rule for few clusters. */
static int32_t neighbours(int32_t k, double level, int32_t most)
{
    const int32_t n = stay(most, &(struct rule){level});

    return k > n ? WN_MIN(3, WN_MAX(n / 2, 1)) : k;
}

static float share(int32_t c, bool first)
{
    return 1.0f / ((float)(c + 1) + 1e-6f);
}

/* Merges the last of each frame's `parts`, which has `width` rows at most; *ptr: where they begin,
 * then those of the result. */
static void merge_last(struct wn_build *b, const struct chatunivi *f, int level, int32_t parts,
                       int32_t width, wn_buf *ptr)
{
    const struct rule rule = {f->level[level]};
    const int32_t segments = parts * b->in.n_frames;
    const int32_t most = wn_build_most(b) - width + WN_MAX(1, stay(width, &rule));
    int32_t *mode = wn_build_scratch(b, segments);

    for (int32_t s = 0; mode && s < segments; s++)
        mode[s] = s % parts != parts - 1;
    struct wn_clusters c = {
        .n = b->in.n,
        .n_segments = segments,
        .dim = b->in.dim,
        .width = wn_build_most(b),
        .data = b->in.data,
        .ptr = *ptr,
        .table = wn_build_table(b, stay, &rule),
        .mode = mode,
        .k = neighbours(level ? f->later : f->k, rule.level, width),
    };
    wn_build_find_clusters(b, &c);
    free(mode);
    wn_build_merge(b, &(struct wn_list){
        .keep = c.keep,
        .rank = f->order == WN_PAPER ? c.rank : WN_NONE,
        .mode = c.modes,
        .n_out = WN_MIN(b->in.n, b->in.n_frames * most),
        .most = most,
        .parts = parts,
        .ptr = *ptr,
        .out_ptr = ptr,
    }, c.to, share);
}

static int build(void *priv, struct wn_build *b)
{
    const struct chatunivi *f = priv;
    int32_t width = wn_build_most(b);
    wn_buf ptr = b->in.ptr;
    int err;

    merge_last(b, f, 0, 1, width, &ptr);
    for (int level = 1; level < LEVELS && f->level[level] > 0; level++) {
        width = WN_MAX(1, stay(width, &(struct rule){f->level[level - 1]}));
        TRY(wn_build_next(b));
        wn_build_repeat(b, level, width, &ptr);
        TRY(wn_build_next(b));
        merge_last(b, f, level, level + 1, width, &ptr);
    }
    return WN_OK;
fail:
    return err;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct chatunivi, level[0], "clusters of a frame, a share up to 1", 64),
    {"second", "clusters of these clusters; 0: no more levels",
     offsetof(struct chatunivi, level[1]), AV_OPT_TYPE_DOUBLE, {.dbl = 32}, 0, 1e9, 0, NULL},
    {"third", "and of these; 0: no more levels", offsetof(struct chatunivi, level[2]),
     AV_OPT_TYPE_DOUBLE, {.dbl = 16}, 0, 1e9, 0, NULL},
    {"k", "neighbours that make a row's density", offsetof(struct chatunivi, k), AV_OPT_TYPE_INT,
     {.i64 = 5}, 1, WN_DENSITY_MOST, 0, NULL},
    {"later", "the same at the second and third level", offsetof(struct chatunivi, later),
     AV_OPT_TYPE_INT, {.i64 = 3}, 1, WN_DENSITY_MOST, 0, NULL},
    WN_OPT_ORDER(struct chatunivi, order, "the densest and most apart centers first"),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_chatunivi = {
    .name = "chatunivi",
    .brief = "merges the rows of a frame in clusters at three scales, one after the other",
    .paper = "Chat-UniVi (arXiv 2311.08046), PKU-YuanGroup/Chat-UniVi @ ec0b3db",
    .family = WN_SIMILARITY,
    .places = WN_AT_TOKEN,
    .options = options,
    .priv_size = sizeof(struct chatunivi),
    .token = &ops,
};
