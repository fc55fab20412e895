/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/golden/chain.h"

struct cls_rows {
    const float *attn; /* [batch][heads][n] */
    int32_t n, heads;  /* n: rows of an image, CLS first */
};

static float value(const void *arg, int32_t row, int32_t column)
{
    const struct cls_rows *a = arg;

    return a->attn[((int64_t)(row / a->n) * a->heads + column) * a->n + row % a->n];
}

static struct wn_rows *images(struct golden_case *c)
{
    int64_t shape[8] = {0}, attn_shape[8] = {0}, key_shape[8] = {0};
    const float *hidden = golden_f32(c, "in.hidden", shape, NULL);
    const float *attn = golden_f32(c, "in.cls_attn", attn_shape, NULL);
    const float *keys = golden_f32(c, "in.metric", key_shape, NULL);
    const struct cls_rows arg = {attn, (int32_t)shape[1], (int32_t)attn_shape[1]};
    struct wn_rows *rows = NULL;

    if (!c->failed)
        rows = golden_rows(c, hidden, (int32_t)shape[0], 1, arg.n - 1, true, (int32_t)shape[2]);
    if (rows) { /* the tensors are of the last layer but one of some encoder */
        golden_set_attn(c, rows, 1, arg.heads, 22, 24, value, &arg);
        golden_set_keys(c, rows, keys, (int32_t)key_shape[2], 22);
    }
    return rows;
}

struct scored {
    float score;
    int32_t cell;
};

static int by_score(const void *pa, const void *pb)
{
    const struct scored *a = pa, *b = pb;

    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    return a->cell - b->cell;
}

/* The dominant rows, which come first in each image, as they stand and in order of score. */
static void check_dominant(struct golden_case *c, const struct wn_rows *rows, int32_t dominant)
{
    const int32_t n = dominant * rows->n_frames;
    struct scored *list = wn_calloc((size_t)n, sizeof(*list));
    int32_t *cell = wn_calloc((size_t)n, sizeof(*cell));

    for (int32_t i = 0; list && cell && i < n; i++) {
        const int32_t row = rows->frame_ptr[i / dominant] + i % dominant;
        list[i] = (struct scored){rows->score[row], rows->cell[row]};
        cell[i] = rows->cell[row];
    }
    if (list && cell) {
        golden_expect_i32(c, "out.dominant_sorted", cell, n);
        for (int32_t f = 0; f < rows->n_frames; f++)
            qsort(list + f * dominant, (size_t)dominant, sizeof(*list), by_score);
        for (int32_t i = 0; i < n; i++)
            cell[i] = list[i].cell;
        golden_expect_i32(c, "out.all_indices", cell, n);
    }
    free(list);
    free(cell);
}

static void run_images(struct golden_case *c)
{
    const int dominant = (int)golden_int(c, "dominant");
    const int contextual = (int)golden_int(c, "contextual");
    struct wn_rows *rows = images(c);

    if (golden_run_chain(c, &rows, true, "visionzip=dominant=%d:contextual=%d", dominant,
                         contextual)) {
        golden_expect_f32(c, "out.features", rows->data, (int64_t)rows->n * rows->dim);
        if (rows->n >= dominant * rows->n_frames)
            check_dominant(c, rows, dominant);
    }
    wn_rows_destroy(&rows);
}

/* ---- crops of one large image, packed after the filter ---- */

#define SIDE 24 /* patches on a side of a crop, as in the authors' code */

struct place {
    int32_t order; /* raster order of the whole image */
    int32_t row;   /* of the crops' features */
};

static int by_order(const void *pa, const void *pb)
{
    const struct place *a = pa, *b = pb;

    return a->order != b->order ? (a->order < b->order ? -1 : 1) : a->row - b->row;
}

static int32_t in_image(int32_t crop, int32_t patch, int32_t crops_w)
{
    const int32_t y = crop / crops_w * SIDE + patch / SIDE;
    const int32_t x = crop % crops_w * SIDE + patch % SIDE;

    return y * crops_w * SIDE + x;
}

static int ascending(const void *a, const void *b)
{
    return *(const int32_t *)a - *(const int32_t *)b;
}

/* Patches of all crops in the order of the image, then the CLS rows, then the contextual ones. */
static void order_rows(struct place *place, int32_t *keep, const int64_t *shape, int32_t n_keep,
                       int32_t crops_w)
{
    const int32_t crops = (int32_t)shape[0], rows = (int32_t)shape[1];

    for (int32_t crop = 0; crop < crops; crop++) {
        int32_t *kept = keep + crop * n_keep;
        qsort(kept, (size_t)n_keep, sizeof(*kept), ascending); /* CLS, then raster order */
        for (int32_t r = 0; r < rows; r++) {
            const int32_t late = INT32_MAX - (r >= n_keep ? 0 : 1);
            place[crop * rows + r] = (struct place){
                .order = r > 0 && r < n_keep ? in_image(crop, kept[r] - 1, crops_w) : late,
                .row = crop * rows + r,
            };
        }
    }
    qsort(place, (size_t)(crops * rows), sizeof(*place), by_order);
}

static void run_crops(struct golden_case *c)
{
    int64_t shape[8] = {0}, keep_shape[8] = {0};
    const float *x = golden_f32(c, "in.crop_features", shape, NULL);
    int32_t *keep = (int32_t *)golden_i32(c, "in.keep_idx", keep_shape, NULL);
    const int64_t n = shape[0] * shape[1], dim = shape[2];
    struct place *place = wn_calloc((size_t)n, sizeof(*place));
    float *out = wn_calloc((size_t)n, (size_t)dim * sizeof(*out));

    if (!c->failed && place && out) {
        order_rows(place, keep, shape, (int32_t)keep_shape[1], (int32_t)golden_int(c, "grid_w"));
        for (int64_t i = 0; i < n; i++)
            memcpy(out + i * dim, x + place[i].row * dim, (size_t)dim * sizeof(*out));
        golden_expect_f32(c, "out.features", out, n * dim);
    }
    free(place);
    free(out);
}

static void run(struct golden_case *c)
{
    if (golden_has_tensor(c, "in.crop_features"))
        run_crops(c);
    else
        run_images(c);
}

const struct golden_set golden_visionzip = {
    .name = "visionzip",
    .runs_kernels = true,
    .run = run,
};
