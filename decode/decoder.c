/* SPDX-License-Identifier: MIT */
#include "pipeline/decoder.h"

#include "decoder_state.h"
#include "jail.h"
#include "pushed.h"
#include "scan.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* Kept pictures that an app has pushed and not pulled. */
#define MAX_PUSHED_BYTES ((int64_t)1 << 30)

void wn_decoder_publish(struct wn_decoder *d, double began)
{
    pthread_mutex_lock(&d->shared->lock);
    if (d->far) {
        wn_far_state(d->far, &d->shared->media, &d->shared->seconds);
        pthread_mutex_unlock(&d->shared->lock);
        return;
    }
    if (d->input)
        wn_input_media(d->input, &d->shared->media);
    d->shared->media.frames_decoded = d->input ? d->input->count : d->pushed;
    d->shared->media.frames_kept = d->kept;
    if (began > 0)
        d->shared->seconds += wn_now() - began;
    pthread_mutex_unlock(&d->shared->lock);
}

static int create(struct wn_decoder **out, const struct wn_decoder_params *params)
{
    struct wn_decoder *d = wn_calloc(1, sizeof(*d));

    if (!d)
        return wn_nomem(params->log, "a decoder");
    d->log = params->log;
    d->last_scene = -1;
    pthread_mutex_init(&d->work, NULL);
    d->shared = wn_calloc(1, sizeof(*d->shared));
    d->url = wn_strdup(params->url);
    d->params = *params;
    d->params.url = d->url;
    d->convert.fit = params->fit;
    if (d->shared)
        pthread_mutex_init(&d->shared->lock, NULL);
    if (!d->shared || (params->url && !d->url)) {
        wn_decoder_close(&d);
        return wn_nomem(params->log, "a decoder");
    }
    *out = d;
    return WN_OK;
}

int wn_decoder_open(struct wn_decoder **out, const struct wn_decoder_params *params)
{
    const double began = wn_now();
    struct wn_decoder *d = NULL;
    int err;

    if (!(params->start >= 0) || (params->end != 0 && !(params->end > params->start)))
        return wn_fail(params->log, WN_ERR_ARG, "a part from %g to %g seconds is empty",
                       params->start, params->end);
    TRY(create(&d, params));
    if (d->url && params->jail) {
        TRY(wn_far_open(&d->far, params));
        wn_decoder_publish(d, 0);
        *out = d;
        return WN_OK;
    }
    if (d->url)
        TRY(wn_input_open(&d->input, &d->params));
    if (d->input && params->start > 0 && d->input->duration > 0 &&
        params->start >= d->input->duration) {
        err = wn_fail(params->log, WN_ERR_ARG, "%s: starts at %g seconds, but is %.3f seconds long",
                      d->input->file->name, params->start, d->input->duration);
        goto fail;
    }
    d->shared->media.container = d->url ? "" : "pushed";
    d->shared->media.codec = d->url ? "" : "raw";
    wn_decoder_publish(d, began);
    TRY(wn_decoder_set_filters(d, NULL, 0));
    *out = d;
    return WN_OK;
fail:
    wn_decoder_close(&d);
    return err;
}

void wn_decoder_close(struct wn_decoder **decoder)
{
    struct wn_decoder *d = *decoder;

    if (!d)
        return;
    wn_far_close(&d->far);
    wn_decoder_forget_plan(d);
    wn_packets_free(&d->packets);
    free(d->staged.cut);
    wn_run_destroy(&d->run);
    wn_convert_finish(&d->convert);
    wn_input_close(&d->input);
    if (d->shared)
        pthread_mutex_destroy(&d->shared->lock);
    free(d->shared);
    pthread_mutex_destroy(&d->work);
    free(d->url);
    free(d);
    *decoder = NULL;
}

/* A file that does not say how long it is tells it when its packets are read. */
static int find_end(struct wn_decoder *d)
{
    double duration = 0;

    if (!d->input || d->input->still || d->input->duration > 0 || !d->input->file->size)
        return WN_OK;
    int err = wn_decoder_index(d);
    if (err < 0 || d->input->duration > 0)
        return err;
    err = wn_scan_duration(d->url, d->input->stream->index, &d->input->clock, &duration, d->log);
    if (err < 0)
        return err;
    d->input->duration = duration;
    return WN_OK;
}

struct wn_index wn_decoder_facts(const struct wn_decoder *d)
{
    struct wn_index index = {
        .start = d->params.start,
        .end = d->params.end,
        .last = d->params.end,
        .log = d->log,
    };

    index.pushed = !d->input;
    index.staged = d->has_staged ? &d->staged : NULL;
    if (!d->input)
        return index;
    index.fps = d->input->fps; /* the average, as OpenCV tells PySceneDetect */
    if (d->input->duration > 0)
        index.end = index.end > 0 ? fmin(index.end, d->input->duration) : d->input->duration;
    return index;
}

int wn_decoder_set_filters(struct wn_decoder *d, struct wn_instance **filters, int n)
{
    int err;

    if (d->begun)
        return wn_fail(d->log, WN_ERR_ARG, "frame filters are set before the first frame");
    for (int i = 0; i < n; i++)
        if (!filters[i]->filter->frame)
            return wn_fail(d->log, WN_ERR_ARG, "filter %s does not act on frames",
                           filters[i]->filter->name);
    if (d->far)
        return wn_far_set_filters(d->far, filters, n);
    if (wn_run_needs_end(filters, n))
        TRY(find_end(d));
    const struct wn_index index = wn_decoder_facts(d);
    struct wn_run *run = NULL;
    TRY(wn_run_create(&run, filters, n, &index));
    wn_run_destroy(&d->run);
    d->run = run;
    d->filters = filters;
    d->n_filters = n;
    return WN_OK;
fail:
    return err;
}

/* One warning at the end of a damaged file. */
static void report_damage(struct wn_decoder *d)
{
    const struct wn_input *in = d->input;
    const char *name = in->file->name;
    struct wn_media media = {0};

    wn_input_media(in, &media);
    if (in->truncated || in->read_damaged)
        wn_say(d->log, WN_LOG_WARN,
               "%s: truncated or damaged: %" PRId64 " frames could be decoded, "
               "%" PRId64 " errors",
               name, in->count, media.decode_errors);
    else if (media.partial)
        wn_say(d->log, WN_LOG_WARN,
               "%s: damaged: %" PRId64 " decoding errors in %" PRId64 " frames", name,
               media.decode_errors, in->count);
    if (in->clock.resets)
        wn_say(d->log, WN_LOG_WARN,
               "%s: its clock fell back %" PRId64 " times; times run on from there", name,
               in->clock.resets);
    if (in->clock.repeats > in->count / 2)
        wn_say(d->log, WN_LOG_WARN,
               "%s: %" PRId64 " of its %" PRId64 " frames carry no time of their own; "
               "they are counted at %.6g a second",
               name, in->clock.repeats, in->count, 1 / in->clock.frame);
}

int wn_decoder_step(struct wn_decoder *d)
{
    struct wn_wanted wanted = {.from = 0};
    struct wn_picture *p = NULL;

    int err = d->begun ? WN_OK : wn_decoder_plan(d);
    d->begun = true;
    if (err < 0)
        return err;
    err = d->reader ? wn_reader_next(d->reader, &p) : WN_OK;
    if (err == WN_EOF && wn_reader_deceived(d->reader))
        err = wn_decoder_unplan(d);
    if (!d->reader && !err) {
        wn_run_plan(d->run, &wanted);
        err = wn_input_next(d->input, &wanted, &p);
    }
    if (!err && d->reader && d->has_staged)
        wn_staged_mark(&d->staged, p); /* the filter that would was asked without pictures */
    if (!err)
        return wn_run_put(d->run, p);
    if (err != WN_EOF)
        return err;
    d->flushed = true;
    report_damage(d);
    return wn_run_flush(d->run);
}

static int give(struct wn_decoder *d, struct wn_picture *p, struct wn_frame **out)
{
    int err = WN_OK;

    if (p->rgb) {
        *out = wn_frame_ref(p->rgb);
        (*out)->scene = p->scene;
        (*out)->scene_score = p->scene_score;
    } else {
        err = wn_convert(&d->convert, p, out, d->log);
    }
    wn_picture_free(&p);
    if (err < 0)
        return err;
    if ((*out)->scene == d->last_scene || !(*out)->scene)
        (*out)->scene_score = 0;
    d->last_scene = (*out)->scene;
    d->kept++;
    return WN_OK;
}

static int next(struct wn_decoder *d, struct wn_frame **out)
{
    if (d->far && !d->failed) {
        d->begun = true;
        const int err = wn_far_next(d->far, out);
        d->failed = WN_MIN(err, 0);
        return err;
    }
    while (!d->failed) {
        struct wn_picture *p = wn_run_take(d->run);
        if (p)
            return d->failed = give(d, p, out);
        if (d->flushed)
            return WN_EOF;
        if (!d->input)
            return WN_AGAIN;
        const int err = wn_decoder_step(d);
        d->failed = WN_MIN(err, 0);
    }
    return d->failed;
}

int wn_decoder_next(struct wn_decoder *d, struct wn_frame **out)
{
    const double began = wn_now();

    pthread_mutex_lock(&d->work);
    const int err = next(d, out);
    wn_decoder_publish(d, began);
    pthread_mutex_unlock(&d->work);
    return err;
}

static int push(struct wn_decoder *d, const struct wn_image *image)
{
    struct wn_picture *p = NULL;
    int err;

    if (d->url || d->flushed)
        return wn_fail(d->log, WN_ERR_ARG, "%s",
                       d->url ? "frames are pushed into a source without a file"
                                : "a frame is pushed behind the last one");
    d->begun = true;
    if (!image) {
        d->flushed = true;
        return wn_run_flush(d->run);
    }
    if (wn_run_ready_bytes(d->run) > MAX_PUSHED_BYTES)
        return wn_fail(d->log, WN_ERR_LIMIT, "pushed frames of %" PRId64 " MiB wait to be pulled",
                       wn_run_ready_bytes(d->run) >> 20);
    TRY(wn_pushed_picture(&p, image, &d->params, d->log));
    p->number = d->pushed;
    p->time = fmax(image->time, d->pushed_time);
    if (p->time < d->params.start || (d->params.end > 0 && p->time >= d->params.end)) {
        wn_picture_free(&p);
        return WN_OK;
    }
    d->pushed_time = p->time;
    if (!d->pushed++) {
        d->shared->media.width = p->frame->width;
        d->shared->media.height = p->frame->height;
    }
    return wn_run_put(d->run, p);
fail:
    return err;
}

int wn_decoder_push(struct wn_decoder *d, const struct wn_image *image)
{
    const double began = wn_now();

    pthread_mutex_lock(&d->work);
    const int err = d->failed < 0 ? d->failed : push(d, image);
    wn_decoder_publish(d, began);
    pthread_mutex_unlock(&d->work);
    return err;
}

void wn_decoder_media(const struct wn_decoder *d, struct wn_media *out)
{
    const size_t size = out->size;

    pthread_mutex_lock(&d->shared->lock);
    *out = d->shared->media;
    pthread_mutex_unlock(&d->shared->lock);
    out->size = size;
}

double wn_decoder_seconds(const struct wn_decoder *d)
{
    pthread_mutex_lock(&d->shared->lock);
    const double seconds = d->shared->seconds;
    pthread_mutex_unlock(&d->shared->lock);
    return seconds;
}
