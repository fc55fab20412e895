/* SPDX-License-Identifier: MIT */
/* Trained positions of frames that come together between the layers of an encoder (TempMe). */
#ifndef WN_PLACES_H
#define WN_PLACES_H

#include "build.h"

struct wn_places;

/* Of a safetensors file; join [n]: a layer, and how many frames come together before it. A sentence
 * where the file's shapes are not those of the tower and of the joins. */
int wn_places_open(struct wn_places **out, const char *path, const int32_t (*join)[2], int32_t n,
                   const struct wn_encoder_info *info, struct wn_log *log);
void wn_places_close(struct wn_places **places);
int32_t wn_places_frames(const struct wn_places *places); /* of a video that they are for */
/* Rows with the positions of the frames that they were in until this cut, f32 [in.n][in.dim]; where
 * no frames come together, or for NULL, in.data itself. */
wn_buf wn_build_placed(struct wn_build *b, const struct wn_places *places);

#endif
