/* SPDX-License-Identifier: MIT */
#include "parallel.h"

#include "lane.h"
#include "track.h"

#include <stdlib.h>

#define MOST_LANES 64
#define MOST_BYTES ((int64_t)64 << 20) /* of packets, and of pictures, in all jobs of a batch */
#define ENOUGH 48                      /* packets of a job of GOPs without a gap between */
#define JOBS_A_LANE 8                  /* in a batch, so that uneven ones even out */
#define MORE_JOBS 64                   /* the same, where pictures take next to no room */
#define SMALL 4096                     /* bytes of such a picture */

struct wn_reader {
    struct wn_reader_params p;
    struct wn_track track;
    struct wn_pictures ready;
    int64_t next;              /* chosen frame that nothing was planned for yet */
    int64_t stretches;         /* to come */
    int64_t picture_bytes;     /* of one, as it waits */
    int64_t given;
    bool through;              /* seeking is not safe: all is read from the start */
    bool deceived;

    int n_lanes;
    struct wn_lane *lane;
    struct wn_job *job;        /* of a batch, in order */
    int n_jobs, taken;
    pthread_mutex_t lock;      /* of track and the two below, while lanes run */
    int err;

    struct wn_lane own;        /* the input's decoder, with all its threads */
    struct wn_job long_job;
    AVPacket *packet;
    bool running, drained;
    int64_t at;                /* packet that it gets next */
    double restart, seconds;   /* what leaving off and beginning anew took, what the rest took */
    int64_t packets;           /* in those seconds */
};

int wn_reader_lanes(const struct wn_input *input)
{
    return WN_MIN(wn_pool_threads(input->p.pool), MOST_LANES);
}

/* ---- a batch: jobs on the pool ---- */

static int fetch(struct wn_reader *r, struct wn_job *job, AVPacket **packet)
{
    int err = wn_track_go(&r->track, job->stretch.first);

    for (int64_t i = 0; !err && i <= job->stretch.last - job->stretch.first; i++) {
        packet[i] = av_packet_alloc();
        err = packet[i] ? wn_track_read(&r->track, packet[i])
                        : wn_nomem(r->p.input->file->log, "a packet");
    }
    return err;
}

static int decode(struct wn_reader *r, struct wn_lane *lane, struct wn_job *job, AVPacket **packet)
{
    int err = wn_lane_begin(lane, &r->p);

    for (int64_t i = job->stretch.first; !err && i <= job->stretch.last; i++) {
        err = wn_lane_send(lane, &r->p, job, packet[i - job->stretch.first], i);
        av_packet_free(&packet[i - job->stretch.first]);
    }
    if (!err)
        err = wn_lane_send(lane, &r->p, job, NULL, 0);
    return err == WN_EOF ? WN_OK : err;
}

/* Where jobs end when they will, the longest begin first: none is left for the end. */
static struct wn_job *choose_job(struct wn_reader *r)
{
    struct wn_job *job = &r->job[r->taken];

    for (int i = 0; r->p.leaves_off && i < r->n_jobs; i++)
        if (!r->job[i].handed_out &&
            (job->handed_out || r->job[i].stretch.bytes > job->stretch.bytes))
            job = &r->job[i];
    job->handed_out = true;
    r->taken++;
    return job;
}

static struct wn_job *next_job(struct wn_reader *r, AVPacket ***packet)
{
    struct wn_job *job = NULL;

    pthread_mutex_lock(&r->lock);
    if (!r->err && r->taken < r->n_jobs) {
        job = choose_job(r);
        const int64_t n = job->stretch.last - job->stretch.first + 1;
        *packet = wn_calloc((size_t)n, sizeof(**packet));
        r->err = *packet ? fetch(r, job, *packet)
                         : wn_nomem(r->p.input->file->log, "packets");
    }
    pthread_mutex_unlock(&r->lock);
    return job;
}

static void run_lane(void *arg, int64_t i)
{
    struct wn_reader *r = arg;
    AVPacket **packet = NULL;

    for (struct wn_job *job = next_job(r, &packet); job; job = next_job(r, &packet)) {
        pthread_mutex_lock(&r->lock);
        int err = r->err;
        pthread_mutex_unlock(&r->lock);
        if (!err)
            err = decode(r, &r->lane[i], job, packet);
        for (int64_t k = 0; packet && k <= job->stretch.last - job->stretch.first; k++)
            av_packet_free(&packet[k]);
        free(packet);
        packet = NULL;
        pthread_mutex_lock(&r->lock);
        if (err && !r->err)
            r->err = err;
        pthread_mutex_unlock(&r->lock);
    }
}

static void forget_jobs(struct wn_reader *r)
{
    for (int i = 0; i < r->n_jobs; i++)
        wn_pictures_clear(&r->job[i].pictures);
    r->n_jobs = r->taken = 0;
}

static void move_pictures(struct wn_reader *r, struct wn_pictures *from)
{
    for (struct wn_picture *p = wn_pictures_take(from); p; p = wn_pictures_take(from))
        wn_pictures_put(&r->ready, p);
}

/* From here on everything is decoded in order from the first packet. */
static void give_up_seeking(struct wn_reader *r, int64_t chosen)
{
    r->through = true;
    r->next = chosen;
}

static int most_jobs(const struct wn_reader *r)
{
    const bool small = r->p.picture_bytes > 0 && r->p.picture_bytes <= SMALL;

    return r->n_lanes * (small ? MORE_JOBS : JOBS_A_LANE);
}

static int open_lanes(struct wn_reader *r)
{
    const int threads = WN_MAX(r->p.input->p.n_threads, 1) / r->n_lanes;
    int err = WN_OK;

    if (r->lane)
        return WN_OK;
    r->lane = wn_calloc((size_t)r->n_lanes, sizeof(*r->lane));
    r->job = wn_calloc((size_t)most_jobs(r), sizeof(*r->job));
    if (!r->lane || !r->job)
        return wn_nomem(r->p.input->file->log, "decoders");
    for (int i = 0; i < r->n_lanes && !err; i++) {
        r->lane[i].number = i;
        err = wn_lane_open(&r->lane[i], &r->p, WN_MAX(threads, 1));
    }
    return err;
}

static int run_batch(struct wn_reader *r)
{
    struct wn_input *in = r->p.input;
    int err = WN_OK;

    r->err = WN_OK;
    in->sought = true;
    wn_pool_run(in->p.pool, r->n_lanes, run_lane, r);
    if (r->err)
        return r->err;
    for (int i = 0; i < r->n_jobs && !err; i++) {
        struct wn_job *job = &r->job[i];
        if (job->bad || !job->begun) {
            give_up_seeking(r, job->stretch.from);
            break;
        }
        err = wn_input_count(in, job->decoded, job->errors);
        move_pictures(r, &job->pictures);
        r->stretches -= job->stretch.gops;
    }
    forget_jobs(r);
    return err;
}

/* ---- one after the other on all threads ---- */

static int begin_long(struct wn_reader *r, const struct wn_stretch *stretch)
{
    struct wn_input *in = r->p.input;
    const double began = wn_now();
    int err;

    if (!r->own.codec)
        TRY(wn_lane_open(&r->own, &r->p, 0));
    r->long_job = (struct wn_job){.stretch = *stretch, .begun = stretch->first == 0};
    TRY(wn_track_go(&r->track, stretch->first));
    if (err)
        return err;
    TRY(wn_lane_begin(&r->own, &r->p));
    in->sought = true;
    r->at = stretch->first;
    r->running = true;
    r->drained = false;
    r->restart = wn_now() - began;
fail:
    return err;
}

/* Reading on to the next stretch is better than leaving off here where what lies between takes
 * less time; until that is known, a picture for each thread that would fall idle. For a key frame
 * alone nothing else is ever decoded. */
static bool reads_on(const struct wn_reader *r, const struct wn_stretch *more)
{
    const int64_t gap = more->first - r->long_job.stretch.last - 1;
    const double each = r->packets > 0 ? r->seconds / (double)r->packets : 0;

    if (gap <= 0 || more->first == more->last)
        return gap <= 0;
    if (each <= 0 || r->restart <= 0)
        return gap <= 2 * (int64_t)WN_MAX(r->p.input->p.n_threads, 1);
    return (double)gap * each <= r->restart;
}

static void extend(struct wn_reader *r)
{
    struct wn_stretch *s = &r->long_job.stretch;
    struct wn_stretch more;

    if (s->to >= r->p.n)
        return;
    wn_plan_stretch(&more, r->p.packets, r->p.frame, r->p.n, s->to);
    if (!reads_on(r, &more))
        return;
    s->to = more.to;
    s->last = WN_MAX(s->last, more.last);
    r->next = s->to;
    r->stretches--;
}

static int finish_long(struct wn_reader *r)
{
    struct wn_job *job = &r->long_job;

    r->running = false;
    r->stretches--;
    if (!job->begun && !r->through)
        give_up_seeking(r, job->stretch.from);
    return wn_input_count(r->p.input, job->decoded, job->errors);
}

static int step_long(struct wn_reader *r)
{
    struct wn_job *job = &r->long_job;
    const double began = wn_now();
    int err;

    if (!r->drained && r->at > job->stretch.last)
        extend(r);
    if (r->at <= job->stretch.last) {
        TRY(wn_track_read(&r->track, r->packet));
        if (err)
            return err;
        err = wn_lane_send(&r->own, &r->p, job, r->packet, r->at++);
        av_packet_unref(r->packet);
        r->seconds += wn_now() - began;
        r->packets++;
    } else if (!r->drained) {
        r->drained = true;
        err = wn_lane_send(&r->own, &r->p, job, NULL, 0);
        r->restart += wn_now() - began;
    } else {
        return finish_long(r);
    }
    if (err < 0)
        return err;
    if (job->bad) {
        wn_pictures_clear(&job->pictures);
        r->running = false;
        give_up_seeking(r, job->stretch.from);
    }
    move_pictures(r, &job->pictures);
    return WN_OK;
fail:
    return err;
}

/* ---- which of the two ---- */

static bool fits(const struct wn_reader *r, const struct wn_stretch *s)
{
    const int64_t most = MOST_BYTES / r->n_lanes;

    return s->bytes <= most &&
           (s->to - s->from) * r->picture_bytes <= WN_MAX(most, r->picture_bytes);
}

/* Stretches that the pool may decode at once; as many as keep all lanes busy to the end. */
static void gather(struct wn_reader *r)
{
    const int most = most_jobs(r);
    int64_t bytes = 0, at = r->next, packets = 0, gops = 0;

    while (r->n_jobs < most && at < r->p.n) {
        struct wn_stretch s;
        wn_plan_long_stretch(&s, r->p.packets, r->p.frame, r->p.n, at,
                             r->p.leaves_off ? 0 : ENOUGH);
        if (!fits(r, &s))
            wn_plan_stretch(&s, r->p.packets, r->p.frame, r->p.n, at);
        bytes += (s.to - s.from) * r->picture_bytes;
        if (!fits(r, &s) || (bytes > MOST_BYTES && r->n_jobs >= r->n_lanes))
            break;
        r->job[r->n_jobs++] = (struct wn_job){.stretch = s, .begun = s.first == 0};
        packets += s.last - s.first + 1;
        gops += s.gops;
        at = s.to;
    }
    const int spare = r->n_jobs % r->n_lanes;
    const bool last = gops == r->stretches;
    const bool short_ones = packets <= 4 * r->n_jobs; /* threads of one decoder gain nothing */
    if (spare && (!last || (!short_ones && 2 * spare <= r->n_lanes)) &&
        (r->n_jobs > r->n_lanes || last))
        r->n_jobs -= spare;
    if (r->n_jobs < 2)
        r->n_jobs = 0;
}

static int plan_more(struct wn_reader *r)
{
    struct wn_stretch s;
    int err;

    if (!r->through && r->n_lanes > 1) {
        TRY(open_lanes(r));
        gather(r);
        if (r->n_jobs) {
            r->next = r->job[r->n_jobs - 1].stretch.to;
            return run_batch(r);
        }
    }
    wn_plan_stretch(&s, r->p.packets, r->p.frame, r->p.n, r->next);
    if (r->through) {
        for (; s.to < r->p.n; s.to++)
            s.last = WN_MAX(s.last, wn_frame_packet(r->p.packets, r->p.frame[s.to]));
        s.first = 0;
    }
    r->next = s.to;
    return begin_long(r, &s);
fail:
    return err;
}

/* The picture that opening the file has decoded. */
static int take_ahead(struct wn_reader *r)
{
    struct wn_input *in = r->p.input;
    struct wn_picture *p = wn_pictures_take(&in->ahead);
    const struct wn_packets *x = r->p.packets;
    int err = WN_OK;

    wn_pictures_clear(&in->ahead);
    if (!p)
        return WN_OK;
    r->picture_bytes = r->p.picture_bytes ? r->p.picture_bytes : wn_picture_bytes(p);
    if (r->p.n && p->frame->best_effort_timestamp ==
                      wn_packet_stamp(x, wn_frame_packet(x, r->p.frame[0]))) {
        p->number = r->p.frame[0];
        err = r->p.prepare ? r->p.prepare(r->p.opaque, 0, p) : WN_OK;
        if (err >= 0) {
            wn_pictures_put(&r->ready, p);
            p = NULL;
            r->next = 1;
        }
    }
    wn_picture_free(&p);
    return err;
}

static int64_t count_stretches(const struct wn_reader *r)
{
    const struct wn_packets *x = r->p.packets;
    int64_t n = 0, before = -1;

    for (int64_t i = r->next; i < r->p.n; i++) {
        const int64_t gop = wn_stamp_gop(x, wn_packet_stamp(x, wn_frame_packet(x, r->p.frame[i])));
        n += gop != before;
        before = gop;
    }
    return n;
}

int wn_reader_create(struct wn_reader **out, const struct wn_reader_params *params)
{
    struct wn_reader *r = wn_calloc(1, sizeof(*r));
    int err;

    if (!r)
        return wn_nomem(params->input->file->log, "a reader");
    pthread_mutex_init(&r->lock, NULL);
    r->p = *params;
    r->packet = av_packet_alloc();
    if (!r->packet) {
        err = wn_nomem(params->input->file->log, "a reader");
        goto fail;
    }
    wn_track_begin(&r->track, params->input, params->packets);
    r->picture_bytes = WN_MAX(r->p.picture_bytes, 1);
    TRY(take_ahead(r));
    r->stretches = count_stretches(r);
    r->n_lanes = (int)WN_MAX(WN_MIN(wn_reader_lanes(params->input), r->stretches), 1);
    *out = r;
    return WN_OK;
fail:
    wn_reader_destroy(&r);
    return err;
}

void wn_reader_destroy(struct wn_reader **reader)
{
    struct wn_reader *r = *reader;

    if (!r)
        return;
    for (int i = 0; r->lane && i < r->n_lanes; i++)
        wn_lane_close(&r->lane[i]);
    wn_lane_close(&r->own);
    if (r->job)
        forget_jobs(r);
    wn_pictures_clear(&r->long_job.pictures);
    wn_pictures_clear(&r->ready);
    wn_track_end(&r->track);
    av_packet_free(&r->packet);
    free(r->lane);
    free(r->job);
    pthread_mutex_destroy(&r->lock);
    free(r);
    *reader = NULL;
}

bool wn_reader_deceived(const struct wn_reader *r)
{
    return r->deceived;
}

int wn_reader_next(struct wn_reader *r, struct wn_picture **out)
{
    int err = WN_OK;

    for (;;) {
        struct wn_picture *p = wn_pictures_take(&r->ready);
        if (p) {
            r->given++;
            err = wn_input_progress(r->p.input, p->time);
            if (err < 0)
                wn_picture_free(&p);
            else
                *out = p;
            return err;
        }
        if (!r->running && r->next >= r->p.n)
            return WN_EOF;
        err = r->running ? step_long(r) : plan_more(r);
        if (err < 0)
            return err;
        if (err == WN_EOF) { /* what was promised is not there */
            r->deceived = !r->given;
            r->p.input->read_damaged |= r->given > 0;
            return WN_EOF;
        }
    }
}
