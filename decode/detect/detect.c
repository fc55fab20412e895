/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct at { /* a picture: its count, its time in microseconds as PySceneDetect rounds it */
    int64_t index, us;
};

struct detector_flash { /* keeps cuts apart */
    bool began, merge_enabled, merging;
    struct at last_above, merge_start;
    double last_score;
};

struct wn_detector {
    struct wn_detect_params p;
    int32_t width, height;
    int64_t fed, last_us;
    uint8_t *planes[2]; /* [4][n]: hue, saturation, luma, edges; this picture's and the last */
    uint8_t *last_rgb;           /* scdet */
    bool *hash[2];
    float *hist[2];
    double mafd;
    struct detector_flash flash;
    struct at last_cut;
    struct at *window_at;        /* adaptive: the last 2 * window + 1 pictures, oldest first */
    double *window_score;
    int in_window;
    bool faded_out;
    struct at fade;
};

struct wn_detect_params wn_detect_defaults(enum wn_detect_kind kind)
{
    static const double threshold[] = {
        [WN_DETECT_CONTENT] = 27, [WN_DETECT_ADAPTIVE] = 3, [WN_DETECT_HASH] = 0.395,
        [WN_DETECT_HISTOGRAM] = 0.05, [WN_DETECT_FADE] = 12, [WN_DETECT_SCDET] = 10,
    };

    return (struct wn_detect_params){
        .kind = kind,
        .threshold = threshold[kind],
        .min_len = 15,
        .fps = 25,
        .weight = {1, 1, 1, 0},
        .window = 2,
        .min_content = 15,
        .size = 16,
        .lowpass = 2,
        .bins = 256,
    };
}

int wn_detector_create(struct wn_detector **out, const struct wn_detect_params *params)
{
    struct wn_detector *d = wn_calloc(1, sizeof(*d));

    if (!d)
        return WN_ERR_NOMEM;
    d->p = *params;
    *out = d;
    return WN_OK;
}

void wn_detector_destroy(struct wn_detector **detector)
{
    struct wn_detector *d = *detector;

    if (!d)
        return;
    for (int i = 0; i < 2; i++) {
        free(d->planes[i]);
        free(d->hash[i]);
        free(d->hist[i]);
    }
    free(d->last_rgb);
    free(d->window_at);
    free(d->window_score);
    free(d);
    *detector = NULL;
}

static int allocate(struct wn_detector *d)
{
    const size_t n = (size_t)d->width * (size_t)d->height;
    const size_t bits = (size_t)d->p.size * (size_t)d->p.size;
    const size_t window = 2 * (size_t)d->p.window + 1;
    bool ok = true;

    for (int i = 0; i < 2; i++) {
        d->planes[i] = wn_calloc(n, 4);
        d->hash[i] = wn_calloc(bits, sizeof(bool));
        d->hist[i] = wn_calloc((size_t)d->p.bins, sizeof(float));
        ok &= d->planes[i] && d->hash[i] && d->hist[i];
    }
    d->last_rgb = wn_calloc(n, 3);
    d->window_at = wn_calloc(window, sizeof(*d->window_at));
    d->window_score = wn_calloc(window, sizeof(*d->window_score));
    return ok && d->last_rgb && d->window_at && d->window_score ? WN_OK : WN_ERR_NOMEM;
}

/* ---- distances in time ---- */

static double seconds_between(struct at from, struct at to)
{
    return (double)WN_MAX(to.us - from.us, 0) / 1e6;
}

/* Content's rule: in seconds of the nominal rate. */
static bool far_in_time(const struct wn_detector *d, struct at from, struct at to)
{
    return seconds_between(from, to) >= d->p.min_len / d->p.fps;
}

/* The other detectors' rule: in frames of the nominal rate. */
static bool far_in_frames(const struct wn_detector *d, struct at from, struct at to)
{
    return rint(seconds_between(from, to) * d->p.fps) >= d->p.min_len;
}

static void cut_at(struct wn_detect_result *r, struct at at, double score)
{
    r->cut = at.index;
    r->cut_score = score;
}

/* ---- content ---- */

struct seen { /* a picture: either rgb, or one of the others or both */
    const uint8_t *rgb, *hsv;
    const uint64_t *apart;
};

/* 0 for the first picture. */
static int content_score(struct wn_detector *d, const struct seen *seen, struct wn_detect_result *r)
{
    const size_t n = (size_t)d->width * (size_t)d->height;
    const bool edges = wn_detect_sees_edges(&d->p);
    uint8_t *now = d->planes[d->fed & 1], *last = d->planes[~d->fed & 1];
    double sum = 0, weights = 0;
    int err = WN_OK;

    if (seen->rgb)
        wn_hsv(seen->rgb, n, now, now + n, now + 2 * n);
    else if (seen->hsv)
        memcpy(now, seen->hsv, 3 * n);
    if (edges)
        err = wn_edges(now + 2 * n, d->width, d->height, d->p.kernel, now + 3 * n);
    if (err < 0)
        return err;
    r->score = 0;
    if (!d->fed)
        return WN_OK;
    for (size_t k = 0; k < 4; k++) {
        r->delta[k] = 0;
        if (k < 3 || edges) {
            const bool known = k < 3 && seen->apart;
            const uint64_t apart = known ? seen->apart[k]
                                         : wn_distance(now + k * n, last + k * n, n);
            r->delta[k] = (double)apart / (double)n;
        }
        sum += r->delta[k] * d->p.weight[k];
        weights += fabs(d->p.weight[k]);
    }
    r->score = sum / weights;
    return WN_OK;
}

static void flash_suppress(struct wn_detector *d, struct at at, bool above,
                           struct wn_detect_result *r)
{
    if (!above || !far_in_time(d, d->flash.last_above, at))
        return;
    d->flash.last_above = at;
    cut_at(r, at, r->score);
}

/* Cuts nearer than min_len to the one before become one, at the last of them. */
static void flash_merge(struct wn_detector *d, struct at at, bool above, struct wn_detect_result *r)
{
    struct detector_flash *f = &d->flash;
    const bool far_enough = far_in_time(d, f->last_above, at);

    if (above) {
        f->last_above = at;
        f->last_score = r->score;
    }
    if (f->merging) {
        if (far_enough && !above && far_in_time(d, f->merge_start, f->last_above)) {
            f->merging = false;
            cut_at(r, f->last_above, f->last_score);
        }
    } else if (above && far_enough) {
        f->merge_enabled = true;
        cut_at(r, at, r->score);
    } else if (above && f->merge_enabled) {
        f->merging = true;
        f->merge_start = at;
    }
}

static void content(struct wn_detector *d, struct at at, struct wn_detect_result *r)
{
    const bool above = r->score >= d->p.threshold;

    if (d->p.min_len <= 0) {
        if (above)
            cut_at(r, at, r->score);
        return;
    }
    if (!d->flash.began)
        d->flash.last_above = at;
    d->flash.began = true;
    (d->p.suppress ? flash_suppress : flash_merge)(d, at, above, r);
}

/* ---- adaptive ---- */

static double window_ratio(const struct wn_detector *d)
{
    const int w = d->p.window;
    double sum = 0;

    for (int i = 0; i < 2 * w + 1; i++)
        if (i != w)
            sum += d->window_score[i];
    const double mean = sum / (2.0 * w), target = d->window_score[w];
    if (fabs(mean) < 0.00001)
        return target >= d->p.min_content ? 255 : 0;
    return fmin(target / mean, 255);
}

static void adaptive(struct wn_detector *d, struct at at, struct wn_detect_result *r)
{
    const int w = d->p.window, full = 2 * w + 1;

    if (d->in_window == full) {
        memmove(d->window_at, d->window_at + 1, (size_t)(full - 1) * sizeof(*d->window_at));
        memmove(d->window_score, d->window_score + 1,
                (size_t)(full - 1) * sizeof(*d->window_score));
        d->in_window--;
    }
    d->window_at[d->in_window] = at;
    d->window_score[d->in_window++] = r->score;
    if (d->in_window < full)
        return;
    r->ratio = window_ratio(d);
    r->ratio_at = d->window_at[w].index;
    if (r->ratio >= d->p.threshold && d->window_score[w] >= d->p.min_content &&
        far_in_frames(d, d->last_cut, at)) {
        d->last_cut = d->window_at[w];
        cut_at(r, d->window_at[w], r->ratio);
    }
}

/* ---- the others ---- */

static void cut_if(struct wn_detector *d, bool beyond, struct at at, struct wn_detect_result *r)
{
    if (beyond && far_in_frames(d, d->last_cut, at)) {
        d->last_cut = at;
        cut_at(r, at, r->score);
    }
}

static int hash(struct wn_detector *d, const uint8_t *rgb, struct at at, struct wn_detect_result *r)
{
    const bool *last = d->hash[~d->fed & 1];
    bool *now = d->hash[d->fed & 1];
    const int bits = d->p.size * d->p.size;
    int different = 0;

    const int err = wn_phash(rgb, d->width, d->height, d->p.size, d->p.lowpass, now);
    if (err < 0 || !d->fed)
        return err;
    for (int i = 0; i < bits; i++)
        different += now[i] != last[i];
    r->score = different / (double)bits;
    cut_if(d, r->score >= d->p.threshold, at, r);
    return WN_OK;
}

static void histogram(struct wn_detector *d, const uint8_t *rgb, struct at at,
                      struct wn_detect_result *r)
{
    const double threshold = fmax(0, fmin(1, 1 - d->p.threshold));
    float *now = d->hist[d->fed & 1];

    wn_luma_histogram(rgb, (size_t)d->width * (size_t)d->height, d->p.bins, now);
    if (!d->fed)
        return;
    r->score = wn_correlation(d->hist[~d->fed & 1], now, d->p.bins);
    cut_if(d, r->score <= threshold, at, r);
}

static void fade(struct wn_detector *d, const uint8_t *rgb, struct at at,
                 struct wn_detect_result *r)
{
    r->score = wn_mean_bytes(rgb, (size_t)d->width * (size_t)d->height * 3);
    const bool dark = r->score < (int)d->p.threshold;
    if (d->fed && dark == d->faded_out)
        return;
    if (d->fed && !dark && far_in_frames(d, d->last_cut, at)) {
        const double frames = (double)(at.index - d->fade.index);
        struct at middle = d->fade;
        middle.index += (int64_t)rint(frames * (1.0 + d->p.bias) / 2.0);
        cut_at(r, middle, r->score);
        d->last_cut = at;
    }
    d->faded_out = dark;
    d->fade = at;
}

static void scdet(struct wn_detector *d, const uint8_t *rgb, struct at at,
                  struct wn_detect_result *r)
{
    const size_t n = (size_t)d->width * (size_t)d->height * 3;

    r->score = 0;
    if (d->fed)
        r->score = wn_scdet_score(wn_scdet_mafd(rgb, d->last_rgb, n), &d->mafd);
    memcpy(d->last_rgb, rgb, n);
    cut_if(d, d->fed && r->score >= d->p.threshold, at, r);
}

static int feed(struct wn_detector *d, const struct seen *seen, int32_t width, int32_t height,
                double time, struct wn_detect_result *result)
{
    const struct at at = {d->fed, llrint(fmin(fmax(time, 0), 1e12) * 1e6)};
    const uint8_t *rgb = seen->rgb;
    struct wn_detect_result r = {NAN, {NAN, NAN, NAN, NAN}, NAN, -1, WN_NO_CUT, 0};
    int err = WN_OK;

    if (!d->fed) {
        d->width = width;
        d->height = height;
        d->last_cut = at;
        err = allocate(d);
    }
    if (err < 0 || width != d->width || height != d->height)
        return err < 0 ? err : WN_ERR_ARG;
    switch (d->p.kind) {
    case WN_DETECT_CONTENT:
    case WN_DETECT_ADAPTIVE:
        err = content_score(d, seen, &r);
        if (err >= 0)
            (d->p.kind == WN_DETECT_CONTENT ? content : adaptive)(d, at, &r);
        break;
    case WN_DETECT_HASH:      err = hash(d, rgb, at, &r); break;
    case WN_DETECT_HISTOGRAM: histogram(d, rgb, at, &r); break;
    case WN_DETECT_FADE:      fade(d, rgb, at, &r); break;
    case WN_DETECT_SCDET:     scdet(d, rgb, at, &r); break;
    }
    d->fed++;
    d->last_us = at.us;
    *result = r;
    return err;
}

int wn_detector_feed(struct wn_detector *d, const uint8_t *rgb, int32_t width, int32_t height,
                     double time, struct wn_detect_result *result)
{
    return feed(d, &(struct seen){.rgb = rgb}, width, height, time, result);
}

int wn_detector_feed_hsv(struct wn_detector *d, const uint8_t *hsv, const uint64_t *apart,
                         int32_t width, int32_t height, double time,
                         struct wn_detect_result *result)
{
    if (!wn_detect_sees_hsv(d->p.kind) || (!hsv && (!apart || wn_detect_sees_edges(&d->p))))
        return WN_ERR_ARG;
    return feed(d, &(struct seen){.hsv = hsv, .apart = apart}, width, height, time, result);
}

int64_t wn_detector_finish(struct wn_detector *d)
{
    const struct at end = {d->fed, d->last_us};

    if (d->p.kind != WN_DETECT_FADE || !d->p.final_cut || !d->faded_out)
        return WN_NO_CUT;
    return far_in_frames(d, d->last_cut, end) ? d->fade.index : WN_NO_CUT;
}

int64_t wn_detector_settled(const struct wn_detector *d)
{
    const struct detector_flash *f = &d->flash;

    switch (d->p.kind) {
    case WN_DETECT_CONTENT:
        return f->merging && far_in_time(d, f->merge_start, f->last_above) ? f->last_above.index
                                                                           : d->fed;
    case WN_DETECT_ADAPTIVE:
        return WN_MAX(d->fed - d->p.window, 0);
    case WN_DETECT_FADE:
        return d->faded_out ? d->fade.index : d->fed;
    default:
        return d->fed;
    }
}
