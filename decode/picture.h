/* SPDX-License-Identifier: MIT */
/* One decoded picture on its way through the frame filters: a reference to what the decoder made,
 * turned into RGB only if it is kept. Belongs to whoever holds it. */
#ifndef WN_DECODE_PICTURE_H
#define WN_DECODE_PICTURE_H

#include <libavutil/frame.h>

#include "pipeline/frame.h"

/* How stored pixels become an upright picture with square pixels. The picture is first stretched
 * to `width` x `height`, then turned: its pixel x, y stands at (swap ? y : x, swap ? x : y),
 * counted from the other end where `flip_x` or `flip_y` says so. */
struct wn_shape {
    int32_t width, height; /* before turning */
    bool swap, flip_x, flip_y;
};

/* What a scene detector is given in place of a picture, made ahead: see exact.c. */
struct wn_look {
    int32_t width, height; /* of a small picture */
    bool hsv;              /* hue, saturation, luma; else red, green, blue */
    bool compared;         /* with the frame before: */
    uint64_t apart[3];     /* sums of differences, by plane */
    bool whole;            /* the planes are there: */
    uint8_t data[];        /* [3][height][width] */
};

struct wn_picture {
    struct wn_picture *next;
    AVFrame *frame;       /* NULL where only the marks are of interest, or once `rgb` is made */
    struct wn_frame *rgb; /* NULL: not made yet */
    struct wn_look *look; /* NULL: not made ahead; freed with free() */
    struct wn_shape shape;
    double time;          /* seconds from the stream's start, never falling */
    int64_t number;       /* in the stream, -1: not known */
    int32_t scene;
    double scene_score;   /* of the cut that starts its scene */
    bool cut;             /* starts a scene: while `scene` holds it back */
    bool key;
};

int wn_picture_create(struct wn_picture **out); /* with an empty frame */
int wn_picture_create_mark(struct wn_picture **out); /* without one */
void wn_picture_free(struct wn_picture **picture);
int64_t wn_picture_bytes(const struct wn_picture *picture);

struct wn_pictures { /* a list in order of time */
    struct wn_picture *head, *tail;
    int n;
};
void wn_pictures_put(struct wn_pictures *list, struct wn_picture *picture); /* takes it */
struct wn_picture *wn_pictures_take(struct wn_pictures *list);             /* NULL: empty */
void wn_pictures_clear(struct wn_pictures *list);

/* A display matrix of ISO BMFF, or NULL: the nearest of the eight turns and mirrors. */
void wn_shape_matrix(struct wn_shape *shape, const int32_t *matrix);
void wn_shape_exif(struct wn_shape *shape, int orientation); /* 1 to 8; else upright */
int wn_shape_rotation(const struct wn_shape *shape);         /* degrees clockwise */
/* Width and height of square pixels; a ratio beyond 1:16 is taken for a lie. */
void wn_shape_size(struct wn_shape *shape, int32_t width, int32_t height, AVRational sar);
void wn_shape_upright(const struct wn_shape *shape, int32_t *width, int32_t *height);

#endif
