/* SPDX-License-Identifier: MIT */
#include "thin.h"

#include <math.h>
#include <stdlib.h>

#define MOST_BYTES (256 << 20)

int wn_thin_begin(struct wn_thin *thin, int n, struct wn_log *log)
{
    thin->log = log;
    thin->least = 2 * n;
    thin->most = thin->room = WN_MAX(2 * n, 16);
    thin->item = wn_calloc((size_t)thin->room, sizeof(*thin->item));
    thin->n = 0;
    thin->stretch = 1;
    thin->seen = 0;
    return thin->item ? WN_OK : WN_ERR_NOMEM;
}

static void clear(struct wn_thin *thin)
{
    for (int i = 0; i < thin->n; i++)
        wn_picture_free(&thin->item[i].picture);
    thin->n = 0;
    thin->stretch = 1;
    thin->seen = 0;
}

void wn_thin_end(struct wn_thin *thin)
{
    if (thin->item)
        clear(thin);
    free(thin->item);
    thin->item = NULL;
}

static void keep_better(struct wn_thin_item *a, struct wn_thin_item *b)
{
    if (b->score > a->score) {
        const struct wn_thin_item loser = *a;
        *a = *b;
        *b = loser;
    }
    wn_picture_free(&b->picture);
}

static void join_neighbours(struct wn_thin *thin)
{
    int to = 0;

    for (int i = 0; i < thin->n; i += 2) {
        if (i + 1 < thin->n)
            keep_better(&thin->item[i], &thin->item[i + 1]);
        thin->item[to++] = thin->item[i];
    }
    thin->n = to;
    thin->stretch *= 2;
}

void wn_thin_add(struct wn_thin *thin, struct wn_picture *picture, double score)
{
    struct wn_thin_item item = {picture, thin->seen, score};

    if (!thin->seen) {
        const int64_t fit = MOST_BYTES / wn_picture_bytes(picture);
        thin->most = (int)WN_MAX(4, WN_MIN(thin->room, fit));
        if (thin->most < thin->least && picture->frame)
            wn_say(thin->log, WN_LOG_WARN,
                   "%d frames of %d x %d pixels are more than is held of a stream whose length "
                   "is not known: fewer may come", thin->least / 2, picture->frame->width,
                   picture->frame->height);
    }
    if (thin->seen++ % thin->stretch) {
        keep_better(&thin->item[thin->n - 1], &item);
        return;
    }
    if (thin->n == thin->most) {
        join_neighbours(thin);
        if (item.at % thin->stretch) {
            keep_better(&thin->item[thin->n - 1], &item);
            return;
        }
    }
    thin->item[thin->n++] = item;
}

static int nearest(const struct wn_thin *thin, int from, double at)
{
    int best = from;

    for (int i = from + 1; i < thin->n; i++)
        if (fabs((double)thin->item[i].at - at) < fabs((double)thin->item[best].at - at))
            best = i;
    return best;
}

/* The best of the items from `from` on that begin before `end`; at least one. */
static int best_before(const struct wn_thin *thin, int from, double end)
{
    int best = from;

    for (int i = from + 1; i < thin->n && (double)thin->item[i].at < end; i++)
        if (thin->item[i].score > thin->item[best].score)
            best = i;
    return best;
}

/* The first item of the part that starts at `begin`, not before `from`. */
static int part_start(const struct wn_thin *thin, int from, double begin)
{
    while (from + 1 < thin->n && (double)thin->item[from].at < begin)
        from++;
    return from;
}

int wn_thin_choose(struct wn_thin *thin, int n, bool best, struct wn_frame_run *run)
{
    const int count = WN_MIN(n, thin->n);
    int from = 0, err = WN_OK;

    for (int k = 0; k < count && from < thin->n; k++) {
        const double part = (double)thin->seen / count;
        const int last = thin->n - (count - k); /* leave one for each part to come */
        int i = best ? best_before(thin, part_start(thin, from, k * part), (k + 1) * part)
                     : nearest(thin, from, (k + 0.5) * part - 0.5);
        i = WN_MAX(from, WN_MIN(i, last));
        struct wn_picture *picture = thin->item[i].picture;
        thin->item[i].picture = NULL;
        from = i + 1;
        TRY(wn_frame_emit(run, picture));
    }
fail:
    clear(thin);
    return err;
}
