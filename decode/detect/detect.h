/* SPDX-License-Identifier: MIT */
/* Scene cut detectors on small RGB pictures: those of PySceneDetect 0.7.1, number for number, and
 * FFmpeg's scdet. Plain state machines: no libav, no clock, no log. */
#ifndef WN_DETECT_H
#define WN_DETECT_H

#include "pipeline/util.h"

enum wn_detect_kind {
    WN_DETECT_CONTENT, WN_DETECT_ADAPTIVE, WN_DETECT_HASH, WN_DETECT_HISTOGRAM, WN_DETECT_FADE,
    WN_DETECT_SCDET,
};

struct wn_detect_params {
    enum wn_detect_kind kind;
    double threshold;
    int min_len;         /* frames */
    double fps;          /* of the stream: min_len in seconds is min_len / fps */
    double weight[4];    /* content, adaptive: hue, saturation, luma, edges */
    bool edges;          /* measured though their weight is 0 */
    int kernel;          /* content, adaptive: of the edges' dilation; 0: by size */
    bool suppress;       /* content: instead of merging cuts that are too near */
    int window;          /* adaptive: frames on each side */
    double min_content;  /* adaptive */
    int size, lowpass;   /* hash */
    int bins;            /* histogram */
    double bias;         /* fade: -1 cut at the fade out, 0 in the middle, 1 at the fade in */
    bool final_cut;      /* fade: a fade out at the end is a cut */
};

/* What PySceneDetect uses where nothing is said. */
struct wn_detect_params wn_detect_defaults(enum wn_detect_kind kind);

#define WN_NO_CUT (-1)

/* Pictures are counted from 0 as they are fed. NAN: not measured for this picture. */
struct wn_detect_result {
    double score;        /* of this picture; adaptive: its content score */
    double delta[4];     /* content, adaptive: hue, saturation, luma, edges */
    double ratio;        /* adaptive: of picture `ratio_at` */
    int64_t ratio_at;
    int64_t cut;         /* picture that begins a scene, or WN_NO_CUT */
    double cut_score;
};

struct wn_detector;

int wn_detector_create(struct wn_detector **out, const struct wn_detect_params *params);
void wn_detector_destroy(struct wn_detector **detector);
/* Whether a detector looks at hue, saturation and luma, and at nothing else. */
static inline bool wn_detect_sees_hsv(enum wn_detect_kind kind)
{
    return kind == WN_DETECT_CONTENT || kind == WN_DETECT_ADAPTIVE;
}
static inline bool wn_detect_sees_edges(const struct wn_detect_params *p)
{
    return p->edges || p->weight[3] > 0;
}
/* rgb [3][height][width]; the size of the first picture is that of all. time in seconds. */
int wn_detector_feed(struct wn_detector *detector, const uint8_t *rgb, int32_t width,
                     int32_t height, double time, struct wn_detect_result *result);
/* The same of a picture that others have looked at, for a detector that sees hue, saturation and
 * luma. hsv [3][height][width] may be NULL where apart is not. apart: its sums of absolute
 * differences to the picture before, by plane; NULL: both pictures were given whole. */
int wn_detector_feed_hsv(struct wn_detector *detector, const uint8_t *hsv, const uint64_t *apart,
                         int32_t width, int32_t height, double time,
                         struct wn_detect_result *result);
/* After the last picture: a last cut, or WN_NO_CUT. */
int64_t wn_detector_finish(struct wn_detector *detector);
/* No later cut will be at a picture before this one. */
int64_t wn_detector_settled(const struct wn_detector *detector);

#endif
