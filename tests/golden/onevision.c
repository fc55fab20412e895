/* SPDX-License-Identifier: MIT */
/* SigLIP with OneVision's tiles, pooled frames and newlines. */
#include <stdlib.h>
#include <string.h>

#include "tests/golden/tower.h"

/* The file names no sizes of tiles: they come with the case. */
static void set_pinpoints(struct golden_case *c, struct wn_vit *vit)
{
    json_t *list = golden_meta(c, "grid_pinpoints"), *item;
    size_t i;

    json_array_foreach(list, i, item) {
        vit->info.pinpoint[i][0] = (int32_t)json_integer_value(json_array_get(item, 0));
        vit->info.pinpoint[i][1] = (int32_t)json_integer_value(json_array_get(item, 1));
        vit->info.n_pinpoints = (int32_t)i + 1;
    }
    json_decref(list);
    vit->info.unpad = true;
}

struct frames {
    const float *projected, *newline;
    int n;
};

/* Rows of all frames; `last`: one newline row at the end. */
static void expect(struct golden_case *c, const struct wn_vit *vit, const struct frames *f,
                   const char *name, enum wn_vit_pool pool, enum wn_vit_newline newline, bool last)
{
    const size_t dim = (size_t)vit->info.out_dim;
    const size_t frame = (size_t)vit->info.n_patches * dim;
    struct wn_vit_plan plan = {0};

    if (c->failed || wn_vit_plan_pooled(&plan, &vit->info, pool, newline) < 0)
        return;
    const size_t n = (size_t)plan.n_rows * (size_t)f->n;
    float *rows = wn_calloc((n + last) * dim, sizeof(*rows));
    for (size_t i = 0; rows && i < (size_t)f->n; i++)
        wn_vit_mix(rows + i * (size_t)plan.n_rows * dim, &plan, f->projected + i * frame,
                   (int32_t)dim, f->newline);
    if (rows && last)
        memcpy(rows + n * dim, f->newline, dim * sizeof(*rows));
    if (rows)
        golden_expect_f32(c, name, rows, (int64_t)((n + last) * dim));
    free(rows);
    wn_vit_plan_finish(&plan);
}

static void check_squares(struct golden_case *c, const struct wn_vit *vit)
{
    const size_t size = 3 * (size_t)vit->info.image_size * (size_t)vit->info.image_size;
    int64_t shape[8] = {0};
    uint8_t *rgb = golden_bytes(c, "in.frames_u8", shape);
    uint8_t *squares = rgb ? wn_calloc((size_t)shape[0], size) : NULL;
    const size_t one = (size_t)(shape[1] * shape[2] * shape[3]);

    for (size_t i = 0; squares && i < (size_t)shape[0]; i++)
        if (wn_vit_square(squares + i * size, &vit->info, &(struct wn_vit_picture){
                rgb + i * one, (int32_t)shape[2], (int32_t)shape[1]}, WN_VIT_SQUEEZE) < 0)
            golden_fail(c, "out of memory");
    if (squares) {
        golden_expect_bytes(c, "mid.resized_u8", squares, (int64_t)((size_t)shape[0] * size));
        golden_expect_pixels(c, vit, "in.pixels", squares);
    }
    free(rgb);
    free(squares);
}

static void run_video(struct golden_case *c, struct wn_vit *vit)
{
    struct frames f = {.newline = golden_f32(c, "in.image_newline", NULL, NULL)};
    float *patches = golden_patches(c, vit, "in.pixels", &f.n);
    float *projected = patches ? golden_tap(c, vit, patches, f.n, WN_VIT_PROJECTED, 0) : NULL;
    float *features = patches ? golden_tap(c, vit, patches, f.n, WN_VIT_FEATURE, 0) : NULL;
    const int64_t n = (int64_t)f.n * vit->info.n_patches;

    check_squares(c, vit);
    f.projected = projected;
    if (projected && features && !c->failed) {
        golden_expect_f32(c, "mid.features", features, n * vit->info.dim);
        golden_expect_f32(c, "mid.projected", projected, n * vit->info.out_dim);
        expect(c, vit, &f, "out.pool_bilinear", WN_VIT_BILINEAR, WN_VIT_NO_NEWLINE, false);
        expect(c, vit, &f, "out.pool_average", WN_VIT_AVERAGE, WN_VIT_NO_NEWLINE, false);
        expect(c, vit, &f, "out.newline_frame", WN_VIT_BILINEAR, WN_VIT_FRAME_NEWLINE, false);
        expect(c, vit, &f, "out.newline_grid", WN_VIT_BILINEAR, WN_VIT_LINE_NEWLINE, false);
        expect(c, vit, &f, "out.newline_grid_faster", WN_VIT_BILINEAR, WN_VIT_LINE_NEWLINE, false);
        expect(c, vit, &f, "out.newline_one_token", WN_VIT_BILINEAR, WN_VIT_NO_NEWLINE, true);
    }
    free(patches);
    free(projected);
    free(features);
}

void golden_run_onevision(struct golden_case *c)
{
    struct wn_vit *vit = golden_tower(c, "tower-f16.gguf");

    if (vit && golden_has_tensor(c, "in.frames_u8")) {
        run_video(c, vit);
    } else if (vit) {
        set_pinpoints(c, vit);
        golden_run_tiles(c, vit, 9, NULL);
    }
    wn_vit_close(&vit);
}
