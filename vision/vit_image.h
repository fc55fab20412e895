/* SPDX-License-Identifier: MIT */
/* From pictures to patches as Hugging Face's processors make them, and from projected patches to
 * the rows that the language model was trained with: tiles, pooling, newlines. */
#ifndef WN_VIT_IMAGE_H
#define WN_VIT_IMAGE_H

#include "../pipeline/frame.h"
#include "pillow.h"
#include "vit.h"

/* How a picture becomes a square. */
enum wn_vit_fit {
    WN_VIT_PAD,     /* on a square of the mean colour, then resized (LLaVA-1.5) */
    WN_VIT_CROP,    /* its short edge resized, then the middle cut out (CLIP) */
    WN_VIT_SQUEEZE, /* resized without its aspect (SigLIP, and the first of a picture's tiles) */
};

struct wn_vit_picture {
    const uint8_t *rgb; /* [height][width][3] */
    int32_t width, height;
};

/* dst[image_size][image_size][3]. WN_OK or WN_ERR_NOMEM. */
int wn_vit_square(uint8_t *dst, const struct wn_vit_info *m, const struct wn_vit_picture *p,
                  enum wn_vit_fit fit);
/* patches[n_patches][3][patch][patch], normalised. */
void wn_vit_unfold(float *patches, const struct wn_vit_info *m, const uint8_t *square);

/* A picture cut in tiles: of the sizes that the file lists, the one that shows most of it, and of
 * those the one with the least padding. */
struct wn_vit_tiling {
    int32_t width, height;         /* of the picture */
    int32_t full_w, full_h;        /* of the canvas that is cut: whole tiles */
    int32_t x, y, w, h;            /* where the resized picture lies on it */
    int32_t n;                     /* tiles, with the whole picture as the first */
};
void wn_vit_tiling(struct wn_vit_tiling *out, const struct wn_vit_info *m, int32_t width,
                   int32_t height);
/* dst[n][image_size][image_size][3] */
int wn_vit_tiles(uint8_t *dst, const struct wn_vit_info *m, const struct wn_vit_tiling *t,
                 const uint8_t *rgb);

/* A row for the language model: a mix of projected patches, counted over all tiles. */
struct wn_vit_row {
    int32_t from[4];  /* from[0] -1: the newline row */
    float weight[4];
    int32_t pos[2];   /* row and column of the frame's grid, or -1, -1 */
};

struct wn_vit_plan {
    struct wn_vit_row *row;
    int32_t n_rows, grid_h, grid_w;
    int32_t n_tiles;  /* that the tower encodes */
    bool plain;       /* row i is patch i */
};
void wn_vit_plan_finish(struct wn_vit_plan *plan);

enum wn_vit_pool { WN_VIT_BILINEAR, WN_VIT_AVERAGE };

/* One square, all its patches. */
int wn_vit_plan_square(struct wn_vit_plan *out, const struct wn_vit_info *m);
/* Where a newline row stands: nowhere, behind the frame, or behind each line of its grid. */
enum wn_vit_newline { WN_VIT_NO_NEWLINE, WN_VIT_FRAME_NEWLINE, WN_VIT_LINE_NEWLINE };
/* One square pooled 2 x 2 (OneVision's frames): bilinear to side / 2 rounded up, or means of whole
 * blocks. */
int wn_vit_plan_pooled(struct wn_vit_plan *out, const struct wn_vit_info *m, enum wn_vit_pool pool,
                       enum wn_vit_newline newline);
/* The whole picture's patches, then the tiles as one grid without its padding, a newline behind
 * each of its lines where there is one. most_tiles > 0: a larger grid is shrunk to as many patches
 * as that many tiles have (anyres_max). */
int wn_vit_plan_tiles(struct wn_vit_plan *out, const struct wn_vit_info *m,
                      const struct wn_vit_tiling *t, int32_t most_tiles);
/* to[dim]: one row of such patches. */
void wn_vit_mix_row(float *to, const struct wn_vit_row *row, const float *patches, int32_t dim,
                    const float *newline);
/* rows[n_rows][dim] of patches[n_tiles * n_patches][dim]; newline NULL: zeros. */
void wn_vit_mix(float *rows, const struct wn_vit_plan *plan, const float *patches, int32_t dim,
                const float *newline);

#endif
