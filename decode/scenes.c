/* SPDX-License-Identifier: MIT */
/* The list of scenes: the chain up to `scene` runs, pictures give their marks and go. */
#include "decoder_state.h"
#include "exact.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct scene_list {
    struct wn_scene *scene;
    int n, room;
    double frame;     /* seconds of one */
    double last_time;
    int64_t seen;
};

static int add_scene(struct scene_list *list, const struct wn_picture *p, int64_t number)
{
    if (list->n == list->room) {
        const int room = list->room ? 2 * list->room : 16;
        struct wn_scene *grown = wn_regrow(list->scene, (size_t)room, sizeof(*grown));
        if (!grown)
            return WN_ERR_NOMEM;
        list->scene = grown;
        list->room = room;
    }
    list->scene[list->n++] = (struct wn_scene){
        .start = p->time,
        .start_frame = number,
        .score = p->scene ? p->scene_score : 0,
    };
    return WN_OK;
}

/* A scene ends where the next one begins; what is known of the last one grows with each picture. */
static int add_picture(struct scene_list *list, const struct wn_picture *p)
{
    const int64_t number = p->number >= 0 ? p->number : list->seen;
    int err = WN_OK;

    if (p->scene >= list->n) {
        if (list->n) {
            list->scene[list->n - 1].end = p->time;
            list->scene[list->n - 1].end_frame = number;
        }
        err = add_scene(list, p, number);
    }
    if (err < 0)
        return err;
    list->scene[list->n - 1].end = p->time + list->frame;
    list->scene[list->n - 1].end_frame = number + 1;
    list->seen = number + 1;
    list->last_time = p->time;
    return WN_OK;
}

/* What has come out of the filters. */
static int add_ready(struct wn_decoder *d, void *opaque)
{
    struct scene_list *list = opaque;
    int err = WN_OK;

    for (struct wn_picture *p = wn_run_take(d->run); p; p = err ? NULL : wn_run_take(d->run)) {
        err = add_picture(list, p);
        wn_picture_free(&p);
    }
    return err < 0 ? wn_nomem(d->log, "scenes") : WN_OK;
}

static int read_through(struct wn_decoder *d, struct scene_list *list)
{
    int err = add_ready(d, list);

    while (!err && !d->flushed) {
        err = wn_decoder_step(d);
        err = err < 0 ? err : add_ready(d, list);
    }
    return err;
}

static int scene_place(const struct wn_decoder *d)
{
    int n = 0;

    while (n < d->n_filters && strcmp(d->filters[n]->filter->name, "scene"))
        n++;
    return n;
}

/* The filters up to `scene`, or the fallback alone. */
static int use_scene(struct wn_decoder *d, struct wn_instance *fallback)
{
    struct wn_instance **const filters = d->filters;
    const int n_filters = d->n_filters;
    const int n = scene_place(d);

    const int err = n < n_filters ? wn_decoder_set_filters(d, filters, n + 1)
                                  : wn_decoder_set_filters(d, &fallback, 1);
    d->filters = filters;
    d->n_filters = n_filters;
    return err;
}

/* WN_AGAIN: the file is to be read through. */
static int list_gops(struct wn_decoder *d, struct wn_instance *filter, struct scene_list *list)
{
    int err = WN_AGAIN;

    if (!wn_exact_useful(d))
        return WN_AGAIN;
    TRY(wn_decoder_index(d));
    if (!d->packets || !d->packets->regular || d->packets->n_gops < 2)
        return WN_AGAIN;
    TRY(use_scene(d, filter));
    err = wn_exact_read(d, filter, add_ready, list);
    d->begun = d->flushed = err == WN_OK;
    if (err == WN_AGAIN)
        *list = (struct scene_list){.scene = list->scene, .room = list->room, .frame = list->frame};
fail:
    return err;
}

static void say_how(struct wn_decoder *d)
{
    const struct wn_staged *s = &d->staged;
    const char *name = d->input->file->name;

    if (s->whole)
        wn_say(d->log, WN_LOG_INFO, "%s: all frames were decoded: %s", name, s->whole);
    else
        wn_say(d->log, WN_LOG_INFO,
               "%s: of %" PRId64 " frames %" PRId64 " were decoded: %" PRId64 " of %" PRId64
               " GOPs in full",
               name, s->frames, s->decoded, s->opened, s->gops);
}

static int find_ahead(struct wn_decoder *d, const struct wn_instance *filter)
{
    const struct wn_staged_rule rule = wn_staged_options(filter);

    if (d->has_staged)
        return WN_OK;
    const int err = wn_staged_find(&d->staged, &d->params, d->packets, &rule);
    if (err < 0)
        return err;
    d->has_staged = true;
    d->input->errors += d->staged.media.decode_errors;
    say_how(d);
    return WN_OK;
}

int wn_decoder_stage(struct wn_decoder *d, int n)
{
    for (int i = 0; i < n; i++)
        if (wn_staged_wanted(d->filters[i]) && !wn_staged_no_use(d->packets, &d->params))
            return find_ahead(d, d->filters[i]);
    return WN_OK;
}

/* The list by what was found ahead: nothing passes the filters. */
static int list_staged(struct wn_decoder *d, const struct wn_instance *filter,
                       struct scene_list *list)
{
    struct wn_picture mark = {.number = 0};
    int err;

    TRY(wn_decoder_index(d));
    TRY(find_ahead(d, filter));
    d->begun = d->flushed = true;
    d->input->count = d->staged.decoded;
    for (int i = -1; i < d->staged.n && d->staged.frames > d->staged.first; i++) {
        const struct wn_staged_cut *cut = i < 0 ? NULL : &d->staged.cut[i];
        mark.number = cut ? cut->frame : d->staged.first;
        mark.time = cut ? cut->time : d->staged.start;
        mark.scene = i + 1;
        mark.scene_score = cut ? cut->score : 0;
        err = add_picture(list, &mark);
        if (err < 0)
            return wn_nomem(d->log, "scenes");
    }
    if (list->n) {
        list->scene[list->n - 1].end = d->staged.end;
        list->scene[list->n - 1].end_frame = d->staged.frames;
    }
fail:
    return err;
}

int wn_decoder_scenes(struct wn_decoder *d, struct wn_instance *fallback, struct wn_scene **out,
                      int *n)
{
    struct scene_list list = {0};
    const double began = wn_now();
    int err;

    if (!d->input)
        return wn_fail(d->log, WN_ERR_ARG, "scenes are listed of a file, not of pushed frames");
    pthread_mutex_lock(&d->work);
    list.frame = d->input->clock.frame;
    const int place = scene_place(d);
    if (place < d->n_filters && wn_staged_wanted(d->filters[place])) {
        TRY(list_staged(d, d->filters[place], &list));
    } else {
        struct wn_instance *filter = place < d->n_filters ? d->filters[place] : fallback;
        err = place && filter != fallback ? WN_AGAIN : list_gops(d, filter, &list);
        if (err == WN_AGAIN) {
            d->input->no_seek = true; /* frames are numbered from the first */
            TRY(use_scene(d, fallback));
            err = read_through(d, &list);
        }
        if (err < 0)
            goto fail;
    }
    *out = list.scene;
    *n = list.n;
    list.scene = NULL;
fail:
    free(list.scene);
    wn_decoder_publish(d, began);
    pthread_mutex_unlock(&d->work);
    return err;
}
