/* SPDX-License-Identifier: MIT */
#include "picture.h"

#include <math.h>
#include <stdlib.h>

int wn_picture_create_mark(struct wn_picture **out)
{
    struct wn_picture *p = wn_calloc(1, sizeof(*p));

    if (!p)
        return WN_ERR_NOMEM;
    p->number = -1;
    *out = p;
    return WN_OK;
}

int wn_picture_create(struct wn_picture **out)
{
    struct wn_picture *p = NULL;

    if (wn_picture_create_mark(&p))
        return WN_ERR_NOMEM;
    p->frame = av_frame_alloc();
    if (!p->frame) {
        free(p);
        return WN_ERR_NOMEM;
    }
    *out = p;
    return WN_OK;
}

void wn_picture_free(struct wn_picture **picture)
{
    if (!*picture)
        return;
    av_frame_free(&(*picture)->frame);
    wn_frame_unref(&(*picture)->rgb);
    free((*picture)->look);
    free(*picture);
    *picture = NULL;
}

int64_t wn_picture_bytes(const struct wn_picture *picture)
{
    int64_t n = (int64_t)sizeof(*picture);

    for (int i = 0; picture->frame && i < AV_NUM_DATA_POINTERS; i++)
        if (picture->frame->buf[i])
            n += (int64_t)picture->frame->buf[i]->size;
    if (picture->rgb)
        n += (int64_t)picture->rgb->width * picture->rgb->height * 3;
    const struct wn_look *look = picture->look;
    if (look)
        n += (int64_t)sizeof(*look) + (look->whole ? 3LL * look->width * look->height : 0);
    return n;
}

void wn_pictures_put(struct wn_pictures *list, struct wn_picture *picture)
{
    picture->next = NULL;
    if (list->tail)
        list->tail->next = picture;
    else
        list->head = picture;
    list->tail = picture;
    list->n++;
}

struct wn_picture *wn_pictures_take(struct wn_pictures *list)
{
    struct wn_picture *p = list->head;

    if (!p)
        return NULL;
    list->head = p->next;
    if (!list->head)
        list->tail = NULL;
    list->n--;
    p->next = NULL;
    return p;
}

void wn_pictures_clear(struct wn_pictures *list)
{
    for (struct wn_picture *p = wn_pictures_take(list); p; p = wn_pictures_take(list))
        wn_picture_free(&p);
}

/* The matrix sends x, y to x * m[0] + y * m[3] and x * m[1] + y * m[4]. */
void wn_shape_matrix(struct wn_shape *shape, const int32_t *m)
{
    shape->swap = shape->flip_x = shape->flip_y = false;
    if (!m)
        return;
    const double straight = fabs((double)m[0]) + fabs((double)m[4]);
    const double crossed = fabs((double)m[1]) + fabs((double)m[3]);
    if (straight + crossed <= 0)
        return;
    shape->swap = crossed > straight;
    shape->flip_x = (shape->swap ? m[3] : m[0]) < 0;
    shape->flip_y = (shape->swap ? m[1] : m[4]) < 0;
}

void wn_shape_exif(struct wn_shape *shape, int orientation)
{
    shape->swap = orientation >= 5 && orientation <= 8;
    shape->flip_x = orientation == 2 || orientation == 3 || orientation == 6 || orientation == 7;
    shape->flip_y = orientation == 3 || orientation == 4 || orientation == 7 || orientation == 8;
}

int wn_shape_rotation(const struct wn_shape *shape)
{
    if (shape->swap)
        return shape->flip_x ? 90 : shape->flip_y ? 270 : 90;
    return shape->flip_x && shape->flip_y ? 180 : shape->flip_y ? 180 : 0;
}

void wn_shape_size(struct wn_shape *shape, int32_t width, int32_t height, AVRational sar)
{
    shape->width = width;
    shape->height = height;
    if (sar.num <= 0 || sar.den <= 0 || sar.num == sar.den)
        return;
    const double ratio = (double)sar.num / sar.den;
    if (ratio < 1.0 / 16 || ratio > 16)
        return;
    const double w = rint(width * ratio);
    if (w >= 1 && w <= INT32_MAX / 8)
        shape->width = (int32_t)w;
}

void wn_shape_upright(const struct wn_shape *shape, int32_t *width, int32_t *height)
{
    *width = shape->swap ? shape->height : shape->width;
    *height = shape->swap ? shape->width : shape->height;
}
