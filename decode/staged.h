/* SPDX-License-Identifier: MIT */
/* Scenes of a file without decoding most of it.
 *
 * Its key frames are decoded and compared, and the sizes of the packets between are looked at.
 * A GOP between key frames that look alike, with packets of even sizes, holds no cut. A key frame
 * that stands where the encoder did not have to put one, and shows something else than the one
 * before, is a cut; so is one packet, far the largest of its GOP, between key frames that differ.
 * All other GOPs are decoded and their frames are compared with those around them: cuts, dissolves
 * and fades are found there, flashes and motion are told from them. Pictures that no other leans on
 * are left out, where the codec marks them, but for those near a packet that stands out and at the
 * end of a GOP; what they may have shown is made up from their neighbours. The rest of a GOP is
 * left alone once frames look like the next key frame, behind the last packet that stands out (or
 * the last but one, where the shot has changed: what is left is a flash), or once steady motion,
 * with packets of even sizes, explains what that key frame shows.
 *
 * Where that saves nothing (key frames only, key frames every few frames, one GOP, an index that
 * cannot be trusted, or too much that must be looked at) every frame is decoded and compared by the
 * same rules. A cut found by a packet's size, or between pictures that were left out, may be a few
 * frames off, by as many as the codec stores behind it and shows before. The shortest scene is
 * measured in time, and of two cuts that are too near the one that changes more stays. */
#ifndef WN_DECODE_STAGED_H
#define WN_DECODE_STAGED_H

#include "index.h"
#include "picture.h"
#include "pipeline/decoder.h"
#include "pipeline/filter.h"

struct wn_staged_cut {
    int64_t frame;
    double time, score;
};

struct wn_staged {
    struct wn_staged_cut *cut; /* [n], rising; freed by the caller */
    int n;
    int64_t first, frames;     /* number of the first frame that was looked at, and of the end */
    double start;              /* of the first frame, seconds */
    double end;                /* of its last frame, seconds */
    int64_t gops, opened;      /* GOPs, and of them those that were decoded */
    int64_t decoded;           /* frames */
    const char *whole;         /* why every frame was decoded; NULL: not every one */
    struct wn_media media;     /* of the file as it was read */
};

struct wn_staged_rule {
    int min_len;               /* shortest scene, frames */
    double max_len;            /* seconds from a cut after which another is made; 0: none is */
};

/* What the detector of a filter `scene` looks at: hue, saturation and luma, else RGB; and whether
 * at each picture by itself, not at differences only. */
void wn_scene_looks(const struct wn_instance *filter, bool *hsv, bool *alone);
/* Whether a filter is `scene` with method=staged, and its rule. */
bool wn_staged_wanted(const struct wn_instance *filter);
struct wn_staged_rule wn_staged_options(const struct wn_instance *filter);
/* Why every frame would have to be decoded, NULL: key frames help. packets NULL: no index. */
const char *wn_staged_no_use(const struct wn_packets *packets,
                             const struct wn_decoder_params *params);
/* Reads the file with a decoder of its own. packets NULL: there is no index. */
int wn_staged_find(struct wn_staged *out, const struct wn_decoder_params *params,
                   const struct wn_packets *packets, const struct wn_staged_rule *rule);
/* Scene and score of a picture, by its time. */
void wn_staged_mark(const struct wn_staged *staged, struct wn_picture *picture);

/* ---- between staged.c and staged_mark.c ---- */

/* room: of out->cut. WN_ERR_NOMEM or WN_OK. */
int wn_staged_add(struct wn_staged *out, int *room, const struct wn_staged_cut *cut);
/* In order, none too near to the one before, long scenes cut; frame: seconds of one. */
int wn_staged_tidy(struct wn_staged *out, int *room, const struct wn_packets *packets,
                   double frame, const struct wn_staged_rule *rule);

/* ---- what decides; apart for tests ---- */

enum wn_gop_verdict { WN_GOP_QUIET, WN_GOP_CUT_AT_END, WN_GOP_CUT_INSIDE, WN_GOP_OPEN };

struct wn_gop_look {
    double ahead;     /* distance of its key frame and the next one, levels; below 0: none */
    double across;    /* of its key frame and the next but one; below 0: none */
    bool flat, next_flat; /* its key frame, and the next one, show nearly nothing */
    int64_t longest;  /* packets of the longest GOP */
    double around;    /* the smaller `ahead` of the GOPs beside it; below 0: none */
    bool marks;       /* its encoder puts key frames where pictures change */
};
struct wn_gop_finding {
    enum wn_gop_verdict verdict;
    int64_t frame;    /* of CUT_INSIDE, the first of the new shot */
    int64_t until;    /* of OPEN: behind the last packet of note; -1: none is */
    int64_t but_one;  /* behind the last but one; -1 */
    bool steady;      /* packets are of much the same size all over */
    bool ends;        /* of OPEN: its end is a cut, whatever else there is */
};
/* Shorter than its encoder had to make it. */
bool wn_gop_is_early(int64_t n, int64_t longest);
/* Packets from one that stands out to `near` behind it. note: of all of the GOP. */
void wn_gop_notes(const struct wn_packets *packets, int64_t gop, int near, bool *note);
void wn_gop_judge(const struct wn_packets *packets, int64_t gop, const struct wn_gop_look *look,
                  struct wn_gop_finding *out);

#endif
