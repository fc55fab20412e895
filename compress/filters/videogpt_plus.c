/* SPDX-License-Identifier: MIT */
/* The authors have two towers, one for pictures and one for video, and put the pooled grids of all
 * pictures before those of all video frames. Here one tower sees each frame, which becomes both
 * grids, one after the other, since a frame's rows stand together behind its label. What a second
 * tower makes is pooled by `pool=rows=8`. */
#include "compress/filters/options.h"
#include "compress/made.h"

struct videogpt_plus {
    const AVClass *class;
    int context, video;
};

static int build(void *priv, struct wn_build *b)
{
    const struct videogpt_plus *f = priv;
    const int grid[2][2] = {{f->context, f->context}, {f->video, f->video}};

    wn_build_adaptive(b, grid, f->video ? 2 : 1);
    return WN_OK;
}

static const AVOption options[] = {
    {"context", "rows and columns of the first grid", offsetof(struct videogpt_plus, context),
     AV_OPT_TYPE_INT, {.i64 = 12}, 1, 4096, 0, NULL},
    {"video", "of the second one; 0: none", offsetof(struct videogpt_plus, video),
     AV_OPT_TYPE_INT, {.i64 = 8}, 0, 4096, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_videogpt_plus = {
    .name = "videogpt_plus",
    .brief = "averages each frame to two grids, a fine and a coarse one",
    .paper = "VideoGPT+ (arXiv 2406.09418), mbzuai-oryx/VideoGPT-plus @ 6b08052",
    .family = WN_TRANSFORMATION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_HOST,
    .options = options,
    .priv_size = sizeof(struct videogpt_plus),
    .token = &ops,
};
