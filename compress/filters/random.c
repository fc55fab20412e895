/* SPDX-License-Identifier: MIT */
/* The baseline that a method must beat: rows by lot, which depends on seed, frame and cell only. */
#include "compress/build.h"
#include "compress/filters/options.h"

struct by_lot {
    const AVClass *class;
    double keep;
    int seed, per;
};

static int build(void *priv, struct wn_build *b)
{
    const struct by_lot *f = priv;
    const wn_buf key = wn_plan_temp(b->plan, "lot", b->in.n);
    const struct wn_noise_params p = {
        .n = b->in.n,
        .n_segments = b->in.n_frames,
        .seed = (uint32_t)f->seed,
    };

    WN_CALL(b, noise, &p, b->in.ptr, wn_build_frame_numbers(b), b->in.cell, key);
    wn_build_select(b, &(struct wn_select){
        .key = key,
        .table = wn_build_keep_table(b, f->keep),
        .global = f->per == WN_PER_SEGMENT,
    });
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct by_lot, keep, "rows that stay, a share below 1", 0.25),
    {"seed", "another seed, another lot", offsetof(struct by_lot, seed), AV_OPT_TYPE_INT,
     {.i64 = 0}, 0, INT32_MAX, 0, NULL},
    WN_OPT_PER(struct by_lot, per),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_random = {
    .name = "random",
    .brief = "keeps rows by lot, the same ones for the same seed",
    .family = WN_BASELINE,
    .places = WN_AT_TOKEN,
    .options = options,
    .priv_size = sizeof(struct by_lot),
    .token = &ops,
};
