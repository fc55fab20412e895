/* SPDX-License-Identifier: MIT */
/* Patches that look as they did when they were last encoded do not enter the first layer. */
#include "compress/build.h"

struct skip {
    const AVClass *class;
    double threshold;
};

static int cuts(void *priv, const struct wn_encoder_info *info, struct wn_cuts *cuts,
                struct wn_log *log)
{
    const struct skip *f = priv;

    cuts->skip = f->threshold;
    return WN_OK;
}

static const AVOption options[] = {
    {"threshold", "the most by which a patch may differ, root of the mean square in levels of 255",
     offsetof(struct skip, threshold), AV_OPT_TYPE_DOUBLE, {.dbl = 4}, 0, 255, 0, NULL},
    {NULL},
};

static const struct wn_encoder_ops encoder_ops = {
    .cuts = cuts,
};

const struct wn_filter wn_filter_skip = {
    .name = "skip",
    .brief = "does not encode patches that did not change since they were last encoded",
    .family = WN_SIMILARITY,
    .places = WN_AT_ENCODER,
    .options = options,
    .priv_size = sizeof(struct skip),
    .encoder = &encoder_ops,
};
