/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tests/golden/tower.h"

static void run_file(struct golden_case *c, const char *file)
{
    struct wn_vit *vit = golden_tower(c, file);
    int n = 0;

    if (!vit)
        return;
    float *patches = golden_patches(c, vit, "in.pixels", &n);
    float *got = patches ? golden_tap(c, vit, patches, n, WN_VIT_FEATURE, 0) : NULL;
    const int64_t rows = (int64_t)n * vit->info.n_patches;
    if (got && !c->failed)
        golden_expect_f32(c, "mid.tile_features", got, rows * vit->info.dim);
    free(patches);
    free(got);
    golden_run_tiles(c, vit, 0, "mid.tiles_u8");
    wn_vit_close(&vit);
}

static void run(struct golden_case *c)
{
    run_file(c, "tower-f16.gguf");
    run_file(c, "tower-legacy-f16.gguf");
}

const struct golden_set golden_llava_next_anyres = {
    .name = "llava_next_anyres",
    .run = run,
};
