/* SPDX-License-Identifier: MIT */
#include "source.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "preset.h"

/* What a segment without a limit is taken for when its frames are chosen. */
#define LONG_SEGMENT 60.0
/* The longest segment of a search, unless the caller says: how exact an answer's time is. */
#define SEARCH_SEGMENT 30.0

static int parse_chain(struct wn_source *src)
{
    struct wn_session *s = src->s;
    const int64_t asked = src->p.tokens > 0 ? src->p.tokens : s->p.tokens;
    struct wn_clip clip = {
        .duration = src->media.duration,
        .still = src->media.still,
        .tokens = asked > 0 ? asked : wn_session_room(s),
        .reduces = s->encoder && s->encoder->info.reduces,
        .budget = asked > 0 && !src->p.search,
        .search = src->p.search != 0,
    };
    int err;

    if (src->p.end > 0 && (clip.duration <= 0 || src->p.end < clip.duration))
        clip.duration = src->p.end;
    clip.duration = clip.duration > src->p.start ? clip.duration - src->p.start : 0;
    if (src->p.per_segment) {
        clip.segment = src->p.max_segment > 0 ? src->p.max_segment : LONG_SEGMENT;
        clip.duration = WN_MIN(clip.duration, clip.segment);
    }
    if (s->encoder && src->media.width > 0) {
        int32_t rows = 0, tokens = 0;
        wn_session_lock_encoder(s);
        err = s->encoder->count(s->encoder, src->media.width, src->media.height, &rows, &tokens);
        wn_session_unlock_encoder(s);
        if (err < 0)
            return err;
        if (!src->media.still && s->encoder->info.video_rows)
            rows = s->encoder->info.video_rows;
        char *label = wn_llm_label(s->label, 100, clip.duration);
        const int64_t cells = label && !clip.still ? wn_llm_cells(s->llm, label) : 0;
        free(label);
        clip.frame_rows = rows;
        clip.frame_glue = tokens + (int32_t)WN_MAX(cells, 0);
    }
    src->clip = clip;
    TRY(wn_chain_parse(&src->chain, src->p.filters ? src->p.filters : s->p.filters, &clip,
                       &s->log));
fail:
    return err;
}

/* Filters between the encoder's layers. */
static int make_reducer(struct wn_source *src)
{
    struct wn_session *s = src->s;
    int n;
    struct wn_instance **filters = wn_chain_at(src->chain, WN_AT_ENCODER, &n);
    const struct wn_compressor_params params = {
        .filters = filters,
        .n_filters = n,
        .shared = s->device,
        .cache_dir = s->p.cache_dir,
        .pool = s->pool,
        .log = &s->log,
    };

    return n ? wn_reducer_create(&src->needs.reducer, &params, &s->encoder->info) : WN_OK;
}

/* The stages behind the encoder. */
static int make_compressor(struct wn_source *src)
{
    struct wn_session *s = src->s;
    int n, err;
    struct wn_instance **filters = wn_chain_at(src->chain, WN_AT_TOKEN, &n);

    if (n && filters[n - 1]->filter->family == WN_BUDGET) {
        int64_t tokens;
        int32_t least;
        wn_budget_options(filters[--n], &tokens, &least);
        if (tokens <= 0)
            tokens = wn_session_room(s);
        if (!src->p.per_segment && !src->p.search)
            TRY(wn_source_make_budget(src, &src->budget, tokens, least));
        src->segment_cells = tokens;
        src->segment_floor = least;
    }
    if (src->segment_cells <= 0)
        src->segment_cells = src->clip.tokens;
    TRY(wn_compressor_create(&src->compressor, &(struct wn_compressor_params){
                                                   .filters = filters,
                                                   .n_filters = n,
                                                   .shared = s->device,
                                                   .cache_dir = s->p.cache_dir,
                                                   .pool = s->pool,
                                                   .log = &s->log,
                                               }));
    TRY(wn_compressor_needs(src->compressor, &s->encoder->info, &src->needs));
    src->whole = n == 0;
    if (src->p.search && src->whole)
        TRY(wn_session_taps(s, WN_SEARCH_SCORES, &src->needs));
    if (src->p.taps_for)
        TRY(wn_session_taps(s, src->p.taps_for, &src->needs));
fail:
    return err;
}

static int scan_progress(void *opaque, double done)
{
    struct wn_source *src = opaque;

    return src->scanning && src->p.on_progress ? src->p.on_progress(src->p.opaque, done) : 0;
}

static int open_decoder(struct wn_source *src)
{
    const struct wn_params *p = &src->s->p;
    /* Whoever keeps the pictures wants them as they are. */
    const int32_t side =
        src->s->encoder && !src->p.keep_frames ? src->s->encoder->info.fast_side : 0;
    int err;

    TRY(wn_decoder_open(&src->decoder, &(struct wn_decoder_params){
                                           .url = src->url,
                                           .start = src->p.start,
                                           .end = src->p.end,
                                           .stream = src->p.stream,
                                           .allow_cover = src->p.allow_cover,
                                           .max_pixels = p->max_pixels,
                                           .max_frames = p->max_frames,
                                           .max_duration = p->max_duration,
                                           .n_threads = p->n_threads,
                                           .hwaccel = p->hwaccel,
                                           .pool = src->s->pool,
                                           .fit = {side, side, false},
                                           .cache_dir = p->row_cache < 0 ? NULL : p->cache_dir,
                                           .stop = &src->closing,
                                           .log = &src->s->log,
                                           .jail = src->s->jail,
                                           .on_progress = scan_progress,
                                           .opaque = src,
                                       }));
    wn_decoder_media(src->decoder, &src->media);
fail:
    return err;
}

static int set_frame_filters(struct wn_source *src)
{
    int n;
    struct wn_instance **filters = wn_chain_at(src->chain, WN_AT_FRAME, &n);

    return wn_decoder_set_filters(src->decoder, filters, n);
}

/* A file that the cache knows is opened when something needs it after all. */
static int need_decoder(struct wn_source *src)
{
    int err = WN_OK;

    if (src->decoder)
        return WN_OK;
    TRY(open_decoder(src));
    TRY(set_frame_filters(src));
fail:
    return err;
}

int wn_source_open(struct wn_source **out, struct wn_session *s, const char *url,
                   const struct wn_source_params *params)
{
    struct wn_source *src = wn_calloc(1, sizeof(*src));
    int err;

    if (!src)
        return wn_nomem(&s->log, "a source");
    src->s = s;
    src->opened = wn_now();
    src->pushed = !url;
    src->last_scene = -1;
    src->media.size = sizeof(src->media);
    if (params && params->size)
        memcpy(&src->p, params, WN_MIN(params->size, sizeof(src->p)));
    src->url = wn_strdup(url);
    if (url && !src->url) {
        err = wn_nomem(&s->log, "a source");
        goto fail;
    }
    if (src->p.search && src->p.max_segment <= 0)
        src->p.max_segment = SEARCH_SEGMENT;
    if (src->p.start < 0 || src->p.end < 0 || (src->p.end > 0 && src->p.end <= src->p.start)) {
        err = wn_fail(&s->log, WN_ERR_ARG, "the part from %g s to %g s holds nothing", src->p.start,
                      src->p.end);
        goto fail;
    }
    if (!wn_source_cache_begin(src))
        TRY(open_decoder(src));
    TRY(parse_chain(src));
    if (src->decoder)
        TRY(set_frame_filters(src));
    if (s->encoder) {
        TRY(make_compressor(src));
        TRY(make_reducer(src));
    }
    TRY(wn_source_cache_find(src));
    if (!src->cache.from)
        TRY(need_decoder(src));
    src->p.filters = src->p.taps_for = NULL; /* the caller's text need not live on */
    *out = src;
    return WN_OK;
fail:
    wn_source_close(&src);
    return err;
}

int wn_source_push(struct wn_source *src, const struct wn_image *img)
{
    if (!src->pushed)
        return wn_fail(&src->s->log, WN_ERR_ARG,
                       "frames can be pushed only into a source without a URL");
    return wn_decoder_push(src->decoder, img);
}

int wn_source_scenes(struct wn_source *src, struct wn_scene **out, int *n)
{
    struct wn_instance *fallback = NULL;
    const struct wn_filter *scene = wn_filter_find("scene");
    int err;

    if (src->frames)
        return wn_fail(&src->s->log, WN_ERR_ARG, "frames of this source were already read");
    TRY(need_decoder(src));
    if (wn_instance_create(&fallback, scene))
        return wn_nomem(&src->s->log, "a filter");
    if (scene->init)
        TRY(scene->init(fallback->priv, &src->s->log));
    src->scanned = src->scanning = true;
    TRY(wn_decoder_scenes(src->decoder, fallback, out, n));
fail:
    src->scanning = false;
    wn_instance_destroy(&fallback);
    return err;
}

void wn_source_close(struct wn_source **source)
{
    struct wn_source *src = *source;

    if (!src)
        return;
    atomic_store(&src->closing, true);
    wn_stage_destroy(&src->frames); /* stops the decoding thread */
    wn_source_cache_finish(src);
    wn_source_drop_batch(src);
    wn_frame_unref(&src->ahead);
    wn_rows_destroy(&src->rows);
    for (int i = 0; i < src->n_waiting; i++)
        wn_segment_unref(&src->waiting[i]);
    free(src->waiting);
    wn_budget_destroy(&src->budget);
    wn_reducer_destroy(&src->needs.reducer);
    wn_compressor_destroy(&src->compressor);
    wn_decoder_close(&src->decoder);
    wn_chain_destroy(&src->chain);
    wn_subtitles_free(src->cues, src->n_cues);
    free(src->url);
    free(src);
    *source = NULL;
}

/* Copies a struct whose caller may know fewer fields. */
static void give(void *out, size_t *out_size, const void *from, size_t size)
{
    const size_t n = *out_size && *out_size < size ? *out_size : size;

    memcpy(out, from, n);
    *out_size = n;
}

void wn_source_media(const struct wn_source *src, struct wn_media *out)
{
    struct wn_media media = src->media;

    if (src->decoder)
        wn_decoder_media(src->decoder, &media);
    size_t size = out->size;
    give(out, &size, &media, sizeof(media));
    out->size = size;
}

int wn_source_packets(struct wn_source *src, struct wn_packet_info *out)
{
    struct wn_packet_info info = {.size = sizeof(info)};

    if (src->frames)
        return wn_fail(&src->s->log, WN_ERR_ARG, "frames of this source were already read");
    int err = need_decoder(src);
    if (!err)
        err = wn_decoder_packets(src->decoder, &info);
    if (err < 0)
        return err;
    size_t size = out->size;
    give(out, &size, &info, sizeof(info));
    out->size = size;
    return WN_OK;
}

void wn_source_stats(const struct wn_source *src, struct wn_stats *out)
{
    struct wn_stats stats = src->stats;

    stats.decode_s = src->decoder ? wn_decoder_seconds(src->decoder) : 0;
    stats.peak_bytes = wn_peak_bytes();
    stats.device = src->compressor ? wn_compressor_device(src->compressor) : "cpu";
    stats.filters = src->chain->text;
    stats.mmproj = src->s->p.mmproj;
    size_t size = out->size;
    give(out, &size, &stats, sizeof(stats));
    out->size = size;
}

int wn_source_forecast(const struct wn_source *src, struct wn_forecast *out)
{
    const struct wn_session *s = src->s;
    struct wn_forecast f = {
        .size = sizeof(f),
        .frame_cells = src->clip.frame_rows + src->clip.frame_glue,
    };
    int n;

    if (!s->encoder)
        return wn_fail(&src->s->log, WN_ERR_ARG, "tokens need a model and its vision encoder");
    f.frames = (int64_t)ceil(wn_preset_frames(src->chain, &src->clip));
    f.cells = wn_session_room(s);
    struct wn_instance **filters = wn_chain_at(src->chain, WN_AT_TOKEN, &n);
    if (n && filters[n - 1]->filter->family == WN_BUDGET) {
        int64_t tokens;
        int32_t least;
        wn_budget_options(filters[n - 1], &tokens, &least);
        f.cells = tokens > 0 ? tokens : f.cells;
    }
    if (src->p.search)
        f.cells = src->segment_cells;
    if (f.frames > 0)
        f.cells = WN_MIN(f.cells, f.frames * f.frame_cells);
    f.kv_bytes = f.cells * s->llm_info.cell_bytes;
    size_t size = out->size;
    give(out, &size, &f, sizeof(f));
    out->size = size;
    return WN_OK;
}
