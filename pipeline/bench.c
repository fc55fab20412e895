/* SPDX-License-Identifier: MIT */
/* How fast filters are on this machine. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

static int open_rig(struct wn_session *s)
{
    if (s->bench)
        return WN_OK;
    return wn_bench_rig_create(&s->bench, &(struct wn_compressor_params){
        .device = s->p.device,
        .cache_dir = s->p.cache_dir,
        .pool = s->pool,
        .log = &s->log,
    });
}

/* Seconds of the encoder a frame: the median of a few, of a gray picture. */
static int time_encoder(struct wn_session *s, double *median)
{
    const struct wn_needs needs = {0};
    struct wn_frame *frame = NULL;
    struct wn_rows *rows = NULL;
    double took[3];
    int err;

    TRY(wn_frame_create(&frame, 336, 336));
    memset(frame->rgb, 128, (size_t)3 * 336 * 336);
    for (int r = -1; r < 3; r++) {
        const double start = wn_now();
        TRY(s->encoder->encode(s->encoder, &frame, 1, false, &needs, &rows));
        if (r >= 0)
            took[r] = wn_now() - start;
        wn_rows_destroy(&rows);
    }
    *median = WN_MAX(WN_MIN(took[0], took[1]), WN_MIN(WN_MAX(took[0], took[1]), took[2]));
fail:
    wn_frame_unref(&frame);
    return err;
}

int wn_bench_machine(struct wn_session *s, struct wn_bench_machine *out)
{
    struct wn_bench_machine m = {.size = sizeof(m)};
    int err;

    TRY(open_rig(s));
    TRY(wn_bench_rig_machine(s->bench, &m));
    if (s->encoder)
        TRY(time_encoder(s, &m.encoder));
    const size_t size = WN_MIN(out->size, sizeof(m));
    m.size = size;
    memcpy(out, &m, size);
fail:
    return err;
}

int wn_bench_compress(struct wn_session *s, const struct wn_bench_params *params,
                      struct wn_bench *out)
{
    struct wn_bench_params p = {0};
    struct wn_bench b = {.size = sizeof(b)};
    struct wn_chain *chain = NULL;
    const struct wn_clip clip = {0};
    int n, err;

    if (params && params->size)
        memcpy(&p, params, WN_MIN(params->size, sizeof(p)));
    if (!p.filters)
        return wn_fail(&s->log, WN_ERR_ARG, "no filters to measure");
    p.n_frames = p.n_frames ? p.n_frames : 64;
    p.grid_h = p.grid_h ? p.grid_h : 24;
    p.grid_w = p.grid_w ? p.grid_w : 24;
    p.dim = p.dim ? p.dim : 1024;
    p.rounds = p.rounds ? p.rounds : 7;
    TRY(open_rig(s));
    TRY(wn_chain_parse(&chain, p.filters, &clip, &s->log));
    struct wn_instance **filters = wn_chain_at(chain, WN_AT_TOKEN, &n);
    if (!n || n < chain->n) {
        err = wn_fail(&s->log, WN_ERR_ARG, "%s: a chain of token filters is measured", p.filters);
        goto fail;
    }
    TRY(wn_bench_rig_run(s->bench, filters, n, s->p.window, &p, &b));
    const size_t size = WN_MIN(out->size, sizeof(b));
    b.size = size;
    memcpy(out, &b, size);
fail:
    wn_chain_destroy(&chain);
    return err;
}
