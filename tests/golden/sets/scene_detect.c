/* SPDX-License-Identifier: MIT */
/* PySceneDetect's detectors and FFmpeg's scdet and select over frames as they are, without the
 * downscaling that comes before on files. The tensors' names tell the detectors. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/detect/detect.h"
#include "decode/detect/parts.h"
#include "tests/golden/golden.h"

struct clip {
    int32_t n, w, h;
    double fps;
    uint8_t *rgb;  /* [n][3][h][w] */
};

struct measured { /* a value a frame; NaN where there is none */
    float *score, *delta[4], *ratio;
    int32_t *cut;
    int32_t n_cuts;
};

static const struct {
    const char *name;
    struct wn_detect_params p;
} detectors[] = {
    {"content", {.kind = WN_DETECT_CONTENT, .threshold = 27, .weight = {1, 1, 1, 0}}},
    {"content_luma", {.kind = WN_DETECT_CONTENT, .threshold = 27, .weight = {0, 0, 1, 0}}},
    {"content_suppress",
     {.kind = WN_DETECT_CONTENT, .threshold = 27, .weight = {1, 1, 1, 0}, .suppress = true}},
    {"content_edges",
     {.kind = WN_DETECT_CONTENT, .threshold = 27, .weight = {1, 0.5, 1, 0.2}, .kernel = 5}},
    {"adaptive",
     {.kind = WN_DETECT_ADAPTIVE, .threshold = 3, .weight = {1, 1, 1, 0}, .min_content = 15}},
    {"hash", {.kind = WN_DETECT_HASH, .threshold = 0.35}},
    {"histogram", {.kind = WN_DETECT_HISTOGRAM, .threshold = 0.2}},
    {"threshold", {.kind = WN_DETECT_FADE, .threshold = 12}},
    {"threshold_final",
     {.kind = WN_DETECT_FADE, .threshold = 12, .bias = 0.5, .final_cut = true}},
};

static bool load(struct golden_case *c, struct clip *clip)
{
    int64_t shape[8] = {0};
    const int32_t *bgr = golden_i32(c, "in.frames_bgr", shape, NULL);

    clip->fps = golden_num(c, "fps");
    if (!bgr || c->failed)
        return false;
    clip->n = (int32_t)shape[0];
    clip->h = (int32_t)shape[1];
    clip->w = (int32_t)shape[2];
    const size_t plane = (size_t)clip->h * (size_t)clip->w, n = (size_t)clip->n * plane;
    clip->rgb = wn_calloc(n, 3);
    for (size_t i = 0; clip->rgb && i < n; i++)
        for (size_t k = 0; k < 3; k++)
            clip->rgb[i / plane * 3 * plane + k * plane + i % plane] = (uint8_t)bgr[3 * i + 2 - k];
    return clip->rgb != NULL;
}

static void release(struct measured *m)
{
    free(m->score);
    free(m->ratio);
    free(m->cut);
    for (int k = 0; k < 4; k++)
        free(m->delta[k]);
}

static bool reserve(struct measured *m, int32_t n)
{
    const size_t size = (size_t)n;
    bool ok = true;

    *m = (struct measured){
        .score = wn_calloc(size, sizeof(float)),
        .ratio = wn_calloc(size, sizeof(float)),
        .cut = wn_calloc(size + 1, sizeof(int32_t)),
    };
    for (int k = 0; k < 4; k++) {
        m->delta[k] = wn_calloc(size, sizeof(float));
        ok &= m->delta[k] != NULL;
    }
    for (int32_t i = 0; m->ratio && i < n; i++)
        m->ratio[i] = NAN;
    return ok && m->score && m->ratio && m->cut;
}

static void run_detector(struct golden_case *c, const struct clip *clip,
                         const struct wn_detect_params *params, struct measured *m)
{
    const size_t bytes = (size_t)clip->w * (size_t)clip->h * 3;
    struct wn_detector *detector = NULL;
    struct wn_detect_result r;

    if (wn_detector_create(&detector, params) < 0)
        golden_fail(c, "no detector");
    for (int32_t i = 0; detector && i < clip->n; i++) {
        if (wn_detector_feed(detector, clip->rgb + (size_t)i * bytes, clip->w, clip->h,
                             i / clip->fps, &r) < 0)
            golden_fail(c, "frame %d is refused", i);
        const bool first_content = !i && params->kind <= WN_DETECT_ADAPTIVE;
        m->score[i] = first_content ? NAN : (float)r.score;
        for (int k = 0; k < 4; k++)
            m->delta[k][i] = (float)r.delta[k];
        if (r.ratio_at >= 0)
            m->ratio[r.ratio_at] = (float)r.ratio;
        if (r.cut != WN_NO_CUT)
            m->cut[m->n_cuts++] = (int32_t)r.cut;
    }
    const int64_t last = detector ? wn_detector_finish(detector) : WN_NO_CUT;
    if (last != WN_NO_CUT)
        m->cut[m->n_cuts++] = (int32_t)last;
    wn_detector_destroy(&detector);
}

/* Tensors of this detector's measures: "mid.NAME.METRIC", the metric with its parameters. */
static const char *metric_of(const char *tensor, const char *detector)
{
    const size_t n = strlen(detector);

    if (strncmp(tensor, "mid.", 4) || strncmp(tensor + 4, detector, n) || tensor[4 + n] != '.')
        return NULL;
    return tensor + 5 + n;
}

/* hash_dist_size_8_lowpass_2_, hist_diff_bins_128_, adaptive_ratio_w_2_ */
static void read_metric(const char *metric, struct wn_detect_params *p)
{
    if (sscanf(metric, "hash_dist_size_%d_lowpass_%d", &p->size, &p->lowpass) == 2)
        return;
    if (sscanf(metric, "hist_diff_bins_%d", &p->bins) == 1)
        return;
    if (sscanf(metric, "adaptive_ratio_w_%d", &p->window) != 1)
        sscanf(metric, "adaptive_ratio_lum_w_%d", &p->window);
}

/* OpenCV's float transforms round a bit of near-flat frames the other way: up to 4 of 64. */
static void expect_near_hash(struct golden_case *c, const char *tensor, const struct measured *m)
{
    int64_t shape[8] = {0};
    const float *want = golden_f32(c, tensor, shape, NULL);

    for (int64_t i = 0; want && i < shape[0]; i++)
        if (isnan(want[i]) != isnan(m->score[i]) || fabsf(want[i] - m->score[i]) > 4.f / 64)
            golden_fail(c, "%s[%d] is %g, expected %g", tensor, (int)i, m->score[i], want[i]);
}

static void check_metric(struct golden_case *c, const char *tensor, const char *metric,
                         const struct measured *m, int32_t n)
{
    static const char *const delta[] = {"delta_hue", "delta_sat", "delta_lum", "delta_edges"};

    for (int k = 0; k < 4; k++)
        if (!strcmp(metric, delta[k]))
            golden_expect_f32(c, tensor, m->delta[k], n);
    if (!strncmp(metric, "adaptive_ratio", 14))
        golden_expect_f32(c, tensor, m->ratio, n);
    else if (!strncmp(metric, "hash_dist", 9))
        expect_near_hash(c, tensor, m);
    else if (strncmp(metric, "delta_", 6))
        golden_expect_f32(c, tensor, m->score, n);
}

static void check_detector(struct golden_case *c, const struct clip *clip, int which)
{
    const char *name = detectors[which].name;
    struct wn_detect_params p = detectors[which].p;
    struct measured m = {0};
    char cuts[64];

    snprintf(cuts, sizeof(cuts), "out.cuts_%s", name);
    if (!golden_has_tensor(c, cuts))
        return;
    p.fps = clip->fps;
    p.min_len = 15;
    p.window = 2;
    p.edges = true; /* the reference kept its statistics */
    p.size = 16;
    p.lowpass = 2;
    p.bins = 256;
    for (int i = 0; i < c->file->n; i++) {
        const char *metric = metric_of(c->file->tensor[i].name, name);
        if (metric)
            read_metric(metric, &p);
    }
    if (!reserve(&m, clip->n))
        golden_fail(c, "out of memory");
    else
        run_detector(c, clip, &p, &m);
    if (!c->failed)
        golden_expect_i32(c, cuts, m.cut, m.n_cuts);
    for (int i = 0; !c->failed && i < c->file->n; i++) {
        const char *tensor = c->file->tensor[i].name, *metric = metric_of(tensor, name);
        if (metric)
            check_metric(c, tensor, metric, &m, clip->n);
    }
    release(&m);
}

/* ---- FFmpeg ---- */

static void expect_printed(struct golden_case *c, const char *filter, const char *format,
                           const char *value, const float *got, int32_t n)
{
    char name[96];

    snprintf(name, sizeof(name), "out.ffmpeg.%s_%s.%s", filter, format, value);
    if (golden_has_tensor(c, name))
        golden_expect_f32(c, name, got, n);
}

static float printed(double v, double decimals)
{
    return (float)(rint(v * decimals) / decimals);
}

/* `planes` [n][bytes]. FFmpeg prints scdet's numbers with three decimals, select's with six. */
static void check_ffmpeg(struct golden_case *c, const char *format, const uint8_t *planes,
                         int32_t n, size_t bytes)
{
    float *mafd = wn_calloc((size_t)n, 3 * sizeof(float));
    double last = 0;

    if (!mafd) {
        golden_fail(c, "out of memory");
        return;
    }
    float *score = mafd + n, *scene = score + n;
    for (int32_t i = 1; i < n; i++) {
        const uint8_t *now = planes + (size_t)i * bytes;
        const double d = wn_scdet_mafd(now, now - bytes, bytes);
        double select_last = last * 2.56; /* select measures in 1/256, not in percent */
        mafd[i] = printed(d, 1e3);
        scene[i] = printed(wn_scdet_score(d * 2.56, &select_last) / 100, 1e6);
        score[i] = printed(wn_scdet_score(d, &last), 1e3);
    }
    expect_printed(c, "scdet", format, "mafd", mafd, n);
    expect_printed(c, "scdet", format, "score", score, n);
    expect_printed(c, "select", format, "scene_score", scene, n);
    free(mafd);
}

static void check_luma(struct golden_case *c, const struct clip *clip)
{
    const int32_t *luma = golden_i32(c, "in.luma_yuv420p", NULL, NULL);
    const size_t bytes = (size_t)clip->w * (size_t)clip->h, n = (size_t)clip->n * bytes;
    uint8_t *plane = wn_calloc(n, 1);

    for (size_t i = 0; luma && plane && i < n; i++)
        plane[i] = (uint8_t)luma[i];
    if (luma && plane)
        check_ffmpeg(c, "yuv420p", plane, clip->n, bytes);
    free(plane);
}

static void run(struct golden_case *c)
{
    struct clip clip = {0};

    if (load(c, &clip)) {
        for (int i = 0; i < WN_LEN(detectors); i++)
            check_detector(c, &clip, i);
        check_ffmpeg(c, "bgr24", clip.rgb, clip.n, (size_t)clip.w * (size_t)clip.h * 3);
        if (golden_has_tensor(c, "in.luma_yuv420p"))
            check_luma(c, &clip);
    }
    free(clip.rgb);
}

const struct golden_set golden_scene_detect = {
    .name = "scene_detect",
    .run = run,
};
