/* SPDX-License-Identifier: MIT */
/* Rules that choose frames, or split them in scenes, by vectors or scores of each frame. They run
 * on the host: a few numbers a frame. x [n][dim]: a vector a frame. Lists come out ascending.
 * Functions give how many there are, or WN_ERR_NOMEM. */
#ifndef WN_SELECT_H
#define WN_SELECT_H

#include "pipeline/util.h"

double wn_select_cos(const float *a, const float *b, int64_t dim);

/* LongVU: in windows of `window` frames those stay whose mean cosine with the window is below the
 * threshold, and the middle one. list [n]. */
int32_t wn_select_longvu(const float *x, int32_t n, int64_t dim, int32_t window, double threshold,
                         int32_t *list);

/* TDC: at most 224 frames, evenly, list [224]. */
#define WN_TDC_FRAMES 224
int32_t wn_select_tdc_frames(int32_t n, int32_t most, int32_t *list);
/* Scenes end after the `most` frames that are least like the next one; short videos: after each.
 * cut [n] gets them, cosine [n - 1] what they were chosen by. */
int32_t wn_select_tdc_cuts(const float *x, int32_t n, int64_t dim, int32_t most, int32_t *cut,
                           float *cosine);

/* VideoLLaMB's SceneTiling: frames after which the cosine with the next one is a valley: deeper
 * than mean + alpha * deviation, 15 at most, or the k deepest (k > 0). `left`: by the left slope
 * alone. cosine, depth [n - 1]; list [n]. */
int32_t wn_select_tiling(const float *x, int32_t n, int64_t dim, double alpha, int32_t k, bool left,
                         float *cosine, float *depth, int32_t *list);

/* AKS: `most` of n frames by their scores for a question, spread over the time where scores do not
 * stand out. list [n] of places. */
struct wn_aks {
    int32_t most, ratio, depth; /* frames to choose; every ratio-th is looked at; most halvings */
    double t1, t2;
};
int32_t wn_select_aks(const float *score, int32_t n, const struct wn_aks *rule, int32_t *list);

/* D-CoDe: int(most * share) frames evenly, then those least like the chosen ones. list [most];
 * uniform [most]: the first ones, *n_uniform of them. */
int32_t wn_select_dcode(const float *x, int32_t n, int64_t dim, int32_t most, double share,
                        int32_t *list, int32_t *uniform, int32_t *n_uniform);

/* Round-half-even of `count` numbers from 0 to n - 1 in float32, as torch.linspace has them. */
void wn_select_linspace(int32_t n, int32_t count, int32_t *list);
/* Middles of `count` equal parts of n frames, as SF-LLaVA and TS-LLaVA sample. */
void wn_select_middles(int32_t n, int32_t count, int32_t *list);
/* The same with PVC's rounding: frames from first to last. */
void wn_select_pvc(int32_t first, int32_t last, int32_t count, int32_t *list);

/* TS-LLaVA: rows and columns of a grid of `count` pictures, as square as can be, no wider than
 * high. */
void wn_thumbnail_grid(int32_t count, int32_t *rows, int32_t *cols);
/* Pictures [rows * cols][channels][h][w] shrunk by area to side / rows x side / cols each, in
 * raster order: out [channels][side / rows * rows][side / cols * cols]. */
void wn_thumbnail(const float *in, int32_t channels, int32_t h, int32_t w, int32_t rows,
                  int32_t cols, int32_t side, float *out);

/* One picture of bytes [h][w][3] shrunk likewise: out [height][width][3]. */
void wn_thumbnail_bytes(const uint8_t *in, int32_t h, int32_t w, int32_t height, int32_t width,
                        uint8_t *out);

/* PVC and InternVL: tiles of side `side` that fit a picture's shape best, `most` at most. */
void wn_select_tiles(int32_t w, int32_t h, int32_t side, int32_t most, int32_t *cols,
                     int32_t *rows);

#endif
