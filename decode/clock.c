/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <libavutil/common.h>

#include <math.h>

static double one_frame(const struct wn_clock *clock, const AVFrame *frame)
{
    const double d = frame->pkt_duration * av_q2d(clock->base);

    return d > 0 && d < 60 ? d : clock->frame;
}

static double remember(struct wn_clock *clock, double stamp, double time)
{
    clock->began = true;
    clock->stamp = stamp;
    clock->last = time;
    return time;
}

double wn_clock_time(struct wn_clock *clock, const AVFrame *frame)
{
    const int64_t pts = frame->best_effort_timestamp;
    const bool none = pts == AV_NOPTS_VALUE;

    if (!clock->began && (clock->start == AV_NOPTS_VALUE || (!none && pts < clock->start)))
        clock->start = none ? 0 : pts;
    if (none && !clock->began)
        return remember(clock, 0, 0);
    const double stamp =
        none ? clock->stamp : (double)av_sat_sub64(pts, clock->start) * av_q2d(clock->base);
    if (!clock->began)
        return remember(clock, stamp, stamp);
    if (none || stamp == clock->stamp) {
        clock->repeats++;
        return remember(clock, stamp, clock->last + one_frame(clock, frame));
    }
    if (stamp < clock->stamp) {
        clock->resets++;
        clock->shift = clock->last + one_frame(clock, frame) - stamp;
    }
    return remember(clock, stamp, fmax(stamp + clock->shift, clock->last));
}

void wn_clock_jump(struct wn_clock *clock)
{
    clock->stamp = -INFINITY;
    clock->last = 0;
}
