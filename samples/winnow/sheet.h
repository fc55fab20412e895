/* SPDX-License-Identifier: MIT */
/* Contact sheets: frames in order, a page after the other, scenes set apart. */
#ifndef WINNOW_SHEET_H
#define WINNOW_SHEET_H

#include <stdbool.h>
#include <stdint.h>

#include "winnow.h"

enum fate {
    FATE_NONE,    /* the encoder gives no row for this patch */
    FATE_KEPT,    /* a token of its own */
    FATE_CENTER,  /* its place is that of a token that others merged into */
    FATE_MERGED,  /* went into a token with another place */
    FATE_DROPPED,
};
struct patch {
    uint8_t fate;
    int32_t token; /* that it went into: patches of one token share a hue */
};

struct sheet_frame {
    struct wn_image image;
    int32_t index, scene;
    double time;
    int32_t grid_h, grid_w;
    const struct patch *patch; /* [grid_h][grid_w] */
    int32_t fates[FATE_DROPPED + 1]; /* how many rows of each, rows without a place included */
};

struct sheet_params {
    const char *folder, *title, *chain;
    int columns, thumb, per_page; /* thumb: longer side of a picture */
};
struct sheet;

int sheet_create(struct sheet **out, const struct sheet_params *params); /* -1: out of memory */
/* 0, or -1 with a sentence in sheet_error(). */
int sheet_add(struct sheet *sheet, const struct sheet_frame *frame);
int sheet_end(struct sheet *sheet); /* writes the last page */
int sheet_pages(const struct sheet *sheet);
const char *sheet_error(const struct sheet *sheet);
void sheet_destroy(struct sheet **sheet);

#endif
