/* SPDX-License-Identifier: MIT */
#include "input.h"

#include <math.h>
#include <string.h>

#define WALK_SECONDS 5
#define LATE_FRAMES 4
#define LEAST_GAIN 1.0 /* seconds; a seek empties the decoder's threads */

static void flush(struct wn_input *in)
{
    avcodec_flush_buffers(in->codec);
    wn_pictures_clear(&in->ahead);
    wn_clock_jump(&in->clock);
    in->drained = false;
    in->numbered = false;
    in->last_dts = AV_NOPTS_VALUE;
}

static int64_t stamp_of(const struct wn_input *in, double time)
{
    return in->clock.start + (int64_t)floor(time / av_q2d(in->stream->time_base));
}

static int jump(struct wn_input *in, int64_t stamp)
{
    if (wn_container_seek(in->file, in->stream->index, stamp) < 0)
        return WN_ERR_DATA;
    flush(in);
    return WN_OK;
}

int wn_input_rewind(struct wn_input *in)
{
    in->no_seek = true;
    if (jump(in, stamp_of(in, 0)) < 0)
        return wn_fail(in->file->log, WN_ERR_IO, "%s: cannot be read again from the start",
                       in->file->name);
    in->count = 0;
    in->numbered = true;
    return WN_OK;
}

/* Whether the index comes with the file. Others make one up while they read, from stamps that may
 * fall or miss. */
static bool has_true_index(const struct wn_input *in)
{
    static const char *const format[] = {"mov", "matroska", "avi"};

    for (int i = 0; i < WN_LEN(format); i++)
        if (!strncmp(in->container_name, format[i], strlen(format[i])))
            return true;
    return false;
}

/* Matroska's index is read at its first seek only; one without an index is walked cluster by
 * cluster, which is still far cheaper than decoding. */
static bool seeks_without_index(struct wn_input *in, double time)
{
    if (in->walked || strncmp(in->container_name, "matroska", 8) || !in->file->size ||
        time - in->clock.last < WALK_SECONDS)
        return false;
    in->walked = true;
    return true;
}

int wn_input_seek(struct wn_input *in, double time)
{
    if (in->no_seek || in->still || in->clock.resets || in->clock.repeats ||
        time <= in->clock.last || time > 1e9 || !has_true_index(in))
        return WN_OK;
    /* The index holds decoding times; a frame is shown up to some frames later. */
    const int64_t surely = stamp_of(in, fmax(0, time - LATE_FRAMES * in->clock.frame));
    const double gain = fmax(LEAST_GAIN, LATE_FRAMES * in->clock.frame);
    const int64_t worth = (int64_t)(gain / av_q2d(in->stream->time_base));
    int64_t key = INT64_MIN;
    const bool ahead = in->last_dts != AV_NOPTS_VALUE &&
                       wn_container_key_before(in->file, in->stream, surely, &key) &&
                       key > in->last_dts + worth && key > in->seek_entry;
    if (!ahead && !seeks_without_index(in, time))
        return WN_OK;
    if (jump(in, stamp_of(in, time)) < 0) {
        in->no_seek = true;
        return WN_OK;
    }
    if (ahead)
        in->seek_entry = key;
    in->sought = true;
    in->seek_target = time;
    in->seek_back = 0;
    return WN_OK;
}

/* What is shown before the key frame leans on frames that were not read. */
int wn_input_arrived(struct wn_input *in, const struct wn_picture *p, bool *arrived)
{
    const double target = in->seek_target;

    *arrived = target < 0 || (p && p->key && p->time <= target + 1e-9);
    if (*arrived)
        in->seek_target = -1;
    if (*arrived || (p && !p->key))
        return WN_OK;
    in->seek_back = fmax(1, in->seek_back * 4);
    if (in->seek_back >= target || jump(in, stamp_of(in, target - in->seek_back)) < 0) {
        in->seek_target = -1;
        return wn_input_rewind(in);
    }
    return WN_OK;
}
