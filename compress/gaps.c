/* SPDX-License-Identifier: MIT */
#include "gaps.h"

WN_CLONES
static void gaps(float *d, float s_ii, const float *s_jj, const float *s_ij, float scale, int32_t n)
{
    for (int32_t j = 0; j < n; j++)
        d[j] = wn_gap(s_ii, s_jj[j], s_ij[j], scale);
}

void wn_each_gap(const struct wn_gap_job *job, int32_t begin, int32_t m, int32_t first, int32_t end,
                 void *arg)
{
    float gap[WN_GAP_RUN];

    for (int32_t from = 0; from < m; from += WN_GAP_RUN) {
        const int32_t n = WN_MIN(WN_GAP_RUN, m - from);
        for (int32_t i = first; i < end; i++) {
            gaps(gap, job->square[i], job->square + begin + from,
                 job->s + (int64_t)(i - job->base) * job->width + from, job->scale, n);
            job->visit(arg, i, from, gap, n);
        }
    }
}

void wn_gaps_of_range(const struct wn_gap_range *range, int64_t first, int64_t end, void *arg)
{
    const int32_t *ptr = range->ptr;
    const int64_t last = range->job.base + end;

    for (int32_t i = range->job.base + (int32_t)first; i < last;) {
        const int32_t f = wn_segment_of(ptr, range->n_segments, i), m = ptr[f + 1] - ptr[f];
        const int32_t stop = (int32_t)WN_MIN(WN_MIN((int64_t)i + WN_GAP_ROWS, last),
                                                  ptr[f + 1]);
        range->start(arg, ptr[f], m, i, stop);
        wn_each_gap(&range->job, ptr[f], m, i, stop, arg);
        range->finish(arg, ptr[f], m, i, stop);
        i = stop;
    }
}
