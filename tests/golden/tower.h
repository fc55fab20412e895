/* SPDX-License-Identifier: MIT */
/* Vision towers: the own encoder on a case's pictures, with the GGUF in the case's folder. */
#ifndef WN_GOLDEN_TOWER_H
#define WN_GOLDEN_TOWER_H

#include "tests/golden/golden.h"
#include "vision/vit_image.h"

/* The tower FILE beside the case, matrices widened to f32. NULL: failed. */
struct wn_vit *golden_tower(struct golden_case *c, const char *file);
/* [n][n_patches][3][patch][patch] of tensor `name`, which is [n][3][S][S] (or one without n). */
float *golden_patches(struct golden_case *c, const struct wn_vit *vit, const char *name, int *n);
/* Runs and gives the tap's floats; freed by the caller. */
float *golden_tap(struct golden_case *c, struct wn_vit *vit, const float *patches, int n,
                  enum wn_vit_tap_kind kind, int32_t layer);
/* Bytes of an int32 tensor. */
uint8_t *golden_bytes(struct golden_case *c, const char *name, int64_t *shape);
/* u8 against a tensor, byte for byte. */
void golden_expect_bytes(struct golden_case *c, const char *name, const uint8_t *got, int64_t n);
/* Normalised patches of squares against tensor `name` of pixels. */
void golden_expect_pixels(struct golden_case *c, const struct wn_vit *vit, const char *name,
                          const uint8_t *squares);

/* A whole tower: preprocessing, every layer's states and attention, features, projected rows. */
void golden_run_tower(struct golden_case *c, enum wn_vit_fit fit, const char *resized);

/* in.image_u8 in tiles, through the tower and packed with its newlines; `bytes`: the tensor of the
 * tiles, or NULL. */
void golden_run_tiles(struct golden_case *c, struct wn_vit *vit, int32_t most_tiles,
                      const char *bytes);

/* A case of OneVision: a picture in tiles or the frames of a video (onevision.c). */
void golden_run_onevision(struct golden_case *c);

extern const char *const golden_tower_beyond[];

#endif
