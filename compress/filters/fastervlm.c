/* SPDX-License-Identifier: MIT */
/* Keeps the patches that the CLS token looks at most in the last layer but one; CLS itself is not a
 * patch and goes first. */
#include "compress/build.h"
#include "compress/filters/options.h"

struct fastervlm {
    const AVClass *class;
    double keep;
    int per;
};

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    wn_need_cls(needs, info, -2, -1);
    return WN_OK;
}

static int build(void *priv, struct wn_build *b)
{
    const struct fastervlm *f = priv;

    b->in.score = wn_build_cls_score(b, -2, -1, true, -1.0f);
    wn_build_select(b, &(struct wn_select){
        .key = b->in.score,
        .table = wn_build_keep_table(b, f->keep),
        .global = f->per == WN_PER_SEGMENT,
    });
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct fastervlm, keep, "rows that stay, a share below 1", 58),
    WN_OPT_PER(struct fastervlm, per),
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_fastervlm = {
    .name = "fastervlm",
    .brief = "keeps the patches with the most CLS attention in the last layer but one",
    .paper = "FasterVLM (arXiv 2412.01818), Theia-4869/FasterVLM @ f5d5f12",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct fastervlm),
    .token = &ops,
};
