/* SPDX-License-Identifier: MIT */
/* A question to a whole source: everything is pulled under a budget, then put into one prompt. */
#include "source.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The part of an ask's progress that is told frame by frame; the rest is the prefill. */
#define FRAMES_PART 0.9

int64_t wn_source_frame_cells(void *arg, const struct wn_row_frame *frame)
{
    struct wn_source *src = arg;
    int64_t cells = 0;

    for (int32_t i = 0; frame->layout && i < frame->layout->n_parts; i++)
        cells += frame->layout->parts[i].n_tokens;
    if (src->media.still || !*src->s->label)
        return cells;
    char *label = wn_llm_label(src->s->label, frame->index + 1, frame->time);
    const int64_t n = label ? wn_llm_cells(src->s->llm, label) : 0;
    free(label);
    return cells + WN_MAX(n, 0);
}

int wn_source_make_budget(struct wn_source *src, struct wn_budget **out, int64_t cells,
                          int32_t least)
{
    return wn_budget_create(out, &(struct wn_budget_params){
        .cells = cells,
        .floor = least,
        .frame_cells = wn_source_frame_cells,
        .arg = src,
        .log = &src->s->log,
    });
}

/* Between a caller's callbacks and the two parts of an ask that report to them. */
struct relay {
    const struct wn_ask_params *ask;
};

static int relay_frames(void *opaque, double done)
{
    const struct relay *r = opaque;

    return r->ask->on_progress(r->ask->opaque, FRAMES_PART * done);
}

static int relay_prefill(void *opaque, double done)
{
    const struct relay *r = opaque;

    return r->ask->on_progress(r->ask->opaque, FRAMES_PART + (1 - FRAMES_PART) * done);
}

static int relay_text(void *opaque, const char *utf8, size_t len)
{
    const struct relay *r = opaque;

    return r->ask->on_text(r->ask->opaque, utf8, len);
}

/* Makes every segment, telling this ask's caller how far it is when the source has nobody. */
static int make_all(struct wn_source *src, struct relay *relay)
{
    const struct wn_source_params own = src->p;
    int ret = WN_OK;

    if (!own.on_progress && relay->ask->on_progress) {
        src->p.on_progress = relay_frames;
        src->p.opaque = relay;
    }
    while (ret == WN_OK)
        ret = wn_source_make_segment(src);
    src->p = own;
    return ret;
}

/* Cells that the context leaves to what is seen, once this prompt's text and answer have theirs. */
static int64_t room_beside(struct wn_source *src, const struct wn_prompt *text,
                           const struct wn_ask_params *ask)
{
    struct wn_session *s = src->s;

    wn_session_lock_llm(s);
    const int64_t cells = wn_llm_prompt_cells(s->llm, text);
    wn_session_unlock_llm(s);
    const int64_t room = wn_session_cells(s) - cells - wn_session_answer_tokens(ask);
    return cells < 0 ? wn_session_room(s) : WN_MAX(room, 1);
}

/* Pulls everything, under a budget of what the context holds when the chain has none. */
static int keep_all(struct wn_source *src, const struct wn_prompt *text, struct relay *relay)
{
    struct wn_log *log = &src->s->log;
    int err;

    if (src->kept)
        return WN_OK;
    if (src->given)
        return wn_fail(log, WN_ERR_ARG, "segments of this source were pulled: ask about them");
    if (!src->budget && !src->budgeted)
        TRY(wn_source_make_budget(src, &src->budget, room_beside(src, text, relay->ask), 1));
    err = make_all(src, relay);
    if (err == WN_AGAIN)
        return wn_fail(log, WN_ERR_ARG, "the pushed frames have not ended yet");
    if (err < 0)
        goto fail;
    if (!src->stats.frames)
        return wn_fail(log, WN_ERR_DATA, "the frame filters left no frame");
    if (!src->stats.tokens_after)
        return wn_fail(log, WN_ERR_LIMIT,
                       "the budget holds not one visual token of %d frames with their labels",
                       (int)src->stats.frames);
    src->kept = true;
    return WN_OK;
fail:
    return err;
}

/* The text track, as far as it falls into the part of the video that is asked about. */
int wn_source_read_cues(struct wn_source *src)
{
    const char *which = src->s->p.subtitles;
    const double from = src->p.start, to = src->p.end;
    int n = 0;

    if (!which || src->cues || !src->url)
        return WN_OK;
    const int err = wn_subtitles_read(&src->cues, &src->n_cues, src->url, which, &src->s->log);
    for (int i = 0; !err && i < src->n_cues; i++) {
        const bool inside = src->cues[i].end > from && (to <= 0 || src->cues[i].start < to);
        if (inside)
            src->cues[n++] = src->cues[i];
        else
            free(src->cues[i].text);
    }
    src->n_cues = err ? src->n_cues : n;
    return err;
}

int wn_source_ask(struct wn_source *src, const char *question, const struct wn_ask_params *params,
                  char **answer)
{
    struct wn_answer_stats stats = {0};
    struct wn_ask_params ask = wn_session_take_ask(params);
    struct wn_rows **rows = NULL;
    int err;

    TRY(wn_source_need_model(src));
    if (!question)
        return wn_fail(&src->s->log, WN_ERR_ARG, "no question");
    TRY(wn_source_read_cues(src));
    struct relay relay = {&ask};
    const char *slash = src->url ? strrchr(src->url, '/') : NULL;
    char name[160], about[200];
    struct wn_kept kept = src->s->kept;
    snprintf(about, sizeof(about), "prompt: %s",
             wn_printable(name, sizeof(name), slash ? slash + 1 : src->url ? src->url : ""));
    kept.about = about;
    struct wn_prompt prompt = {
        .label = src->media.still ? NULL : src->s->label,
        .question = question,
        .system = ask.system,
        .cues = src->cues,
        .n_cues = src->n_cues,
        .kept = kept.folder && src->url && !src->media.still ? &kept : NULL,
    };
    TRY(keep_all(src, &prompt, &relay));
    rows = wn_calloc((size_t)src->n_waiting, sizeof(struct wn_rows *));
    if (!rows) {
        err = wn_nomem(&src->s->log, "the prompt");
        goto fail;
    }
    for (int i = 0; i < src->n_waiting; i++)
        rows[i] = src->waiting[i]->rows;
    prompt.segments = rows;
    prompt.n_segments = src->n_waiting;
    struct wn_ask_params own = ask;
    own.opaque = &relay;
    own.on_text = ask.on_text ? relay_text : NULL;
    own.on_progress = ask.on_progress ? relay_prefill : NULL;
    TRY(wn_session_answer(src->s, &prompt, &own, answer, &stats));
    wn_session_give_stats(ask.stats, &stats);
    src->stats.prompt_cells = stats.cells;
    src->stats.answer_tokens = stats.tokens;
    src->stats.prefill_s = stats.prefill_s;
    src->stats.generate_s = stats.generate_s;
    if (src->stats.first_token_s == 0)
        src->stats.first_token_s = stats.first_token_at - src->opened;
fail:
    free(rows);
    return err;
}
