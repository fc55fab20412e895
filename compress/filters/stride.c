/* SPDX-License-Identifier: MIT */
/* The baseline by place alone: rows at even distances. */
#include "compress/build.h"
#include "compress/filters/options.h"

struct stride {
    const AVClass *class;
    double keep;
};

static int build(void *priv, struct wn_build *b)
{
    const struct stride *f = priv;
    const wn_buf table = wn_build_keep_table(b, f->keep);
    struct wn_list list = {
        .keep = wn_plan_temp(b->plan, "keep", b->in.n),
        .rank = WN_NONE,
    };

    WN_CALL(b, spread, (&(struct wn_spread_params){.n = b->in.n, .n_segments = b->in.n_frames}),
            b->in.ptr, table, wn_build_fill(b, 1), list.keep);
    list.count = wn_build_counts(b, table, NULL, &list.n_out);
    wn_build_compact(b, &list);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct stride, keep, "rows that stay, a share below 1", 0.25),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_stride = {
    .name = "stride",
    .brief = "keeps rows at even distances in each frame",
    .family = WN_BASELINE,
    .places = WN_AT_TOKEN,
    .options = options,
    .priv_size = sizeof(struct stride),
    .token = &ops,
};
