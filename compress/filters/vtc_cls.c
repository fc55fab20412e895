/* SPDX-License-Identifier: MIT */
/* Keeps the patches that the CLS token looks at most, summed over the layers from `layer` to the
 * last but one; CLS itself is not a patch and goes first. */
#include "compress/build.h"
#include "compress/filters/options.h"

struct vtc_cls {
    const AVClass *class;
    double keep;
    int layer, per;
};

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    const struct vtc_cls *f = priv;

    wn_need_cls(needs, info, f->layer, -1);
    return WN_OK;
}

static int build(void *priv, struct wn_build *b)
{
    const struct vtc_cls *f = priv;

    b->in.score = wn_build_cls_score(b, f->layer, -1, true, -1.0f);
    wn_build_select(b, &(struct wn_select){
        .key = b->in.score,
        .table = wn_build_keep_table(b, f->keep),
        .global = f->per == WN_PER_SEGMENT,
    });
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct vtc_cls, keep, "rows that stay, a share below 1", 36),
    {"layer", "first layer that counts, from the end when negative; the last but one at most",
     offsetof(struct vtc_cls, layer), AV_OPT_TYPE_INT, {.i64 = 16}, -128, 127, 0, NULL},
    WN_OPT_PER(struct vtc_cls, per),
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_vtc_cls = {
    .name = "vtc_cls",
    .brief = "keeps the patches with the most CLS attention over several layers",
    .paper = "VTC-CLS (arXiv 2412.05819), THU-MIG/VTC-CLS @ e41ac9b",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct vtc_cls),
    .token = &ops,
};
