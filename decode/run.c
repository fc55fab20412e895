/* SPDX-License-Identifier: MIT */
#include "run.h"

#include <stdlib.h>

struct wn_run {
    int n, from;
    struct wn_frame_run *link;   /* [n + 1]; the last one only collects */
    struct wn_pictures kept;
    int64_t kept_bytes;
};

static int collect(void *state, struct wn_picture *picture, struct wn_frame_run *link)
{
    struct wn_run *run = state;

    run->kept_bytes += wn_picture_bytes(picture);
    wn_pictures_put(&run->kept, picture);
    return WN_OK;
}

int wn_frame_emit(struct wn_frame_run *link, struct wn_picture *picture)
{
    return link->next->ops->picture(link->next->state, picture, link->next);
}

int wn_run_create(struct wn_run **out, struct wn_instance *const *filters, int n,
                  const struct wn_index *index)
{
    static const struct wn_frame_ops collector = {.picture = collect};
    struct wn_run *run = wn_calloc(1, sizeof(*run));
    int err = WN_ERR_NOMEM;

    if (!run)
        return wn_nomem(index->log, "the frame filters");
    run->link = wn_calloc((size_t)n + 1, sizeof(*run->link));
    if (!run->link)
        goto fail;
    struct wn_index seen = *index;
    for (; run->n < n; run->n++) {
        struct wn_frame_run *link = &run->link[run->n];
        seen.keys = run->n ? 0 : index->keys; /* the others see what is left of them */
        link->ops = filters[run->n]->filter->frame;
        link->next = link + 1;
        link->state = wn_calloc(1, link->ops->state_size);
        if (!link->state)
            goto fail;
        err =
            link->ops->begin ? link->ops->begin(link->state, filters[run->n]->priv, &seen) : WN_OK;
        if (err < 0) {
            run->n++;
            wn_run_destroy(&run);
            return err;
        }
    }
    run->link[n] = (struct wn_frame_run){.ops = &collector, .state = run};
    *out = run;
    return WN_OK;
fail:
    wn_run_destroy(&run);
    return wn_nomem(index->log, "the frame filters");
}

void wn_run_destroy(struct wn_run **run)
{
    if (!*run)
        return;
    for (int i = 0; i < (*run)->n; i++) {
        struct wn_frame_run *link = &(*run)->link[i];
        if (link->ops->end)
            link->ops->end(link->state);
        free(link->state);
    }
    wn_pictures_clear(&(*run)->kept);
    free((*run)->link);
    free(*run);
    *run = NULL;
}

bool wn_run_needs_end(struct wn_instance *const *filters, int n)
{
    bool needs = false;

    for (int i = 0; i < n; i++)
        needs |= filters[i]->filter->frame->needs_end;
    return needs;
}

void wn_run_plan(const struct wn_run *run, struct wn_wanted *wanted)
{
    for (int i = run->from; i < run->n && run->link[i].ops->plan; i++)
        run->link[i].ops->plan(run->link[i].state, wanted);
}

void wn_run_skip(struct wn_run *run, int n)
{
    run->from = n;
}

int wn_run_put(struct wn_run *run, struct wn_picture *picture)
{
    struct wn_frame_run *link = &run->link[run->from];

    return link->ops->picture(link->state, picture, link);
}

/* In order, so that what one filter held back passes through those after it. */
int wn_run_flush(struct wn_run *run)
{
    for (int i = run->from; i < run->n; i++) {
        struct wn_frame_run *link = &run->link[i];
        const int err = link->ops->flush ? link->ops->flush(link->state, link) : WN_OK;
        if (err < 0)
            return err;
    }
    return WN_OK;
}

struct wn_picture *wn_run_take(struct wn_run *run)
{
    struct wn_picture *p = wn_pictures_take(&run->kept);

    if (p)
        run->kept_bytes -= wn_picture_bytes(p);
    return p;
}

int64_t wn_run_ready_bytes(const struct wn_run *run)
{
    return run->kept_bytes;
}
