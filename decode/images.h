/* SPDX-License-Identifier: MIT */
/* A folder of pictures as a video of one frame a second. The files are those whose names end like
 * pictures, in the order in which people count (f2 before f10); a number that is missing leaves no
 * gap, and each picture keeps its own size. Others, folders and hidden files are passed over. A
 * picture that cannot be decoded ends it with its sentence. */
#ifndef WN_DECODE_IMAGES_H
#define WN_DECODE_IMAGES_H

#include "pipeline/decoder.h"

struct wn_input;
struct wn_picture;

struct wn_images {
    char **path;   /* [n] */
    int n, next;
};

bool wn_images_is_folder(const char *url);
int wn_images_list(struct wn_images **out, const char *folder, struct wn_log *log);
void wn_images_free(struct wn_images **images);
/* The next picture, with its number and time; *out stays NULL at the end. */
int wn_images_next(struct wn_images *images, const struct wn_decoder_params *params,
                   struct wn_picture **out);

#endif
