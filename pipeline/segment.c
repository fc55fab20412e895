/* SPDX-License-Identifier: MIT */
#include "rows_file.h"
#include "session.h"

#include <stdlib.h>
#include <string.h>

int wn_segment_create(struct wn_segment **out, const struct wn_rows *before)
{
    struct wn_segment *seg = wn_calloc(1, sizeof(*seg));
    const int32_t n = before->n_frames;

    if (!seg)
        return WN_ERR_NOMEM;
    atomic_init(&seg->refs, 1);
    pthread_mutex_init(&seg->lock, NULL);
    seg->frames = wn_calloc((size_t)n, sizeof(*seg->frames));
    seg->row0 = wn_calloc((size_t)n + 1, sizeof(*seg->row0));
    if (!seg->frames || !seg->row0) {
        wn_segment_unref(&seg);
        return WN_ERR_NOMEM;
    }
    for (int32_t f = 0; f < n; f++) {
        seg->frames[f] = before->frames[f];
        wn_layout_ref(seg->frames[f].layout);
        wn_frame_ref(seg->frames[f].picture);
        /* Where the encoder left rows out already, columns of W count those that it could give. */
        seg->row0[f + 1] = before->w.ptr ? seg->row0[f] + before->frames[f].layout->n_rows
                                         : before->frame_ptr[f + 1];
    }
    seg->n_frames = n;
    seg->n_before = (int32_t)wn_rows_uncompressed(before);
    seg->start = n ? before->frames[0].time : 0;
    seg->end = n ? before->frames[n - 1].time : 0;
    *out = seg;
    return WN_OK;
}

struct wn_segment *wn_segment_ref(struct wn_segment *seg)
{
    if (seg)
        atomic_fetch_add(&seg->refs, 1);
    return seg;
}

void wn_segment_unref(struct wn_segment **segment)
{
    struct wn_segment *seg = *segment;

    if (!seg)
        return;
    *segment = NULL;
    if (atomic_fetch_sub(&seg->refs, 1) != 1)
        return;
    wn_rows_destroy(&seg->rows);
    for (int32_t f = 0; f < seg->n_frames; f++) {
        wn_layout_unref(&seg->frames[f].layout);
        wn_frame_unref(&seg->frames[f].picture);
    }
    free(seg->frames);
    free(seg->row0);
    free(seg->cells);
    free(seg->pos);
    free(seg->place);
    free(seg->row_frame);
    free(seg->row_time);
    pthread_mutex_destroy(&seg->lock);
    free(seg);
}

/* M-RoPE places of all rows; NULL where a frame has none, or no memory. */
static int32_t *spell_places(const struct wn_rows *r)
{
    int32_t *place = NULL;

    for (int32_t f = 0; f < r->n_frames; f++)
        if (!r->frames[f].layout || !r->frames[f].layout->mpos)
            return NULL;
    place = r->n ? wn_calloc((size_t)r->n, 4 * sizeof(*place)) : NULL;
    for (int32_t f = 0; place && f < r->n_frames; f++)
        for (int32_t i = r->frame_ptr[f]; i < r->frame_ptr[f + 1]; i++)
            memcpy(place + 4 * (size_t)i, r->frames[f].layout->mpos[r->cell[i]],
                   4 * sizeof(*place));
    return place;
}

/* Place, frame and time of every row, spelled out for the public struct. */
static int spell_out(struct wn_segment *seg)
{
    const struct wn_rows *r = seg->rows;
    const size_t n = (size_t)r->n;
    int32_t *pos = wn_calloc(n, 2 * sizeof(*pos));
    int32_t *frame = wn_calloc(n, sizeof(*frame));
    double *time = wn_calloc(n, sizeof(*time));

    if (!pos || !frame || !time) {
        free(pos);
        free(frame);
        free(time);
        return WN_ERR_NOMEM;
    }
    for (int32_t f = 0; f < r->n_frames; f++) {
        for (int32_t i = r->frame_ptr[f]; i < r->frame_ptr[f + 1]; i++) {
            const struct wn_layout *layout = r->frames[f].layout;
            memcpy(pos + 2 * i, layout->pos[r->cell[i]], 2 * sizeof(*pos));
            frame[i] = r->frames[f].index;
            time[i] = r->frames[f].time;
        }
    }
    seg->place = spell_places(r);
    seg->pos = pos;
    seg->row_frame = frame;
    seg->row_time = time;
    return WN_OK;
}

/* W that nobody had to make: the identity. */
static int spell_sources(struct wn_sources *w, int32_t n)
{
    struct wn_sources id = {.n = n, .n_src = n, .linear = true};

    id.ptr = wn_calloc((size_t)n + 1, sizeof(*id.ptr));
    id.idx = wn_calloc((size_t)n, sizeof(*id.idx));
    id.weight = wn_calloc((size_t)n, sizeof(*id.weight));
    if (!id.ptr || !id.idx || !id.weight) {
        wn_sources_finish(&id);
        return WN_ERR_NOMEM;
    }
    for (int32_t i = 0; i < n; i++) {
        id.ptr[i + 1] = i + 1;
        id.idx[i] = i;
        id.weight[i] = 1;
    }
    *w = id;
    return WN_OK;
}

void wn_segment_tokens(const struct wn_segment *segment, struct wn_tokens *out)
{
    struct wn_segment *seg = (struct wn_segment *)segment; /* what is made lazily is no change */
    struct wn_rows *r = seg->rows;
    int err = WN_OK;

    pthread_mutex_lock(&seg->lock);
    if (!seg->pos)
        err = spell_out(seg);
    if (!err && !r->w.ptr)
        err = spell_sources(&r->w, r->n);
    pthread_mutex_unlock(&seg->lock);
    const struct wn_tokens t = {
        .size = sizeof(t),
        .n = err ? 0 : r->n,
        .dim = r->dim,
        .data = r->data,
        .frame = seg->row_frame,
        .time = seg->row_time,
        .pos = seg->pos,
        .score = r->score,
        .source_ptr = r->w.ptr,
        .source_idx = r->w.idx,
        .source_weight = r->w.weight,
        .n_before = seg->n_before,
        .linear = r->w.linear,
        .cell = r->cell,
        .place = seg->place,
    };
    const size_t size = out->size && out->size < sizeof(t) ? out->size : sizeof(t);
    memcpy(out, &t, size);
    out->size = size;
}

int32_t wn_segment_frames(const struct wn_segment *seg)
{
    return seg->n_frames;
}

int wn_segment_frame(const struct wn_segment *seg, int32_t i, struct wn_frame_info *out)
{
    if (i < 0 || i >= seg->n_frames)
        return WN_ERR_ARG;
    const struct wn_row_frame *f = &seg->frames[i];
    const struct wn_frame_info info = {
        .size = sizeof(info),
        .index = f->index,
        .number = f->number,
        .time = f->time,
        .scene = f->scene,
        .grid_h = f->layout ? f->layout->grid_h : 0,
        .grid_w = f->layout ? f->layout->grid_w : 0,
        .row0 = seg->row0[i],
        .n_rows = seg->row0[i + 1] - seg->row0[i],
    };
    const size_t size = out->size && out->size < sizeof(info) ? out->size : sizeof(info);
    memcpy(out, &info, size);
    out->size = size;
    return WN_OK;
}

int wn_segment_part(const struct wn_segment *seg, int32_t i, int32_t j, struct wn_part_info *out)
{
    const struct wn_layout *layout = i >= 0 && i < seg->n_frames ? seg->frames[i].layout : NULL;

    if (!layout || j < 0 || j >= layout->n_parts)
        return WN_ERR_ARG;
    const struct wn_layout_part *part = &layout->parts[j];
    const struct wn_part_info info = {
        .size = sizeof(info),
        .row0 = part->row0,
        .n_rows = part->n_rows,
        .n_pos = part->n_pos,
        .non_causal = part->non_causal,
        .n_tokens = part->n_tokens,
        .tokens = part->tokens,
    };
    const size_t size = out->size && out->size < sizeof(info) ? out->size : sizeof(info);
    memcpy(out, &info, size);
    out->size = size;
    return WN_OK;
}

int wn_segment_image(const struct wn_segment *seg, int32_t i, struct wn_image *out)
{
    if (i < 0 || i >= seg->n_frames || !seg->frames[i].picture)
        return WN_ERR_ARG;
    const struct wn_frame *f = seg->frames[i].picture;
    *out = (struct wn_image){
        .size = sizeof(*out),
        .format = WN_RGB24,
        .data = {f->rgb},
        .stride = {(ptrdiff_t)f->width * 3},
        .width = f->width,
        .height = f->height,
        .time = f->time,
    };
    return WN_OK;
}

const int32_t *wn_segment_cells(const struct wn_segment *segment)
{
    struct wn_segment *seg = (struct wn_segment *)segment;

    pthread_mutex_lock(&seg->lock);
    if (!seg->cells)
        seg->cells = wn_calloc((size_t)seg->n_before, 2 * sizeof(*seg->cells));
    for (int32_t f = 0; seg->cells && f < seg->n_frames; f++) {
        const struct wn_layout *layout = seg->frames[f].layout;
        const int32_t n = seg->row0[f + 1] - seg->row0[f];
        memcpy(seg->cells + 2 * seg->row0[f], layout->pos, (size_t)n * sizeof(layout->pos[0]));
    }
    pthread_mutex_unlock(&seg->lock);
    return seg->cells;
}

void wn_segment_times(const struct wn_segment *seg, double *start, double *end)
{
    *start = seg->start;
    *end = seg->end;
}

int32_t wn_segment_scene(const struct wn_segment *seg)
{
    return seg->n_frames ? seg->frames[0].scene : 0;
}

int wn_segment_read(struct wn_session *s, const char *path, struct wn_segment **out, int *video)
{
    struct wn_segment *seg = NULL;
    struct wn_rows_file file;

    if (!s->llm || !path)
        return wn_fail(&s->log, WN_ERR_ARG, "rows are read for a language model");
    int err = wn_rows_file_read(&file, path, &(struct wn_rows_want){
        .dim = s->llm_info.dim,
        .n_vocab = s->llm_info.n_vocab,
        .mrope = s->llm_info.mrope,
        .model = s->p.model,
    }, &s->log);
    if (err < 0)
        return err;
    err = wn_segment_create(&seg, file.before);
    wn_rows_destroy(&file.before);
    if (err) {
        wn_rows_destroy(&file.rows);
        return wn_nomem(&s->log, "a segment");
    }
    seg->rows = file.rows;
    seg->end = WN_MAX(seg->end, file.duration);
    *out = seg;
    if (video)
        *video = file.video;
    return WN_OK;
}
