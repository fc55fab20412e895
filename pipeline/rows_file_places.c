/* SPDX-License-Identifier: MIT */
/* How rows of a file stand in a prompt: parts of frames, and a position for each row that must be
 * the one a prompt gives it. */
#include "rows_file_places.h"

#include <stdlib.h>
#include <string.h>

#define MOST_POS (1 << 24)
#define MOST_PLACES (1 << 22) /* of all layouts of a file */

enum { FRAME, ROW0, N_ROWS, N_POS, NON_CAUSAL, N_TOKENS, WIDTH };

struct by_cell {
    int32_t cell, row;
};

struct placing {
    const struct wn_rows_tensors *f;
    bool mrope;
    int32_t n_vocab;
    int32_t row, part, glue;  /* the next ones */
    int32_t n, m, n_tokens;   /* rows, parts and tokens of this frame */
    int64_t pos;              /* where this frame begins */
    struct by_cell *sorted;   /* [n], rows of this frame */
    int32_t (*mpos)[4];       /* [n], likewise */
    struct wn_layout *layout; /* of the frame before, and which of its rows are known */
    bool *known;
    int64_t places;           /* of all layouts so far */
};

static int refuse_row(const struct placing *p, int32_t row, const char *what)
{
    return wn_fail(p->f->log, WN_ERR_DATA, "%s: row %d %s", p->f->name, row, what);
}

static int refuse_part(const struct placing *p, int32_t part, const char *what)
{
    return wn_fail(p->f->log, WN_ERR_DATA, "%s: part %d %s", p->f->name, part, what);
}

static int compare(const void *a, const void *b)
{
    const struct by_cell *x = a, *y = b;

    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* ---- parts ---- */

static int check_part(struct placing *p, int32_t frame, int32_t i, int32_t *end)
{
    const int32_t *part = p->f->part + (size_t)i * WIDTH;
    const int64_t rows = p->f->row0[frame + 1] - p->f->row0[frame];

    if (part[ROW0] < 0 || part[N_ROWS] < 0 || part[ROW0] > rows ||
        part[N_ROWS] > rows - part[ROW0] || (part[N_ROWS] && part[ROW0] < *end))
        return refuse_part(p, i, "lies outside its frame");
    if (part[N_POS] < 0 || part[N_POS] > MOST_POS)
        return refuse_part(p, i, "moves by no sensible number of positions");
    if (part[N_TOKENS] < 0 || part[N_TOKENS] > p->f->n_glue - p->glue - p->n_tokens)
        return refuse_part(p, i, "has tokens that are not there");
    for (int32_t k = 0; k < part[N_TOKENS]; k++) {
        const int32_t token = p->f->glue[p->glue + p->n_tokens + k];
        if (token < 0 || token >= p->n_vocab)
            return refuse_part(p, i, "has a token that this model does not know");
    }
    p->n_tokens += part[N_TOKENS];
    if (part[N_ROWS])
        *end = part[ROW0] + part[N_ROWS];
    return WN_OK;
}

/* Counts rows, parts and tokens of a frame. */
static int begin_frame(struct placing *p, int32_t frame)
{
    const struct wn_rows_tensors *f = p->f;
    int32_t end = 0;

    p->n = p->m = p->n_tokens = 0;
    while (p->row + p->n < f->n && f->frame[p->row + p->n] == frame)
        p->n++;
    for (; p->part + p->m < f->n_parts; p->m++) {
        const int32_t i = p->part + p->m;
        if (f->part[(size_t)i * WIDTH + FRAME] != frame)
            break;
        const int err = check_part(p, frame, i, &end);
        if (err)
            return err;
    }
    for (int32_t k = 0; k < p->n; k++)
        p->sorted[k] = (struct by_cell){f->cell[p->row + k], p->row + k};
    qsort(p->sorted, (size_t)p->n, sizeof(*p->sorted), compare);
    return WN_OK;
}

/* ---- positions ---- */

/* Rows `first` to `end` of the sorted ones, which begin at p->pos. */
static int check_positions(struct placing *p, int32_t first, int32_t end, int32_t n_pos)
{
    const struct wn_rows_tensors *f = p->f;

    for (int32_t k = first; k < end; k++) {
        const int32_t row = p->sorted[k].row;
        for (int s = 0; p->mrope && s < 4; s++) {
            const int64_t at = f->pos[(size_t)s * (size_t)f->n + (size_t)row] - p->pos;
            if (at < 0 || at > MOST_POS || (s == 0 && at >= WN_MAX(n_pos, 1)))
                return refuse_row(p, row, "stands outside the positions of its part");
            p->mpos[k][s] = (int32_t)at;
        }
        if (!p->mrope && f->pos[row] != p->pos + (k - first))
            return refuse_row(p, row, "does not stand right behind the one before");
    }
    if (end > first)
        p->pos += p->mrope ? n_pos : end - first;
    if (p->pos > INT32_MAX / 2)
        return refuse_row(p, p->sorted[first].row, "stands too far back");
    return WN_OK;
}

static int place_frame(struct placing *p)
{
    int32_t at = 0;

    for (int32_t i = p->part; i < p->part + p->m; i++) {
        const int32_t *part = p->f->part + (size_t)i * WIDTH;
        int32_t end = at;
        while (end < p->n && p->sorted[end].cell < part[ROW0] + part[N_ROWS])
            end++;
        const int err = check_positions(p, at, end, part[N_POS]);
        if (err)
            return err;
        at = end;
    }
    return at < p->n ? refuse_row(p, p->sorted[at].row, "belongs to no part") : WN_OK;
}

/* ---- layouts ---- */

static bool same_parts(const struct placing *p)
{
    const int32_t *token = p->f->glue + p->glue;

    if (p->layout->n_parts != p->m)
        return false;
    for (int32_t i = 0; i < p->m; i++) {
        const int32_t *part = p->f->part + (size_t)(p->part + i) * WIDTH;
        const struct wn_layout_part *old = &p->layout->parts[i];
        if (old->row0 != part[ROW0] || old->n_rows != part[N_ROWS] || old->n_pos != part[N_POS] ||
            old->non_causal != (part[NON_CAUSAL] != 0) || old->n_tokens != part[N_TOKENS] ||
            memcmp(old->tokens, token, (size_t)old->n_tokens * sizeof(*token)))
            return false;
        token += part[N_TOKENS];
    }
    return true;
}

static bool row_agrees(const struct placing *p, int32_t k)
{
    const struct wn_layout *l = p->layout;
    const int32_t cell = p->sorted[k].cell, row = p->sorted[k].row;

    return !p->known[cell] ||
           (l->pos[cell][0] == p->f->row[row] && l->pos[cell][1] == p->f->col[row] &&
            (!p->mrope || !memcmp(l->mpos[cell], p->mpos[k], sizeof(p->mpos[k]))));
}

static bool may_share(const struct placing *p, int32_t frame)
{
    const struct wn_layout *l = p->layout;
    const int32_t *grid = p->f->grid + 2 * (size_t)frame;

    if (!l || l->n_rows != p->f->row0[frame + 1] - p->f->row0[frame] || l->grid_h != grid[0] ||
        l->grid_w != grid[1] || !same_parts(p))
        return false;
    for (int32_t k = 0; k < p->n; k++)
        if (!row_agrees(p, k))
            return false;
    return true;
}

static int fill_parts(const struct placing *p, struct wn_layout *l)
{
    const int32_t *token = p->f->glue + p->glue;

    l->parts = wn_calloc((size_t)p->m, sizeof(*l->parts));
    if (!l->parts)
        return WN_ERR_NOMEM;
    for (int32_t i = 0; i < p->m; i++) {
        const int32_t *part = p->f->part + (size_t)(p->part + i) * WIDTH;
        const size_t n = (size_t)part[N_TOKENS];
        int32_t *tokens = wn_calloc(n, sizeof(*tokens));
        if (!tokens)
            return WN_ERR_NOMEM;
        memcpy(tokens, token, n * sizeof(*tokens));
        token += n;
        l->parts[l->n_parts++] = (struct wn_layout_part){
            .tokens = tokens,
            .n_tokens = part[N_TOKENS],
            .row0 = part[ROW0],
            .n_rows = part[N_ROWS],
            .n_pos = part[N_POS],
            .non_causal = part[NON_CAUSAL] != 0,
        };
    }
    return WN_OK;
}

static int new_layout(struct placing *p, int32_t frame)
{
    const struct wn_rows_tensors *f = p->f;
    struct wn_layout *l = wn_calloc(1, sizeof(*l));
    const size_t n = (size_t)(f->row0[frame + 1] - f->row0[frame]);
    bool *known = wn_calloc(n, sizeof(*known));

    p->places += (int64_t)n;
    if (p->places > MOST_PLACES) {
        free(l);
        free(known);
        return wn_fail(f->log, WN_ERR_LIMIT, "%s: frames of too many kinds, with more than %d rows",
                       f->name, MOST_PLACES);
    }
    if (l) {
        atomic_init(&l->refs, 1);
        l->n_rows = (int32_t)n;
        l->grid_h = f->grid[2 * (size_t)frame];
        l->grid_w = f->grid[2 * (size_t)frame + 1];
        l->pos = wn_calloc(n, sizeof(*l->pos));
        l->mpos = p->mrope ? wn_calloc(n, sizeof(*l->mpos)) : NULL;
    }
    if (!l || !known || !l->pos || (p->mrope && !l->mpos) || fill_parts(p, l)) {
        free(known);
        wn_layout_unref(&l);
        return wn_nomem(f->log, "the frames of rows");
    }
    memset(l->pos, 0xFF, n * sizeof(*l->pos)); /* -1, -1: nobody knows */
    wn_layout_unref(&p->layout);
    free(p->known);
    p->layout = l;
    p->known = known;
    return WN_OK;
}

/* The layout of the frame before where it fits, and what this frame tells of it. */
static int give_layout(struct placing *p, int32_t frame, struct wn_layout **out)
{
    int err = may_share(p, frame) ? WN_OK : new_layout(p, frame);

    for (int32_t k = 0; !err && k < p->n; k++) {
        const int32_t cell = p->sorted[k].cell, row = p->sorted[k].row;
        if (!row_agrees(p, k))
            err = refuse_row(p, row, "stands elsewhere than another for the same place");
        p->layout->pos[cell][0] = p->f->row[row];
        p->layout->pos[cell][1] = p->f->col[row];
        if (p->mrope)
            memcpy(p->layout->mpos[cell], p->mpos[k], sizeof(p->mpos[k]));
        p->known[cell] = true;
    }
    *out = err ? NULL : wn_layout_ref(p->layout);
    return err;
}

int wn_rows_places(const struct wn_rows_tensors *f, int32_t n_vocab, bool mrope,
                   struct wn_layout ***out)
{
    struct placing p = {.f = f, .mrope = mrope, .n_vocab = n_vocab};
    struct wn_layout **layouts = wn_calloc((size_t)f->n_frames, sizeof(struct wn_layout *));
    int err;

    p.sorted = wn_calloc((size_t)f->n, sizeof(*p.sorted));
    p.mpos = wn_calloc((size_t)f->n, sizeof(*p.mpos));
    *out = layouts;
    TRY(layouts && p.sorted && p.mpos ? WN_OK : wn_nomem(f->log, "the frames of rows"));
    for (int32_t i = 0; i < f->n_frames; i++) {
        TRY(begin_frame(&p, i));
        TRY(place_frame(&p));
        TRY(give_layout(&p, i, &layouts[i]));
        p.row += p.n;
        p.part += p.m;
        p.glue += p.n_tokens;
    }
    if (p.part < f->n_parts || p.glue < f->n_glue)
        err = wn_fail(f->log, WN_ERR_DATA, "%s: parts are of no frame, or out of order", f->name);
fail:
    wn_layout_unref(&p.layout);
    free(p.known);
    free(p.sorted);
    free(p.mpos);
    return err;
}
