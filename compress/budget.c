/* SPDX-License-Identifier: MIT */
#include "../pipeline/compressor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "segment_plan.h"

/* Rows are named by segment and by their place in it when it came, so that names stay when a
 * segment's arrays shrink. */
struct seg {
    struct wn_rows *rows;
    int64_t first;       /* its first row's number among all that came */
    int32_t live;
    bool *dead;          /* [rows when it came] */
    int32_t n_frames;    /* when it came */
    int32_t *frame_ptr;  /* [n_frames + 1] likewise */
    int32_t *left;       /* [n_frames] live rows */
    int64_t *label;      /* [n_frames] cells that the frame costs while it has a row */
    int32_t *name;       /* [rows->n] of the rows that are still in the arrays */
};

/* Worst first. Without scores, and between equal ones, `even` decides: multiples of the golden
 * ratio modulo 1 keep whatever is left of them spread evenly. */
struct entry {
    float score;
    uint32_t even;
    int32_t seg, row;
};

struct wn_budget {
    struct wn_budget_params p;
    struct seg *seg;
    int32_t n_segs, next;
    int64_t n_came, cost;
    int32_t floor; /* falls when the floors of all segments together do not fit */
    struct entry *heap;
    int64_t n_heap, max_heap;
};

int wn_budget_create(struct wn_budget **out, const struct wn_budget_params *params)
{
    struct wn_budget *b = wn_calloc(1, sizeof(*b));

    if (!b)
        return wn_nomem(params->log, "the budget");
    b->p = *params;
    b->floor = params->floor;
    *out = b;
    return WN_OK;
}

static void finish_seg(struct seg *s)
{
    wn_rows_destroy(&s->rows);
    free(s->dead);
    free(s->frame_ptr);
    free(s->left);
    free(s->label);
    free(s->name);
    *s = (struct seg){0};
}

void wn_budget_destroy(struct wn_budget **budget)
{
    struct wn_budget *b = *budget;

    if (!b)
        return;
    for (int32_t i = 0; i < b->n_segs; i++)
        finish_seg(&b->seg[i]);
    free(b->seg);
    free(b->heap);
    free(b);
    *budget = NULL;
}

/* ---- a heap of rows, the worst on top ---- */

static bool worse(const struct entry *x, const struct entry *y)
{
    if (x->score != y->score)
        return x->score < y->score;
    if (x->even != y->even)
        return x->even < y->even;
    return x->seg != y->seg ? x->seg > y->seg : x->row > y->row;
}

static void push(struct wn_budget *b, struct entry e)
{
    int64_t i = b->n_heap++;

    while (i > 0 && worse(&e, &b->heap[(i - 1) / 2])) {
        b->heap[i] = b->heap[(i - 1) / 2];
        i = (i - 1) / 2;
    }
    b->heap[i] = e;
}

static struct entry pop(struct wn_budget *b)
{
    const struct entry top = b->heap[0], e = b->heap[--b->n_heap];
    int64_t i = 0;

    for (;;) {
        int64_t child = 2 * i + 1;
        if (child + 1 < b->n_heap && worse(&b->heap[child + 1], &b->heap[child]))
            child++;
        if (child >= b->n_heap || !worse(&b->heap[child], &e))
            break;
        b->heap[i] = b->heap[child];
        i = child;
    }
    b->heap[i] = e;
    return top;
}

static void push_rows(struct wn_budget *b, int32_t at)
{
    const struct seg *s = &b->seg[at];

    for (int32_t i = 0; i < s->rows->n; i++) {
        const int32_t row = s->name[i];
        if (s->dead[row])
            continue;
        push(b, (struct entry){
            .score = s->rows->score ? s->rows->score[i] : 0,
            .even = (uint32_t)(s->first + row) * 2654435769u,
            .seg = at,
            .row = row,
        });
    }
}

static int make_room(struct wn_budget *b, int64_t n)
{
    if (n <= b->max_heap)
        return WN_OK;
    struct entry *heap = wn_regrow(b->heap, (size_t)n * 2, sizeof(*heap));
    if (!heap)
        return wn_nomem(b->p.log, "the budget");
    b->heap = heap;
    b->max_heap = n * 2;
    return WN_OK;
}

/* ---- shrinking a segment's arrays ---- */

static void move_floats(float *x, const int32_t *idx, int32_t n, int32_t width)
{
    for (int32_t i = 0; x && i < n; i++) {
        if (idx[i] != i)
            memmove(x + (size_t)i * (size_t)width, x + (size_t)idx[i] * (size_t)width,
                    (size_t)width * sizeof(*x));
    }
}

static int subset_sources(struct wn_sources *w, const int32_t *idx, int32_t n, int32_t n_before)
{
    int32_t at = 0;

    if (!w->ptr) {
        *w = (struct wn_sources){
            .n = n_before,
            .n_src = n_before,
            .ptr = wn_calloc((size_t)n_before + 1, sizeof(*w->ptr)),
            .idx = wn_calloc((size_t)n_before, sizeof(*w->idx)),
            .weight = wn_calloc((size_t)n_before, sizeof(*w->weight)),
            .linear = true,
        };
        if (!w->ptr || !w->idx || !w->weight) {
            wn_sources_finish(w);
            return WN_ERR_NOMEM;
        }
        for (int32_t i = 0; i < n_before; i++) {
            w->ptr[i + 1] = i + 1;
            w->idx[i] = i;
            w->weight[i] = 1;
        }
    }
    for (int32_t i = 0; i < n; i++) {
        const int32_t from = w->ptr[idx[i]], end = w->ptr[idx[i] + 1];
        w->ptr[i] = at;
        for (int32_t k = from; k < end; k++, at++) {
            w->idx[at] = w->idx[k];
            w->weight[at] = w->weight[k];
        }
    }
    w->ptr[n] = at;
    w->n = n;
    return WN_OK;
}

static void cut(void *array, size_t bytes)
{
    void **p = array;
    void *shorter = *p && bytes ? realloc(*p, bytes) : NULL;

    if (shorter)
        *p = shorter;
}

/* Drops dead rows from the arrays. */
static int shrink(struct wn_budget *b, struct seg *s)
{
    struct wn_rows *r = s->rows;
    int32_t *idx = wn_calloc((size_t)r->n, sizeof(*idx)), n = 0;

    if (!idx)
        return wn_nomem(b->p.log, "the budget");
    for (int32_t f = 0; f < r->n_frames; f++) {
        const int32_t begin = r->frame_ptr[f];
        r->frame_ptr[f] = n;
        for (int32_t i = begin; i < r->frame_ptr[f + 1]; i++) {
            if (!s->dead[s->name[i]])
                idx[n++] = i;
        }
    }
    r->frame_ptr[r->n_frames] = n;
    if (subset_sources(&r->w, idx, n, r->n) < 0) {
        free(idx);
        return wn_nomem(b->p.log, "the budget");
    }
    move_floats(r->data, idx, n, r->dim);
    move_floats(r->score, idx, n, 1);
    move_floats(r->size, idx, n, 1);
    for (int32_t i = 0; i < n; i++) {
        r->cell[i] = r->cell[idx[i]];
        s->name[i] = s->name[idx[i]];
    }
    r->n = n;
    cut(&r->data, (size_t)n * (size_t)r->dim * sizeof(*r->data));
    wn_rows_drop_frames(r);
    free(idx);
    return WN_OK;
}

/* ---- adding and evicting ---- */

static int32_t frame_of(const struct seg *s, int32_t row)
{
    int32_t low = 0, high = s->n_frames - 1;

    while (low < high) {
        const int32_t mid = low + (high - low + 1) / 2;
        if (s->frame_ptr[mid] <= row)
            low = mid;
        else
            high = mid - 1;
    }
    return low;
}

static void kill_row(struct wn_budget *b, struct seg *s, int32_t f, int32_t row)
{
    s->dead[row] = true;
    s->live--;
    b->cost--;
    if (--s->left[f] == 0)
        b->cost -= s->label[f];
}

/* Without scores a frame that is left with fewer rows than its label costs goes as a whole: evenly
 * thinned frames would else end as labels alone. */
static void evict(struct wn_budget *b, struct seg *s, int32_t row)
{
    const int32_t f = frame_of(s, row);

    if (!s->rows->score && s->left[f] <= s->label[f] && s->live - s->left[f] >= b->floor) {
        for (int32_t i = s->frame_ptr[f]; i < s->frame_ptr[f + 1]; i++) {
            if (!s->dead[i])
                kill_row(b, s, f, i);
        }
    } else {
        kill_row(b, s, f, row);
    }
}

/* Rows of a segment that is down to the floor leave the heap: nothing there can go, until the floor
 * itself falls, which brings all rows back. */
static void fit(struct wn_budget *b)
{
    while (b->cost > b->p.cells) {
        if (!b->n_heap) {
            if (!b->floor)
                break;
            b->floor /= 2;
            for (int32_t i = 0; i < b->n_segs; i++)
                push_rows(b, i);
            continue;
        }
        const struct entry e = pop(b);
        struct seg *s = &b->seg[e.seg];
        if (!s->dead[e.row] && s->live > b->floor)
            evict(b, s, e.row);
    }
}

static int begin_seg(struct wn_budget *b, struct seg *s)
{
    const struct wn_rows *r = s->rows;

    wn_rows_drop_taps(s->rows);
    s->live = r->n;
    s->n_frames = r->n_frames;
    s->first = b->n_came;
    s->dead = wn_calloc((size_t)r->n, sizeof(*s->dead));
    s->name = wn_calloc((size_t)r->n, sizeof(*s->name));
    s->frame_ptr = wn_calloc((size_t)r->n_frames + 1, sizeof(*s->frame_ptr));
    s->left = wn_calloc((size_t)r->n_frames, sizeof(*s->left));
    s->label = wn_calloc((size_t)r->n_frames, sizeof(*s->label));
    if (!s->dead || !s->name || !s->frame_ptr || !s->left || !s->label)
        return wn_nomem(b->p.log, "the budget");
    for (int32_t i = 0; i < r->n; i++)
        s->name[i] = i;
    for (int32_t f = 0; f < r->n_frames; f++) {
        s->frame_ptr[f + 1] = r->frame_ptr[f + 1];
        s->left[f] = r->frame_ptr[f + 1] - r->frame_ptr[f];
        if (b->p.frame_cells)
            s->label[f] = b->p.frame_cells(b->p.arg, &r->frames[f]);
        if (s->left[f])
            b->cost += s->label[f];
    }
    b->cost += r->n;
    b->n_came += r->n;
    return WN_OK;
}

/* Takes *rows, also on failure. */
static int append_seg(struct wn_budget *b, struct wn_rows **rows)
{
    struct seg s = {.rows = *rows};
    struct seg *list = wn_regrow(b->seg, (size_t)b->n_segs + 1, sizeof(*list));
    int err;

    *rows = NULL;
    if (list)
        b->seg = list;
    err = list ? begin_seg(b, &s) : wn_nomem(b->p.log, "the budget");
    if (err < 0)
        finish_seg(&s);
    else
        b->seg[b->n_segs++] = s;
    return err;
}

int wn_budget_add(struct wn_budget *b, struct wn_rows **rows)
{
    int64_t live = 0;
    int err;

    assert(!b->next);
    TRY(append_seg(b, rows));
    /* All rows can be in the heap at once, the dead ones that were not popped yet too. */
    for (int32_t i = 0; i < b->n_segs; i++)
        live += b->seg[i].live;
    TRY(make_room(b, b->n_heap + live));
    push_rows(b, b->n_segs - 1);
    fit(b);
    for (int32_t i = 0; i < b->n_segs; i++) {
        const int32_t held = b->seg[i].rows->n;
        if ((held - b->seg[i].live) * 4 > held)
            TRY(shrink(b, &b->seg[i]));
    }
    return WN_OK;
fail:
    return err;
}

int wn_budget_take(struct wn_budget *b, struct wn_rows **out)
{
    if (b->next >= b->n_segs)
        return WN_EOF;
    struct seg *s = &b->seg[b->next];
    const int err = s->live < s->rows->n ? shrink(b, s) : WN_OK;

    if (err < 0)
        return err;
    b->next++;
    *out = s->rows;
    s->rows = NULL;
    finish_seg(s);
    return WN_OK;
}
