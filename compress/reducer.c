/* SPDX-License-Identifier: MIT */
/* Filters at the encoder place: which cuts they want together, and a plan for each batch at each
 * of them, of the same kernels and on the same devices as at the token place. */
#include <stdlib.h>
#include <string.h>

#include "segment_plan.h"

struct entry { /* a cut of one filter */
    struct wn_instance *filter;
    struct wn_cut cut;
};

struct reducer {
    struct wn_reducer base;
    struct wn_compressor *device; /* without filters of its own */
    struct entry *entry;          /* by point, then in order of the chain */
    int n_entries;
    struct wn_cut *cut;
    struct wn_log *log;
};

int wn_cuts_add(struct wn_cuts *cuts, struct wn_cut cut)
{
    struct wn_cut *list = wn_regrow(cuts->cut, (size_t)cuts->n + 1, sizeof(*list));

    if (!list)
        return WN_ERR_NOMEM;
    cuts->cut = list;
    list[cuts->n++] = cut;
    return WN_OK;
}

static int take_entries(struct reducer *r, struct wn_instance *filter, const struct wn_cuts *cuts,
                        int32_t depth)
{
    for (int i = 0; i < cuts->n; i++) {
        int at = r->n_entries;
        struct entry *list = wn_regrow(r->entry, (size_t)at + 1, sizeof(*list));

        if (!list)
            return wn_nomem(r->log, "the filters");
        r->entry = list;
        if (cuts->cut[i].point < 0 || cuts->cut[i].point > 2 * depth)
            continue; /* behind the last layer that rows pass */
        for (; at > 0 && list[at - 1].cut.point > cuts->cut[i].point; at--)
            list[at] = list[at - 1];
        list[at] = (struct entry){filter, cuts->cut[i]};
        r->n_entries++;
    }
    return WN_OK;
}

static int add_filter(struct reducer *r, struct wn_instance *in, const struct wn_encoder_info *info)
{
    struct wn_cuts cuts = {.frames = 1, .skip = -1};
    int err;

    TRY(in->filter->encoder->cuts(in->priv, info, &cuts, r->log));
    TRY(take_entries(r, in, &cuts, info->depth));
    r->base.proportional |= cuts.proportional;
    r->base.scores |= in->filter->scores;
    r->base.frames = WN_MAX(r->base.frames, cuts.frames);
    r->base.skip = cuts.skip >= 0 ? cuts.skip : r->base.skip;
fail:
    free(cuts.cut);
    return err;
}

/* One cut for each point. */
static int merge_cuts(struct reducer *r)
{
    int n = 0;

    r->cut = wn_calloc((size_t)r->n_entries, sizeof(*r->cut));
    if (!r->cut)
        return wn_nomem(r->log, "the filters");
    for (int i = 0; i < r->n_entries; i++) {
        const struct wn_cut *c = &r->entry[i].cut;

        if (!n || r->cut[n - 1].point != c->point) {
            r->cut[n++] = *c;
            continue;
        }
        if (r->cut[n - 1].join > 1 && c->join > 1)
            return wn_fail(r->log, WN_ERR_ARG, "filters %s and %s join frames before layer %d, "
                           "which one alone can do", r->entry[i - 1].filter->filter->name,
                           r->entry[i].filter->filter->name, c->point / 2);
        r->cut[n - 1].taps |= c->taps;
        r->cut[n - 1].join = WN_MAX(r->cut[n - 1].join, c->join);
    }
    r->base.cut = r->cut;
    r->base.n_cuts = n;
    return WN_OK;
}

/* The filters that act at a point: how many, from *first on. */
static int entries_at(const struct reducer *r, int32_t point, int *first)
{
    int n = 0;

    *first = 0;
    while (*first < r->n_entries && r->entry[*first].cut.point < point)
        ++*first;
    while (*first + n < r->n_entries && r->entry[*first + n].cut.point == point)
        n++;
    return n;
}

static int run(struct wn_reducer *reducer, int cut, struct wn_rows *rows)
{
    struct reducer *r = (struct reducer *)reducer;
    int first, err;
    const int n = entries_at(r, reducer->cut[cut].point, &first);
    struct wn_instance **filter = wn_calloc((size_t)n, sizeof(struct wn_instance *));
    const struct wn_cut **own = wn_calloc((size_t)n, sizeof(struct wn_cut *));
    struct wn_segment_plan *plan = NULL;

    if (!filter || !own) {
        err = wn_nomem(r->log, "a plan");
        goto fail;
    }
    for (int i = 0; i < n; i++) {
        filter[i] = r->entry[first + i].filter;
        own[i] = &r->entry[first + i].cut;
    }
    TRY(wn_segment_plan_stages(&plan, &(struct wn_stages){filter, own, n, true}, rows, r->log));
    TRY(wn_compressor_run_plan(r->device, wn_segment_plan_get(plan),
                               (int64_t)rows->n * rows->dim));
    TRY(wn_segment_plan_finish(plan, rows));
fail:
    wn_segment_plan_destroy(&plan);
    free(filter);
    free(own);
    return err;
}

static void destroy(struct wn_reducer *reducer)
{
    struct reducer *r = (struct reducer *)reducer;

    wn_compressor_destroy(&r->device);
    free(r->entry);
    free(r->cut);
    free(r);
}

int wn_reducer_create(struct wn_reducer **out, const struct wn_compressor_params *params,
                      const struct wn_encoder_info *info)
{
    struct reducer *r = wn_calloc(1, sizeof(*r));
    struct wn_reducer *base = (struct wn_reducer *)r;
    struct wn_compressor_params none = *params;
    int err;

    if (!r)
        return wn_nomem(params->log, "the filters");
    r->base = (struct wn_reducer){.frames = 1, .skip = -1, .run = run, .destroy = destroy};
    r->log = params->log;
    none.n_filters = 0;
    TRY(wn_compressor_create(&r->device, &none));
    for (int i = 0; i < params->n_filters; i++) {
        if (!info->reduces) {
            err = wn_fail(r->log, WN_ERR_UNSUPPORTED, "filter %s acts between layers of the "
                          "encoder, which this encoder does not allow for this model",
                          params->filters[i]->filter->name);
            goto fail;
        }
        TRY(add_filter(r, params->filters[i], info));
    }
    TRY(merge_cuts(r));
    *out = base;
    return WN_OK;
fail:
    wn_reducer_destroy(&base);
    return err;
}
