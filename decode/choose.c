/* SPDX-License-Identifier: MIT */
#include "choose.h"

#include <stdlib.h>
#include <string.h>

#define MOST_BYTES (256 << 20)
#define LEAST 8

int wn_choose_begin(struct wn_choose *c, int most, struct wn_log *log)
{
    c->log = log;
    c->room = c->most = most;
    c->stride = 1;
    c->picture = wn_calloc((size_t)most, sizeof(*c->picture));
    c->x = wn_calloc((size_t)most * WN_THUMB_DIM, sizeof(*c->x));
    c->list = wn_calloc((size_t)most, sizeof(*c->list));
    return c->picture && c->x && c->list ? WN_OK : wn_nomem(log, "candidate frames");
}

static void clear(struct wn_choose *c)
{
    for (int i = 0; i < c->n; i++)
        wn_picture_free(&c->picture[i]);
    c->n = 0;
    c->seen = 0;
    c->stride = 1;
}

void wn_choose_end(struct wn_choose *c)
{
    if (c->picture)
        clear(c);
    free(c->picture);
    free(c->x);
    free(c->list);
    wn_convert_finish(&c->convert);
}

static void drop_every_second(struct wn_choose *c)
{
    const size_t size = WN_THUMB_DIM * sizeof(*c->x);
    int to = 0;

    for (int i = 0; i < c->n; i++) {
        if (i % 2) {
            wn_picture_free(&c->picture[i]);
            continue;
        }
        c->picture[to] = c->picture[i];
        memmove(c->x + (size_t)to++ * WN_THUMB_DIM, c->x + (size_t)i * WN_THUMB_DIM, size);
    }
    c->n = to;
    c->stride *= 2;
}

int wn_choose_add(struct wn_choose *c, struct wn_picture *picture)
{
    struct wn_thumb thumb;
    int err = WN_OK;

    if (!c->seen) {
        const int64_t fit = MOST_BYTES / wn_picture_bytes(picture);
        c->most = (int)WN_MIN(c->room, WN_MAX(fit, LEAST));
    }
    if (c->n == c->most && c->seen % c->stride == 0)
        drop_every_second(c);
    if (c->seen++ % c->stride == 0) {
        err = wn_thumb_make(&thumb, &c->convert, picture, c->log);
        if (!err) {
            wn_thumb_describe(&thumb, c->x + (size_t)c->n * WN_THUMB_DIM);
            c->picture[c->n++] = picture;
            return WN_OK;
        }
    }
    wn_picture_free(&picture);
    return err;
}

int wn_choose_emit(struct wn_choose *c, int32_t count, struct wn_frame_run *run)
{
    int err = count < 0 ? wn_nomem(c->log, "candidate frames") : WN_OK;

    for (int32_t k = 0; k < count && !err; k++) {
        struct wn_picture *picture = c->picture[c->list[k]];
        if (!picture || c->list[k] >= c->n)
            continue; /* named twice */
        c->picture[c->list[k]] = NULL;
        err = wn_frame_emit(run, picture);
    }
    clear(c);
    return err;
}

int wn_choose_picture(void *state, struct wn_picture *picture, struct wn_frame_run *run)
{
    return wn_choose_add(&((struct wn_choose_state *)state)->c, picture);
}

void wn_choose_finish(void *state)
{
    wn_choose_end(&((struct wn_choose_state *)state)->c);
}
