/* SPDX-License-Identifier: MIT */
/* Passes frames on, and at the end a picture of some of them side by side. Holds them shrunk to
 * what they have there, 256 at most; of more every second one goes, and again. The picture's number
 * is WN_FRAME_MADE, its time that of the last frame. */
#include <stdlib.h>
#include <string.h>

#include "decode/convert.h"
#include "decode/frame_filter.h"
#include "decode/select/select.h"

#define MOST 256

struct tile {
    const AVClass *class;
    int n, side, only;
};

struct state {
    const struct tile *o;
    struct wn_converter convert;
    int32_t rows, cols, height, width; /* of the picture in frames, of a frame in pixels */
    uint8_t *tile[MOST];
    int n;
    int64_t step, seen;                /* every step-th frame is held */
    struct wn_picture *last;           /* its marks */
    struct wn_log *log;
};

#define OFFSET(field) offsetof(struct tile, field)

static const AVOption options[] = {
    {"n", "frames in the picture, evenly chosen, as square a grid as can be", OFFSET(n),
     AV_OPT_TYPE_INT, {.i64 = 6}, 2, 64, 0, NULL},
    {"side", "pixels of the picture's sides", OFFSET(side), AV_OPT_TYPE_INT, {.i64 = 336}, 64, 4096,
     0, NULL},
    {"only", "the frames themselves go", OFFSET(only), AV_OPT_TYPE_BOOL, {.i64 = 0}, 0, 1, 0, NULL},
    {NULL},
};

static int begin(void *arg, const void *priv, const struct wn_index *index)
{
    struct state *s = arg;

    s->o = priv;
    s->step = 1;
    s->log = index->log;
    wn_thumbnail_grid(s->o->n, &s->rows, &s->cols);
    s->height = s->o->side / s->rows;
    s->width = s->o->side / s->cols;
    return wn_picture_create_mark(&s->last) < 0 ? wn_nomem(s->log, "tile") : WN_OK;
}

static int hold(struct state *s, const struct wn_frame *frame)
{
    uint8_t *tile = wn_calloc((size_t)s->height * (size_t)s->width, 3);

    if (!tile)
        return wn_nomem(s->log, "tile");
    wn_thumbnail_bytes(frame->rgb, frame->height, frame->width, s->height, s->width, tile);
    if (s->n == MOST) {
        for (int i = 0; i < MOST; i++) {
            if (i % 2)
                free(s->tile[i]);
            else
                s->tile[i / 2] = s->tile[i];
        }
        s->n = MOST / 2;
        s->step *= 2;
    }
    s->tile[s->n++] = tile;
    return WN_OK;
}

static int picture(void *arg, struct wn_picture *p, struct wn_frame_run *run)
{
    struct state *s = arg;
    struct wn_frame *frame = wn_frame_ref(p->rgb);
    int err = WN_OK;

    s->last->time = p->time;
    s->last->scene = p->scene;
    if (s->seen++ % s->step == 0 && (frame || p->frame)) {
        if (!frame)
            err = wn_convert(&s->convert, p, &frame, s->log);
        if (!err)
            err = hold(s, frame);
    }
    wn_frame_unref(&frame);
    if (err || s->o->only) {
        wn_picture_free(&p);
        return err;
    }
    return wn_frame_emit(run, p);
}

/* Tile k at its place, row by row. */
static void put(const struct state *s, AVFrame *frame, int32_t k, const uint8_t *tile)
{
    const size_t row = (size_t)s->width * 3;

    for (int32_t y = 0; y < s->height; y++)
        memcpy(frame->data[0] + (ptrdiff_t)(k / s->cols * s->height + y) * frame->linesize[0] +
                   (ptrdiff_t)(k % s->cols) * (ptrdiff_t)row,
               tile + (size_t)y * row, row);
}

static int flush(void *arg, struct wn_frame_run *run)
{
    struct state *s = arg;
    struct wn_picture *p = NULL;
    int32_t list[64];

    if (s->n < 2 && !s->o->only) /* it would only repeat the frame */
        return WN_OK;
    if (!s->n)
        return WN_OK;
    if (wn_picture_create(&p) < 0)
        return wn_nomem(s->log, "tile");
    p->frame->format = AV_PIX_FMT_RGB24;
    p->frame->width = s->width * s->cols;
    p->frame->height = s->height * s->rows;
    p->frame->color_range = AVCOL_RANGE_JPEG;
    if (av_frame_get_buffer(p->frame, 0) < 0) {
        wn_picture_free(&p);
        return wn_nomem(s->log, "tile");
    }
    wn_shape_size(&p->shape, p->frame->width, p->frame->height, (AVRational){1, 1});
    p->time = s->last->time;
    p->scene = s->last->scene;
    p->number = WN_FRAME_MADE;
    wn_select_linspace(s->n, s->o->n, list);
    for (int32_t k = 0; k < s->o->n; k++)
        put(s, p->frame, k, s->tile[list[k]]);
    return wn_frame_emit(run, p);
}

static void end(void *arg)
{
    struct state *s = arg;

    for (int i = 0; i < s->n; i++)
        free(s->tile[i]);
    wn_picture_free(&s->last);
    wn_convert_finish(&s->convert);
}

static const struct wn_frame_ops ops = {
    .state_size = sizeof(struct state),
    .begin = begin,
    .picture = picture,
    .flush = flush,
    .end = end,
};

const struct wn_filter wn_filter_tile = {
    .name = "tile",
    .brief = "adds a picture of some frames side by side at the end",
    .paper = "TS-LLaVA, thumbnail (arXiv 2411.11066), tingyu215/TS-LLaVA @ 03cdeae",
    .family = WN_FRAME,
    .places = WN_AT_FRAME,
    .options = options,
    .priv_size = sizeof(struct tile),
    .frame = &ops,
};
