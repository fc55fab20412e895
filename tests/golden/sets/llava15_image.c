/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "tests/golden/tower.h"

static void check_square(struct golden_case *c, const struct wn_vit *vit, enum wn_vit_fit fit,
                         const char *bytes, const char *pixels)
{
    const int64_t size = 3 * (int64_t)vit->info.image_size * vit->info.image_size;
    int64_t shape[8];
    uint8_t *rgb = golden_bytes(c, "in.image_u8", shape), *square = wn_calloc((size_t)size, 1);

    if (rgb && square && wn_vit_square(square, &vit->info, &(struct wn_vit_picture){
            rgb, (int32_t)shape[1], (int32_t)shape[0]}, fit) == WN_OK) {
        if (bytes)
            golden_expect_bytes(c, bytes, square, size);
        golden_expect_pixels(c, vit, pixels, square);
    }
    free(rgb);
    free(square);
}

static void expect(struct golden_case *c, struct wn_vit *vit, const char *pixels, const char *name,
                   enum wn_vit_tap_kind kind, int layer)
{
    int n = 0;
    float *patches = golden_patches(c, vit, pixels, &n);
    float *got = patches ? golden_tap(c, vit, patches, n, kind, layer) : NULL;

    if (got && !c->failed)
        golden_expect_f32(c, name, got, (int64_t)wn_vit_tap_size(&vit->info, kind));
    free(patches);
    free(got);
}

/* The file holds the layers that LLaVA needs; the last row of the means is of one more. */
static void check_attention(struct golden_case *c, struct wn_vit *vit)
{
    const size_t t = (size_t)vit->info.n_tokens, h = (size_t)vit->info.n_heads;
    const float *want = golden_f32(c, "out.cls_attn_mean", NULL, NULL);
    int n = 0;
    float *patches = golden_patches(c, vit, "in.pixels", &n);

    for (int l = 0; want && patches && l < vit->info.n_layers; l++) {
        float *got = golden_tap(c, vit, patches, n, WN_VIT_CLS_ATTN, l);

        for (size_t i = 0; got && !c->failed && i < t; i++) {
            float mean = 0;

            for (size_t k = 0; k < h; k++)
                mean += got[k * t + i] / (float)h;
            if (mean - want[(size_t)l * t + i] > 1e-6f || want[(size_t)l * t + i] - mean > 1e-6f)
                golden_fail(c, "attention of layer %d at %zu is %g, got %g", l, i,
                            (double)want[(size_t)l * t + i], (double)mean);
        }
        free(got);
    }
    free(patches);
}

static void run_file(struct golden_case *c, const char *file)
{
    struct wn_vit *vit = golden_tower(c, file);

    if (!vit)
        return;
    check_square(c, vit, WN_VIT_PAD, "mid.resized_u8", "in.pixels");
    check_square(c, vit, WN_VIT_CROP, NULL, "in.pixels_center_crop");
    expect(c, vit, "in.pixels", "out.h_pre", WN_VIT_HIDDEN, 0);
    expect(c, vit, "in.pixels", "out.features", WN_VIT_FEATURE, 0);
    expect(c, vit, "in.pixels", "out.projected", WN_VIT_PROJECTED, 0);
    expect(c, vit, "in.pixels_center_crop", "out.projected_center_crop", WN_VIT_PROJECTED, 0);
    check_attention(c, vit);
    wn_vit_close(&vit);
}

static void run(struct golden_case *c)
{
    run_file(c, "tower-f16.gguf");
    run_file(c, "tower-legacy-f16.gguf");
}

static const char *const beyond[] = {"out.cls_attn_mean", "out.projected_tanh", NULL};

const struct golden_set golden_llava15_image = {
    .name = "llava15_image",
    .beyond = beyond,
    .run = run,
};
