/* SPDX-License-Identifier: MIT */
/* A source: frames from the decoder, in batches through the encoder, gathered into segments,
 * compressed, and held back while a budget can still take from them. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

/* Decoded pictures that may wait: enough to keep decoder and encoder busy at once. */
#define QUEUE_FRAMES 4
/* A long scene of a small model must not fill the window: an hour takes no more than a minute. */
#define SEGMENT_FRAMES 64

/* ---- frames ---- */

struct frame_stage {
    struct wn_stage stage;
    struct wn_decoder *decoder; /* borrowed */
};

static int frame_pull(struct wn_stage *stage, void **item)
{
    return wn_decoder_next(((struct frame_stage *)stage)->decoder, (struct wn_frame **)item);
}

static void frame_free(void *item)
{
    struct wn_frame *frame = item;

    wn_frame_unref(&frame);
}

static void frame_destroy(struct wn_stage *stage)
{
    free(stage);
}

static int start_frames(struct wn_source *src)
{
    struct frame_stage *stage = wn_calloc(1, sizeof(*stage));

    if (!stage)
        return wn_nomem(&src->s->log, "the decoder's stage");
    stage->stage = (struct wn_stage){frame_pull, frame_free, frame_destroy};
    stage->decoder = src->decoder;
    src->frames = &stage->stage;
    if (src->pushed)
        return WN_OK; /* frames come on the caller's thread: nothing to run ahead of */
    struct wn_stage *queue = NULL;
    if (wn_queue_create(&queue, &stage->stage, QUEUE_FRAMES))
        return wn_nomem(&src->s->log, "the queue of decoded frames");
    src->frames = queue;
    return WN_OK;
}

static int report(struct wn_source *src, double time)
{
    const double length = src->media.duration;
    const double from = src->p.start, to = src->p.end > 0 ? src->p.end : length;

    if (!src->p.on_progress)
        return WN_OK;
    const double done = to > from ? (time - from) / (to - from) : 0;
    if (src->p.on_progress(src->p.opaque, WN_MIN(WN_MAX(done, 0.0), 1.0)))
        return wn_fail(&src->s->log, WN_ERR_ABORTED, "stopped by the caller");
    return WN_OK;
}

/* The next frame; WN_AGAIN, WN_EOF as a stage does. */
static int next_frame(struct wn_source *src, struct wn_frame **out)
{
    void *item = NULL;

    if (wn_cancelled(&src->s->log))
        return wn_fail(&src->s->log, WN_ERR_ABORTED, "cancelled");
    if (src->ahead) {
        *out = src->ahead;
        src->ahead = NULL;
        return WN_OK;
    }
    if (!src->frames) {
        const int err = start_frames(src);
        if (err)
            return err;
    }
    const int ret = src->frames->pull(src->frames, &item);
    if (ret != WN_OK)
        return ret;
    *out = item;
    return report(src, (*out)->time);
}

/* ---- encoding ---- */

void wn_source_drop_batch(struct wn_source *src)
{
    for (int i = 0; i < src->n_batch; i++)
        wn_frame_unref(&src->batch[i]);
    src->n_batch = 0;
}

/* What the source knows of the frames and the encoder does not. Where pairs of pictures merged,
 * the row frame stands for the first of its pair. */
static int name_frames(struct wn_source *src, struct wn_rows *rows)
{
    const int step = rows->n_frames ? (src->n_batch + rows->n_frames - 1) / rows->n_frames : 1;

    for (int32_t f = 0; f < rows->n_frames; f++) {
        const struct wn_frame *frame = src->batch[WN_MIN(f * step, src->n_batch - 1)];
        struct wn_row_frame *row = &rows->frames[f];
        row->index = src->next_index++;
        row->number = frame->number;
        row->time = frame->time;
        row->scene = frame->scene;
        if (src->p.keep_frames &&
            wn_frame_shrink(&row->picture, frame,
                            src->p.keep_frames > 1 ? src->p.keep_frames : INT32_MAX))
            return wn_nomem(&src->s->log, "the picture of a frame");
    }
    return WN_OK;
}

static int ask_for_scores(struct wn_source *src, const struct wn_row_frame *f, float *to)
{
    const struct wn_frame_info info = {
        .size = sizeof(info),
        .index = f->index,
        .number = f->number,
        .time = f->time,
        .scene = f->scene,
        .grid_h = f->layout->grid_h,
        .grid_w = f->layout->grid_w,
        .n_rows = f->layout->n_rows,
    };

    if (src->p.on_scores(src->p.opaque, &info, to))
        return wn_fail(&src->s->log, WN_ERR_ABORTED, "stopped by the caller");
    return WN_OK;
}

/* The caller's scores in place of any that the encoder's filters left. */
static int score_rows(struct wn_source *src, struct wn_rows *rows)
{
    int err = WN_OK;

    if (!src->p.on_scores)
        return WN_OK;
    if (!rows->score)
        rows->score = wn_calloc((size_t)rows->n, sizeof(*rows->score));
    for (int32_t f = 0; rows->score && f < rows->n_frames && !err; f++) {
        float *all = wn_calloc((size_t)rows->frames[f].layout->n_rows, sizeof(*all));
        err = all ? ask_for_scores(src, &rows->frames[f], all) : WN_ERR_NOMEM;
        for (int32_t i = rows->frame_ptr[f]; !err && i < rows->frame_ptr[f + 1]; i++)
            rows->score[i] = all[rows->cell[i]];
        free(all);
    }
    return !rows->score || err == WN_ERR_NOMEM ? wn_nomem(&src->s->log, "scores of rows") : err;
}

static int encode_batch(struct wn_source *src)
{
    struct wn_session *s = src->s;
    struct wn_rows *rows = NULL;
    int err = WN_OK;

    if (!src->n_batch)
        return WN_OK;
    if (!src->rows)
        wn_reducer_begin(src->needs.reducer);
    wn_session_lock_encoder(s);
    const double start = wn_now();
    err = s->encoder->encode(s->encoder, src->batch, src->n_batch, !src->media.still, &src->needs,
                             &rows);
    src->stats.encode_s += wn_now() - start;
    wn_session_unlock_encoder(s);
    if (!err) {
        src->stats.frames += src->n_batch;
        err = name_frames(src, rows);
        err = err ? err : score_rows(src, rows);
        err = err ? err : wn_compressor_check(src->compressor, rows);
        if (!err && wn_rows_append(&src->rows, &rows))
            err = wn_nomem(&s->log, "the rows of a segment");
    }
    wn_rows_destroy(&rows);
    wn_source_drop_batch(src);
    return err;
}

/* ---- segments ---- */

static int32_t scene_of(const struct wn_source *src)
{
    return src->n_batch ? src->batch[0]->scene : src->rows->frames[0].scene;
}

static double start_of(const struct wn_source *src)
{
    return src->rows ? src->rows->frames[0].time : src->batch[0]->time;
}

/* Whether this frame begins the next segment. */
static bool parts(const struct wn_source *src, const struct wn_frame *frame)
{
    return frame->scene != scene_of(src) ||
           (src->p.max_segment > 0 && frame->time - start_of(src) >= src->p.max_segment);
}

static bool segment_full(const struct wn_source *src)
{
    return src->rows && (src->rows->n_frames >= SEGMENT_FRAMES ||
                         (int64_t)wn_rows_bytes(src->rows) >= src->s->p.window);
}

/* Frames worth giving at once: whole groups where filters join them. */
static int batch_frames(const struct wn_source *src)
{
    const struct wn_reducer *reducer = src->needs.reducer;
    const int together = reducer ? WN_MAX(reducer->frames, 1) : 1;
    const int most = WN_MAX(src->s->encoder->info.max_batch, together);

    return WN_MIN(WN_LEN(src->batch), most - most % together);
}

/* Encodes until a segment is whole: WN_OK with src->rows, WN_AGAIN, WN_EOF or an error. */
static int gather(struct wn_source *src)
{
    const int most = batch_frames(src);

    while (!src->ended) {
        struct wn_frame *frame = NULL;
        int err = next_frame(src, &frame);
        if (err == WN_AGAIN)
            return WN_AGAIN;
        if (err == WN_EOF) {
            src->ended = true;
            break;
        }
        if (err < 0) {
            wn_frame_unref(&frame);
            return err;
        }
        if ((src->rows || src->n_batch) && parts(src, frame)) {
            src->ahead = frame;
            return encode_batch(src);
        }
        src->stats.scenes += frame->scene != src->last_scene;
        src->last_scene = frame->scene;
        src->batch[src->n_batch++] = frame;
        if (src->n_batch == most) {
            err = encode_batch(src);
            if (err || segment_full(src))
                return err;
        }
    }
    const int err = encode_batch(src);
    return err ? err : src->rows ? WN_OK : WN_EOF;
}

static int append_waiting(struct wn_source *src, struct wn_segment *seg)
{
    struct wn_segment **list =
        wn_regrow(src->waiting, (size_t)src->n_waiting + 1, sizeof(struct wn_segment *));

    if (!list)
        return wn_nomem(&src->s->log, "the list of segments");
    src->waiting = list;
    list[src->n_waiting++] = seg;
    return WN_OK;
}

/* Where the gathered segment ends: at the next frame, or with the source. A pushed one does not
 * wait for its next frame: the segment then ends with its last. */
static int find_end(struct wn_source *src)
{
    const double last = src->rows->frames[src->rows->n_frames - 1].time;
    const double length = src->media.duration, until = src->p.end;

    src->segment_end = last;
    if (!src->ahead && !src->ended && !src->pushed) {
        const int ret = next_frame(src, &src->ahead);
        if (ret < 0)
            return ret;
        src->ended = ret == WN_EOF;
    }
    if (src->ahead)
        src->segment_end = src->ahead->time;
    else if (src->ended)
        src->segment_end =
            WN_MAX(last, until > 0 && (length <= 0 || until < length) ? until : length);
    return WN_OK;
}

/* A segment by itself keeps what its own budget holds. */
static int keep_part(struct wn_source *src, struct wn_rows **rows)
{
    struct wn_budget *budget = NULL;
    int err;

    TRY(wn_source_make_budget(src, &budget, src->segment_cells, src->segment_floor));
    TRY(wn_budget_add(budget, rows));
    TRY(wn_budget_take(budget, rows));
fail:
    wn_budget_destroy(&budget);
    return err;
}

/* A compressed segment's rows go to the budget, or stay with it. Takes both, also on failure. */
static int settle_segment(struct wn_source *src, struct wn_segment *seg, struct wn_rows *rows)
{
    const double start = wn_now();
    int err = WN_OK;

    src->stats.tokens_before += seg->n_before;
    if (src->p.per_segment)
        TRY(keep_part(src, &rows));
    if (src->budget)
        TRY(wn_budget_add(src->budget, &rows));
    src->stats.compress_s += wn_now() - start;
    if (!src->budget) {
        src->stats.tokens_after += rows->n;
        seg->rows = rows;
        rows = NULL;
    }
    TRY(append_waiting(src, seg));
    src->stats.segments++;
    src->frames_told = src->stats.frames;
    return WN_OK;
fail:
    wn_rows_destroy(&rows);
    wn_segment_unref(&seg);
    return err;
}

/* Compresses the gathered rows into a segment. */
static int finish_segment(struct wn_source *src)
{
    struct wn_segment *seg = NULL;
    struct wn_rows *rows = NULL;
    int err = WN_OK;

    if (!src->cache.from)
        TRY(find_end(src));
    if (wn_segment_create(&seg, src->rows)) {
        err = wn_nomem(&src->s->log, "a segment");
        goto fail;
    }
    seg->end = src->segment_end;
    wn_source_cache_put_wide(src);
    const double start = wn_now();
    TRY(wn_compressor_run(src->compressor, &src->rows, &rows));
    src->stats.compress_s += wn_now() - start;
    wn_source_cache_put_compact(src, seg, rows);
    return settle_segment(src, seg, rows);
fail:
    wn_rows_destroy(&rows);
    wn_segment_unref(&seg);
    return err;
}

/* A segment as it was left on disk, with as much of the work as was done then. */
static int recall_segment(struct wn_source *src)
{
    struct wn_segment *seg = NULL;
    struct wn_rows *rows = NULL;
    int err;

    if (wn_cancelled(&src->s->log))
        return wn_fail(&src->s->log, WN_ERR_ABORTED, "cancelled");
    err = src->ended ? WN_EOF : wn_source_cache_get(src, &seg, &rows);
    src->ended = err == WN_EOF;
    if (err)
        return err;
    err = report(src, src->segment_end);
    if (src->cache.wide)
        return err ? err : finish_segment(src);
    if (!err)
        return settle_segment(src, seg, rows);
    wn_rows_destroy(&rows);
    wn_segment_unref(&seg);
    return err;
}

/* Every segment was added: the budget hands back what each one keeps. */
static int settle_budget(struct wn_source *src)
{
    const double start = wn_now();

    for (int i = 0; i < src->n_waiting; i++) {
        const int err = wn_budget_take(src->budget, &src->waiting[i]->rows);
        if (err < 0)
            return err;
        src->stats.tokens_after += src->waiting[i]->rows->n;
    }
    src->stats.compress_s += wn_now() - start;
    wn_budget_destroy(&src->budget);
    src->budgeted = true;
    return WN_OK;
}

/* Makes one more segment wait: WN_OK, WN_AGAIN, WN_EOF or an error. */
int wn_source_make_segment(struct wn_source *src)
{
    int ret;

    if (src->cache.from) {
        ret = recall_segment(src);
    } else {
        ret = gather(src);
        if (ret == WN_OK)
            ret = finish_segment(src);
    }
    if (ret == WN_EOF)
        wn_source_cache_end(src);
    if (ret == WN_EOF && src->budget) {
        const int err = settle_budget(src);
        ret = err ? err : WN_EOF;
    }
    if (ret < 0)
        src->failed = ret;
    return ret;
}

int wn_source_need_model(struct wn_source *src)
{
    if (src->failed)
        return src->failed;
    if (src->scanned)
        return wn_fail(&src->s->log, WN_ERR_ARG,
                       "this source was read through for its scenes: open it again");
    if (!src->s->encoder)
        return wn_fail(&src->s->log, WN_ERR_ARG, "tokens need a model and its vision encoder");
    return WN_OK;
}

int wn_source_pull(struct wn_source *src, struct wn_segment **out)
{
    int err;

    TRY(wn_source_need_model(src));
    src->given = true;
    while (src->next_waiting == src->n_waiting || src->budget) {
        err = wn_source_make_segment(src);
        if (err == WN_EOF && src->next_waiting < src->n_waiting)
            break; /* settled just now */
        if (err)
            return err;
    }
    struct wn_segment **seg = &src->waiting[src->next_waiting++];
    *out = src->kept ? wn_segment_ref(*seg) : *seg;
    if (!src->kept)
        *seg = NULL;
    if (src->next_waiting == src->n_waiting && !src->kept)
        src->next_waiting = src->n_waiting = 0;
    return WN_OK;
fail:
    return err;
}
