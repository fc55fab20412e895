/* SPDX-License-Identifier: MIT */
/* A decoder whose first filters choose by the packet index: the choice, and back from it. */
#include "decoder_state.h"

#include "plan.h"

#include <stdlib.h>
#include <string.h>

/* Packets of a larger file take longer to read than a few seeks take. Files whose header lists
 * their packets are indexed whatever their size. */
#define MOST_READ ((int64_t)256 << 20)

static bool has_header_index(const struct wn_input *in)
{
    return !strncmp(in->container_name, "mov", 3);
}

static bool wants_keys(const struct wn_decoder *d)
{
    struct wn_wanted wanted = {0};

    if (d->run)
        wn_run_plan(d->run, &wanted);
    return wanted.key_only;
}

static int load_index(struct wn_decoder *d, bool of_any_size)
{
    struct wn_input *in = d->input;

    if (d->packets || !in || in->still || in->no_seek || in->truncated || !in->file->size)
        return WN_OK;
    const struct wn_packets_params params = {
        .url = d->url,
        .stream = in->stream->index,
        .samples = in->file->samples,
        .base = in->stream->time_base,
        .codec = in->codec->codec_id,
        .start = in->clock.start,
        .cache_dir = d->params.cache_dir,
        .cached_only = !of_any_size && !has_header_index(in) && in->file->size > MOST_READ,
        .log = d->log,
    };
    const int err = wn_packets_load(&d->packets, &params);
    if (err || !d->packets->regular || in->duration > 0)
        return WN_MIN(err, 0);
    const int64_t last = wn_frame_packet(d->packets, d->packets->n_frames - 1);
    in->duration = wn_packet_time(d->packets, last) + in->clock.frame;
    return WN_OK;
}

int wn_decoder_index(struct wn_decoder *d)
{
    return load_index(d, d->input && wants_keys(d));
}

static int by_length(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int measure_gops(const struct wn_packets *x, struct wn_packet_info *out)
{
    double *length = wn_calloc((size_t)x->n_gops + 1, sizeof(*length));

    if (!length)
        return WN_ERR_NOMEM;
    for (int64_t g = 0; g < x->n_gops; g++) {
        struct wn_gop gop;
        wn_gop_get(x, g, &gop);
        length[g] = gop.end > gop.start ? gop.end - gop.start : 0;
        out->most_packets = WN_MAX(out->most_packets, gop.n);
    }
    qsort(length, (size_t)x->n_gops, sizeof(*length), by_length);
    if (x->n_gops) {
        out->shortest = length[0];
        out->median = length[x->n_gops / 2];
        out->longest = length[x->n_gops - 1];
    }
    free(length);
    return WN_OK;
}

int wn_decoder_packets(struct wn_decoder *d, struct wn_packet_info *out)
{
    struct wn_packet_info info = {.size = out->size};
    int err;

    if (!d->input || !d->input->file->size)
        return wn_fail(d->log, WN_ERR_ARG, "packets are listed of a file, not of a pipe");
    TRY(load_index(d, true));
    const struct wn_packets *x = d->packets;
    if (!x) { /* a still, or a file that was cut: what is left is not worth an index */
        *out = info;
        return WN_OK;
    }
    info.packets = x->n;
    info.bytes = x->bytes;
    info.keys = x->n_gops;
    info.chooses = x->regular;
    info.cached = x->cached;
    info.seconds = x->seconds;
    if (measure_gops(x, &info) < 0)
        return wn_nomem(d->log, "the packet index");
    *out = info;
fail:
    return err;
}

static int64_t count_keys(const struct wn_packets *x, const struct wn_index *index)
{
    int64_t n = 0;

    if (!x->regular) /* times say nothing, but all are counted */
        return index->start > 0 || index->last > 0 ? 0 : x->n_gops;
    for (int64_t g = 0; g < x->n_gops; g++) {
        const double time = wn_packet_time(x, x->key[g]);
        n += time >= index->start && (index->last <= 0 || time < index->last) &&
             !wn_packet_hidden(x, x->key[g]);
    }
    return n;
}

static int make_run(struct wn_decoder *d, const struct wn_index *index)
{
    struct wn_run *run = NULL;
    const int err = wn_run_create(&run, d->filters, d->n_filters, index);

    if (err < 0)
        return err;
    wn_run_destroy(&d->run);
    d->run = run;
    return WN_OK;
}

/* On a worker: what leaves the decoder need not be as large as it was decoded. */
static int to_rgb(void *opaque, int lane, struct wn_picture *picture)
{
    struct wn_decoder *d = opaque;
    const int err = wn_convert(&d->lane_convert[lane], picture, &picture->rgb, d->log);

    av_frame_free(&picture->frame);
    return err;
}

static int open_reader(struct wn_decoder *d, bool whole)
{
    const int64_t pixels = (int64_t)d->shared->media.width * d->shared->media.height;
    const struct wn_fit *fit = &d->params.fit;
    const bool fits = fit->width > 0 && fit->height > 0;

    d->n_lanes = wn_reader_lanes(d->input);
    d->lane_convert = wn_calloc((size_t)d->n_lanes, sizeof(*d->lane_convert));
    if (!d->lane_convert)
        return wn_nomem(d->log, "the decoder");
    for (int i = 0; i < d->n_lanes; i++)
        d->lane_convert[i].fit = d->params.fit;
    return wn_reader_create(&d->reader, &(struct wn_reader_params){
        .input = d->input,
        .packets = d->packets,
        .frame = d->chosen,
        .n = d->n_chosen,
        .prepare = whole ? to_rgb : NULL,
        .opaque = d,
        .picture_bytes = !whole ? 0 : fits ? 3 * (int64_t)fit->width * fit->height : 3 * pixels,
    });
}

bool wn_decoder_may_choose(const struct wn_decoder *d)
{
    const struct wn_input *in = d->input;

    return in && wn_packets_trusted(in->container_name) && !in->clock.resets && !in->clock.repeats;
}

int wn_decoder_plan(struct wn_decoder *d)
{
    int prefix = wn_plan_prefix(d->filters, d->n_filters);
    struct wn_input *in = d->input;
    int err = WN_OK;

    if (!prefix || !in || in->clock.resets || in->clock.repeats)
        return WN_OK;
    if (wn_decoder_may_choose(d) || wants_keys(d))
        TRY(wn_decoder_index(d));
    if (!d->packets)
        return WN_OK;
    TRY(wn_decoder_stage(d, prefix));
    struct wn_index index = wn_decoder_facts(d);
    index.keys = count_keys(d->packets, &index);
    TRY(make_run(d, &index));
    if (!d->packets->regular)
        return WN_OK;
    for (int i = 0; !d->has_staged && i < prefix; i++)
        if (wn_staged_wanted(d->filters[i]))
            prefix = i; /* it looks at pictures after all */
    if (!prefix)
        return WN_OK;
    TRY(wn_plan_choose(&d->chosen, &d->n_chosen, d->packets, d->filters, prefix, &index));
    TRY(open_reader(d, prefix == d->n_filters));
    wn_run_skip(d->run, prefix);
fail:
    return err;
}

void wn_decoder_forget_plan(struct wn_decoder *d)
{
    wn_reader_destroy(&d->reader);
    for (int i = 0; i < d->n_lanes; i++)
        wn_convert_finish(&d->lane_convert[i]);
    free(d->lane_convert);
    d->lane_convert = NULL;
    d->n_lanes = 0;
    free(d->chosen);
    d->chosen = NULL;
}

int wn_decoder_unplan(struct wn_decoder *d)
{
    const struct wn_index index = wn_decoder_facts(d);

    wn_say(d->log, WN_LOG_DEBUG, "%s: its packets are not as indexed; it is read through",
           d->input->file->name);
    wn_decoder_forget_plan(d);
    const int err = make_run(d, &index);
    return err < 0 ? err : wn_input_rewind(d->input);
}
