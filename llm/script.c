/* SPDX-License-Identifier: MIT */
#include "script.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct writer {
    struct wn_llm *llm;
    const struct wn_prompt *prompt;
    struct wn_script *script;
    struct wn_run run;
    int cue;               /* the next one */
    int32_t shown;         /* frames so far */
    bool began;            /* the first text is out */
};

static int add_item(struct wn_script *s, const struct wn_item *item)
{
    if (s->n == s->cap) {
        const int32_t cap = s->cap ? 2 * s->cap : 32;
        struct wn_item *p = wn_regrow(s->item, (size_t)cap, sizeof(*p));
        if (!p)
            return WN_ERR_NOMEM;
        s->item = p;
        s->cap = cap;
    }
    s->item[s->n++] = *item;
    s->cells += item->n;
    return WN_OK;
}

/* libmtmd puts BOS before everything; a template that spells it out must not give two. */
static int begin(struct writer *w)
{
    const struct llama_vocab *vocab = w->llm->vocab.llama;
    const llama_token bos = llama_vocab_bos(vocab);
    struct wn_ids *ids = &w->script->ids;
    int err;

    if (w->began)
        return WN_OK;
    w->began = true;
    if (!llama_vocab_get_add_bos(vocab) || bos == LLAMA_TOKEN_NULL || (ids->n && ids->id[0] == bos))
        return WN_OK;
    TRY(wn_ids_add(ids, &bos, 1));
    memmove(ids->id + 1, ids->id, (size_t)(ids->n - 1) * sizeof(*ids->id));
    ids->id[0] = bos;
fail:
    return err;
}

/* Tokens that were added to ids since the last item become one, or join it: libmtmd also decodes
 * all text between two media at once. */
static int close_text(struct writer *w)
{
    struct wn_script *s = w->script;
    struct wn_item *last = s->n ? &s->item[s->n - 1] : NULL;
    int32_t done = 0;
    int err;

    TRY(wn_run_end(&w->run));
    TRY(begin(w));
    for (int32_t i = s->n; i-- > 0 && !done; )
        if (!s->item[i].rows)
            done = s->item[i].first + s->item[i].n;
    const int32_t n = s->ids.n - done;
    if (!n)
        return WN_OK;
    if (last && !last->rows) {
        last->n += n;
        last->n_pos += n;
        s->cells += n;
        return WN_OK;
    }
    return add_item(s, &(struct wn_item){.first = done, .n = n, .n_pos = n});
fail:
    return err;
}

/* A subtitle on one line: it is text between frames, not a document. */
static int add_cue(struct writer *w, const char *text)
{
    char *line = wn_strdup(text);
    int err = line ? WN_OK : WN_ERR_NOMEM;

    for (char *c = line; c && *c; c++)
        if ((unsigned char)*c < 0x20)
            *c = ' ';
    if (line && line[strspn(line, " ")])
        err = wn_run_plain(&w->run, line);
    free(line);
    return err;
}

static int add_cues(struct writer *w, double until)
{
    int err = WN_OK;

    for (; !err && w->cue < w->prompt->n_cues; w->cue++) {
        const struct wn_cue *cue = &w->prompt->cues[w->cue];
        if (cue->start > until)
            break;
        if (cue->text)
            err = add_cue(w, cue->text);
    }
    return err;
}

static int add_label(struct writer *w, const struct wn_row_frame *frame)
{
    const char *format = w->prompt->label;

    w->shown++;
    if (!format || !format[0])
        return WN_OK;
    char *label = wn_llm_label(format, w->prompt->from_one ? w->shown : frame->index + 1,
                               frame->time);
    const int err = label ? wn_run_plain(&w->run, label) : WN_ERR_NOMEM;
    free(label);
    return err;
}

static int add_rows(struct writer *w, const struct wn_rows *rows, const int32_t *order, int32_t n,
                    const struct wn_layout *layout, const struct wn_layout_part *part)
{
    struct wn_script *s = w->script;
    const struct wn_item item = {
        .rows = rows, .layout = layout, .first = s->order.n, .n = n,
        .n_pos = part && layout->mpos ? part->n_pos : n,
        .non_causal = part && part->non_causal,
        .whole = !part || n == part->n_rows,
    };
    int err;

    if (item.non_causal)
        s->widest = WN_MAX(s->widest, n);
    TRY(wn_ids_add(&s->order, order, n));
    TRY(add_item(s, &item));
fail:
    return err;
}

struct by_cell {
    int32_t cell, row;
};

static int compare_cells(const void *a, const void *b)
{
    const struct by_cell *x = a, *y = b;

    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* The rows of frame f by cell, ties by number. */
static int sort_rows(const struct wn_rows *rows, int32_t f, struct by_cell **out)
{
    const int32_t first = rows->frame_ptr[f], n = rows->frame_ptr[f + 1] - first;
    struct by_cell *sorted = wn_calloc((size_t)n, sizeof(*sorted));

    if (!sorted)
        return WN_ERR_NOMEM;
    for (int32_t i = 0; i < n; i++)
        sorted[i] = (struct by_cell){rows->cell[first + i], first + i};
    qsort(sorted, (size_t)n, sizeof(*sorted), compare_cells);
    *out = sorted;
    return WN_OK;
}

static int add_parts(struct writer *w, const struct wn_rows *rows, const struct wn_layout *layout,
                     const struct by_cell *sorted, int32_t n)
{
    int32_t *order = wn_calloc((size_t)n, sizeof(*order));
    int32_t at = 0;
    int err = order ? WN_OK : WN_ERR_NOMEM;

    for (int32_t i = 0; order && i < n; i++)
        order[i] = sorted[i].row;
    for (int32_t p = 0; !err && layout && p < layout->n_parts; p++) {
        const struct wn_layout_part *part = &layout->parts[p];
        int32_t m = 0;
        while (at + m < n && sorted[at + m].cell < part->row0 + part->n_rows)
            m++;
        TRY(close_text(w));
        TRY(wn_ids_add(&w->script->ids, part->tokens, part->n_tokens));
        TRY(close_text(w));
        if (m)
            TRY(add_rows(w, rows, order + at, m, layout, part));
        at += m;
    }
    if (!err && at < n) { /* no layout: rows came from somewhere else than an encoder */
        TRY(close_text(w));
        TRY(add_rows(w, rows, order + at, n - at, layout, NULL));
    }
fail:
    free(order);
    return err;
}

static int add_frame(struct writer *w, const struct wn_rows *rows, int32_t f)
{
    const int32_t n = rows->frame_ptr[f + 1] - rows->frame_ptr[f];
    struct by_cell *sorted = NULL;
    int err;

    if (!n)
        return WN_OK;
    TRY(add_cues(w, rows->frames[f].time));
    TRY(add_label(w, &rows->frames[f]));
    TRY(sort_rows(rows, f, &sorted));
    TRY(add_parts(w, rows, rows->frames[f].layout, sorted, n));
fail:
    free(sorted);
    return err;
}

static int check_rows(const struct wn_llm *llm, const struct wn_rows *rows)
{
    if (rows->dim != llm->info.dim)
        return wn_fail(llm->log, WN_ERR_ARG, "rows of width %d do not fit this language model, "
                       "which takes rows of width %d", rows->dim, llm->info.dim);
    for (int32_t f = 0; f < rows->n_frames; f++) {
        const struct wn_layout *layout = rows->frames[f].layout;
        for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++) {
            if (layout && (rows->cell[i] < 0 || rows->cell[i] >= layout->n_rows))
                return wn_fail(llm->log, WN_ERR_ARG, "row %d of a segment stands for cell %d of "
                               "%d", i, rows->cell[i], layout->n_rows);
            const float *x = rows->data + (size_t)i * (size_t)rows->dim;
            float sum = 0;
            for (int32_t c = 0; c < rows->dim; c++)
                sum += x[c] * 0.0f; /* NaN when any is not finite */
            if (sum != 0.0f)
                return wn_fail(llm->log, WN_ERR_DATA, "row %d of frame %d is not finite", i,
                               rows->frames[f].index);
        }
    }
    return WN_OK;
}

static int write_before(struct writer *w)
{
    const struct wn_template *t = &w->llm->tmpl;
    const char *system = w->prompt->system;
    int err;

    if (system && system[0] && t->system[0]) {
        TRY(wn_run_template(&w->run, t->system[0]));
        TRY(wn_run_plain(&w->run, system));
        TRY(wn_run_template(&w->run, t->system[1]));
    } else {
        TRY(wn_run_template(&w->run, t->before));
    }
fail:
    return err;
}

static int write_all(struct writer *w)
{
    const struct wn_prompt *p = w->prompt;
    const struct wn_template *t = &w->llm->tmpl;
    const bool system = p->system && p->system[0];
    int err;

    if (system && !t->system[0])
        wn_say(w->llm->log, WN_LOG_WARN, "this model's chat template has no place for a system "
               "message, so it is left out");
    TRY(write_before(w));
    if (p->lead && *p->lead)
        TRY(wn_run_plain(&w->run, p->lead));
    for (int s = 0; s < p->n_segments; s++) {
        TRY(check_rows(w->llm, p->segments[s]));
        for (int32_t f = 0; f < p->segments[s]->n_frames; f++)
            TRY(add_frame(w, p->segments[s], f));
    }
    TRY(add_cues(w, INFINITY));
    TRY(wn_run_plain(&w->run, p->question ? p->question : ""));
    TRY(wn_run_template(&w->run, system && t->system[0] ? t->system[2] : t->after));
    TRY(close_text(w));
fail:
    return err;
}

int wn_script_make(struct wn_script *out, struct wn_llm *llm, const struct wn_prompt *prompt)
{
    struct wn_script s = {.kept = prompt->kept};
    struct writer w = {.llm = llm, .prompt = prompt, .script = &s,
                       .run = {.vocab = &llm->vocab, .out = &s.ids}};
    int err = write_all(&w);

    wn_run_finish(&w.run);
    for (int32_t i = 0; i < s.n; i++)
        s.end += s.item[i].n_pos;
    if (err == WN_ERR_NOMEM)
        wn_nomem(llm->log, "the prompt");
    if (err == WN_ERR_LIMIT)
        wn_fail(llm->log, err, "the text of the prompt is too long");
    if (err < 0) {
        wn_script_finish(&s);
        return err;
    }
    *out = s;
    return WN_OK;
}

void wn_script_finish(struct wn_script *script)
{
    free(script->ids.id);
    free(script->order.id);
    free(script->item);
    *script = (struct wn_script){0};
}
