/* SPDX-License-Identifier: MIT */
/* Token filters over a segment that was encoded before: one encoding, many chains. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

/* A chain of token filters alone, without a budget. */
static int parse(struct wn_chain **chain, struct wn_session *s, const char *text)
{
    const struct wn_clip clip = {.still = true};
    int n, err;

    TRY(wn_chain_parse(chain, text, &clip, &s->log));
    struct wn_instance **filters = wn_chain_at(*chain, WN_AT_TOKEN, &n);
    if (n < (*chain)->n)
        return wn_fail(&s->log, WN_ERR_ARG, "a segment takes token filters alone, not '%.200s'",
                       text);
    if (n && filters[n - 1]->filter->family == WN_BUDGET)
        return wn_fail(&s->log, WN_ERR_ARG, "a budget is one of a whole source, not of a segment");
fail:
    return err;
}

static int make(struct wn_compressor **out, struct wn_session *s, struct wn_chain *chain,
                struct wn_device *device, struct wn_needs *needs)
{
    int n, err;
    struct wn_instance **filters = wn_chain_at(chain, WN_AT_TOKEN, &n);

    TRY(wn_compressor_create(out, &(struct wn_compressor_params){
        .filters = filters,
        .n_filters = n,
        .shared = device,
        .device = "cpu",
        .cache_dir = s->p.cache_dir,
        .pool = s->pool,
        .log = &s->log,
    }));
    TRY(wn_compressor_needs(*out, &s->encoder->info, needs));
fail:
    return err;
}

int wn_session_taps(struct wn_session *s, const char *chains, struct wn_needs *needs)
{
    char *list = wn_strdup(chains), *rest = list, *text;
    int err = list ? WN_OK : wn_nomem(&s->log, "a chain");

    while (!err && (text = strsep(&rest, ";"))) {
        struct wn_chain *chain = NULL;
        struct wn_compressor *compressor = NULL;
        err = parse(&chain, s, text);
        if (!err)
            err = make(&compressor, s, chain, NULL, needs); /* nothing runs */
        wn_compressor_destroy(&compressor);
        wn_chain_destroy(&chain);
    }
    free(list);
    return err;
}

/* The same frames as seg's, rows still to come. */
static int twin(struct wn_segment **out, const struct wn_segment *seg)
{
    const int err = wn_segment_create(out, &(struct wn_rows){
        .n = seg->n_before,
        .n_frames = seg->n_frames,
        .frames = seg->frames,
        .frame_ptr = seg->row0,
    });

    if (err)
        return err;
    (*out)->start = seg->start;
    (*out)->end = seg->end;
    return WN_OK;
}

int wn_refilter_open(struct wn_refilter *r, struct wn_session *s, const char *filters)
{
    struct wn_needs needs = {0};
    int err;

    *r = (struct wn_refilter){.s = s};
    if (!s->encoder || !filters)
        return wn_fail(&s->log, WN_ERR_ARG, "filters over a segment need a model and a chain");
    TRY(parse(&r->chain, s, filters));
    TRY(make(&r->compressor, s, r->chain, s->device, &needs));
    return WN_OK;
fail:
    wn_refilter_close(r);
    return err;
}

void wn_refilter_close(struct wn_refilter *r)
{
    wn_compressor_destroy(&r->compressor);
    wn_chain_destroy(&r->chain);
}

int wn_refilter_run(struct wn_refilter *r, const struct wn_segment *seg, struct wn_segment **out)
{
    struct wn_session *s = r->s;
    struct wn_segment *made = NULL;
    struct wn_rows *rows = wn_rows_copy(seg->rows);
    int err;

    if (!rows || twin(&made, seg)) {
        err = wn_nomem(&s->log, "a segment");
        goto fail;
    }
    TRY(wn_compressor_run(r->compressor, &rows, &made->rows));
    *out = made;
    made = NULL;
fail:
    wn_rows_destroy(&rows);
    wn_segment_unref(&made);
    return err;
}

int wn_segment_filter(struct wn_session *s, const struct wn_segment *seg, const char *filters,
                      struct wn_segment **out)
{
    struct wn_refilter r;
    int err = wn_refilter_open(&r, s, filters);

    if (!err)
        err = wn_refilter_run(&r, seg, out);
    wn_refilter_close(&r);
    return err;
}
