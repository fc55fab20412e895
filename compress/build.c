/* SPDX-License-Identifier: MIT */
#include "build.h"

#include <stdlib.h>
#include <string.h>

#include "products.h"

/* ---- tables and lists ---- */

wn_buf wn_build_ints(struct wn_build *b, const char *name, const int32_t *v, int64_t n)
{
    return wn_plan_owned(b->plan, name, v, n);
}

/* What the host knows of an owned buffer; NULL after a failure. */
static const int32_t *owned(const struct wn_build *b, wn_buf buf)
{
    int n;
    const struct wn_plan_buffer *buffers = wn_plan_buffers(b->plan, &n);

    return buf < 0 || buf >= n ? NULL : buffers[buf].own;
}

int32_t *wn_build_scratch(struct wn_build *b, int64_t n)
{
    int32_t *v = wn_calloc((size_t)n, sizeof(*v));

    if (!v)
        wn_plan_fail(b->plan, WN_ERR_NOMEM, "out of memory for %s", b->filter);
    return v;
}

const int32_t *wn_build_keep_ints(struct wn_build *b, const int32_t *v, int64_t n)
{
    return owned(b, wn_build_ints(b, "host", v, n));
}

wn_buf wn_build_table(struct wn_build *b, int32_t (*stay)(int32_t m, const void *arg),
                      const void *arg)
{
    int32_t *v = wn_build_scratch(b, (int64_t)b->in.n + 1);
    wn_buf table;

    for (int32_t m = 0; v && m <= b->in.n; m++)
        v[m] = stay(m, arg);
    table = wn_build_ints(b, "table", v, (int64_t)b->in.n + 1);
    free(v);
    return table;
}

static int32_t stay_keep(int32_t m, const void *arg)
{
    return wn_keep(*(const double *)arg, m);
}

wn_buf wn_build_keep_table(struct wn_build *b, double keep)
{
    return wn_build_table(b, stay_keep, &keep);
}

/* Of all rows as one segment. */
static int32_t total_count(const struct wn_build *b, wn_buf table)
{
    const int32_t *stay = owned(b, table);

    return stay && b->in.count ? WN_MIN(stay[b->in.n], b->in.n) : b->in.n;
}

const int32_t *wn_build_counts(struct wn_build *b, wn_buf table, const int32_t *mode,
                               int32_t *n_out)
{
    const int32_t *stay = owned(b, table), *kept;
    int32_t total = 0;

    *n_out = b->in.n;
    if (!stay || !b->in.count)
        return NULL;
    int32_t *count = wn_build_scratch(b, b->in.n_frames);
    for (int32_t f = 0; count && f < b->in.n_frames; f++) {
        const int32_t m = b->in.count[f], how = mode ? mode[f] : 0;
        count[f] = how > 0 ? m : how < 0 ? 0 : WN_MIN(stay[m], m);
        total += count[f];
    }
    kept = count ? wn_build_keep_ints(b, count, b->in.n_frames) : NULL;
    if (kept)
        *n_out = total;
    free(count);
    return kept;
}

wn_buf wn_build_fill(struct wn_build *b, int32_t value)
{
    return wn_build_mix(b, b->in.cell, 0, b->in.cell, 0, value, false);
}

/* Where the table of frame f's layout begins: frames of one layout share it. */
static int32_t layout_at(const struct wn_rows *rows, int32_t f, int32_t *at, int32_t end)
{
    for (int32_t g = f - 1; g >= 0; g--) {
        if (rows->frames[g].layout == rows->frames[f].layout) {
            at[f] = at[g];
            return end;
        }
    }
    at[f] = end;
    return end + rows->frames[f].layout->n_rows;
}

wn_buf wn_build_lookup(struct wn_build *b,
                       int32_t (*value)(const struct wn_layout *layout, int32_t cell, void *arg),
                       void *arg)
{
    const int32_t n_frames = b->in.n_frames;
    int32_t *at = wn_build_scratch(b, n_frames), *table = NULL, size = 0;
    wn_buf y = WN_NONE;

    for (int32_t f = 0; at && f < n_frames; f++)
        size = layout_at(b->rows, f, at, size);
    table = at ? wn_build_scratch(b, size) : NULL;
    for (int32_t f = 0, end = 0; table && f < n_frames; f++) {
        const struct wn_layout *layout = b->rows->frames[f].layout;
        if (at[f] < end)
            continue;
        for (int32_t c = 0; c < layout->n_rows; c++)
            table[at[f] + c] = value(layout, c, arg);
        end = at[f] + layout->n_rows;
    }
    if (table) {
        y = wn_plan_temp(b->plan, "of cell", b->in.n);
        WN_CALL(b, lookup, (&(struct wn_lookup_params){b->in.n, n_frames}), b->in.cell, b->in.ptr,
                wn_build_ints(b, "at", at, n_frames), wn_build_ints(b, "table", table, size), y);
    }
    free(at);
    free(table);
    return y;
}

wn_buf wn_build_mix(struct wn_build *b, wn_buf x, int32_t a, wn_buf z, int32_t b_z, int32_t c,
                    bool as_float)
{
    const wn_buf y = wn_plan_temp(b->plan, "mix", b->in.n);
    const struct wn_mix_params p = {
        .n = b->in.n,
        .n_frames = b->in.n_frames,
        .a = a,
        .b = b_z,
        .c = c,
        .as_float = as_float,
    };

    WN_CALL(b, mix, &p, x, z, b->in.ptr, y);
    return y;
}

wn_buf wn_build_ends(struct wn_build *b, wn_buf ptr)
{
    const int32_t ends[2] = {0, b->in.n_frames}, two = 2;
    const wn_buf whole = wn_plan_temp(b->plan, "whole ptr", 2);

    WN_CALL(b, take, (&(struct wn_take_params){.n = 2, .n_frames = 0, .width = 1}), ptr,
            wn_build_ints(b, "ends", ends, 2), wn_build_ints(b, "two", &two, 1), whole);
    return whole;
}

wn_buf wn_build_whole_ptr(struct wn_build *b)
{
    return wn_build_ends(b, b->in.ptr);
}

wn_buf wn_build_pair_cos(struct wn_build *b, const int32_t *ref, float offset, float scale,
                         float none)
{
    const wn_buf mate = wn_plan_temp(b->plan, "mate", b->in.n);
    const wn_buf y = wn_plan_temp(b->plan, "cosine", b->in.n);
    const struct wn_pair_cos_params p = {
        .n = b->in.n,
        .n_frames = b->in.n_frames,
        .dim = b->in.dim,
        .offset = offset,
        .scale = scale,
        .none = none,
    };

    WN_CALL(b, pair, (&(struct wn_pair_params){b->in.n, b->in.n_frames}), b->in.cell, b->in.ptr,
            wn_build_ints(b, "ref", ref, b->in.n_frames), mate);
    WN_CALL(b, pair_cos, &p, b->in.data, mate, b->in.ptr, y);
    return y;
}

int32_t wn_build_most(const struct wn_build *b)
{
    int32_t most = 1;

    for (int32_t f = 0; f < b->in.n_frames; f++)
        most = WN_MAX(most, b->in.count  ? b->in.count[f]
                            : b->in.most ? b->in.most : b->rows->frames[f].layout->n_rows);
    return WN_MIN(most, WN_MAX(b->in.n, 1));
}

wn_buf wn_build_unit(struct wn_build *b, wn_buf x, int32_t dim)
{
    const wn_buf unit = wn_plan_temp(b->plan, "unit rows", (int64_t)b->in.n * dim);

    WN_CALL(b, unit, (&(struct wn_unit_params){b->in.n, b->in.n_frames, dim}), x, b->in.ptr, unit);
    return unit;
}

/* Of every row with the rows of its frame: f32 [n][*width]. */
static wn_buf cosines(struct wn_build *b, int32_t *width)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames, dim = b->in.dim;

    *width = wn_build_most(b);
    const wn_buf unit = wn_build_unit(b, b->in.data, dim);
    const wn_buf cosine = wn_plan_temp(b->plan, "cosines", (int64_t)n * *width);
    const struct wn_gram_params p = {
        .n = n,
        .n_frames = n_frames,
        .dim = dim,
        .width = *width,
        .listed = WN_NONE,
        .runs = wn_gram_runs(n, *width),
    };
    WN_CALL(b, gram, &p, unit, b->in.ptr, cosine, b->in.ptr, b->in.ptr);
    return cosine;
}

wn_buf wn_build_likeness(struct wn_build *b, int32_t *width, int32_t *dim)
{
    const int32_t most = wn_build_most(b);
    const bool matrix = most <= b->limits.rows && (int64_t)b->in.n * most <= b->limits.elements;

    *dim = matrix ? 0 : b->in.dim;
    if (matrix)
        return cosines(b, width);
    *width = most;
    return wn_build_unit(b, b->in.data, b->in.dim);
}

wn_buf wn_build_zeros(struct wn_build *b, int64_t n)
{
    int32_t *zeros = wn_build_scratch(b, n);
    const wn_buf buf = zeros ? wn_build_ints(b, "zeros", zeros, n) : WN_NONE;

    free(zeros);
    return buf;
}

wn_buf wn_build_frame_numbers(struct wn_build *b)
{
    int32_t *id = wn_build_scratch(b, b->in.n_frames);
    wn_buf buf = WN_NONE;

    for (int32_t f = 0; id && f < b->in.n_frames; f++)
        id[f] = b->rows->frames[f].index;
    if (id)
        buf = wn_build_ints(b, "frame", id, b->in.n_frames);
    free(id);
    return buf;
}

wn_buf wn_build_rank(struct wn_build *b, wn_buf key)
{
    const wn_buf rank = wn_plan_temp(b->plan, "rank", b->in.n);
    const struct wn_rank_params p = {
        .n = b->in.n,
        .n_segments = b->in.n_frames,
        .descending = 1,
    };

    WN_CALL(b, rank, &p, key, b->in.ptr, rank);
    return rank;
}

wn_buf wn_build_frame_means(struct wn_build *b)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    const wn_buf mean = wn_plan_temp(b->plan, "frame means", (int64_t)n_frames * b->in.dim);
    float *share = (float *)wn_build_scratch(b, (int64_t)n + 1);

    for (int32_t m = 1; share && m <= n; m++)
        share[m] = 1.0f / (float)m;
    if (share)
        WN_CALL(b, average, (&(struct wn_average_params){n_frames, b->in.dim}), b->in.data,
                b->in.ptr, wn_plan_owned(b->plan, "share", share, (int64_t)n + 1), mean);
    free(share);
    return mean;
}

/* ---- rows in, rows out ---- */

int wn_build_next(struct wn_build *b)
{
    const int err = b->next ? b->next(b) : WN_ERR_ARG;

    b->in = b->out;
    b->base = b->w_ptr = b->w_idx = b->w = WN_NONE;
    return err;
}

static wn_buf take(struct wn_build *b, const char *name, wn_buf x, wn_buf idx, wn_buf out_ptr,
                   int32_t n_out, int32_t width)
{
    const struct wn_take_params p = {
        .n = n_out,
        .n_frames = b->in.n_frames,
        .width = width,
    };
    if (x == WN_NONE)
        return WN_NONE;
    const wn_buf y = wn_plan_temp(b->plan, name, (int64_t)n_out * width);

    WN_CALL(b, take, &p, x, idx, out_ptr, y);
    return y;
}

void wn_build_carry(struct wn_build *b, const struct wn_list *list, wn_buf out_ptr, wn_buf idx)
{
    const struct wn_view *in = &b->in;
    const struct wn_rows *r = b->rows;
    const int32_t n = list->n_out;

    b->base = idx;
    b->out = (struct wn_view){
        .n = n,
        .n_frames = in->n_frames,
        .dim = in->dim,
        .most = list->most ? list->most : wn_build_most(b),
        .mutual = WN_NONE,
        .ptr = out_ptr,
        .cell = take(b, "cell", in->cell, idx, out_ptr, n, 1),
        .data = WN_NONE,
        .score = take(b, "score", in->score, idx, out_ptr, n, 1),
        .attn = b->need_attn ? take(b, "attention", in->attn, idx, out_ptr, n,
                                    r->attn_layers * r->attn_heads) : WN_NONE,
        .keys = b->need_keys ? take(b, "keys", in->keys, idx, out_ptr, n,
                                    r->keys_layers * r->keys_heads * r->keys_dim) : WN_NONE,
        .size = take(b, "size", in->size, idx, out_ptr, n, 1),
        .logits = b->need_logits ? take(b, "logits", in->logits, idx, out_ptr, n, 1) : WN_NONE,
    };
    b->out.count = list->count;
}

/* The beginnings of frames of `parts` parts each. */
static wn_buf frames_of(struct wn_build *b, wn_buf parts_ptr, int32_t parts)
{
    const int32_t n = b->in.n_frames + 1;
    int32_t *at = wn_build_scratch(b, n);
    const wn_buf ptr = wn_plan_temp(b->plan, "ptr", n);

    for (int32_t f = 0; at && f < n; f++)
        at[f] = f * parts;
    if (at)
        WN_CALL(b, take, (&(struct wn_take_params){.n = n, .n_frames = 0, .width = 1}), parts_ptr,
                wn_build_ints(b, "frames", at, n), wn_build_ints(b, "n", &n, 1), ptr);
    free(at);
    return ptr;
}

wn_buf wn_build_list(struct wn_build *b, const struct wn_list *list)
{
    const bool ranked = list->rank != WN_NONE;
    const int32_t parts = list->parts ? list->parts : 1, segments = parts * b->in.n_frames;
    const wn_buf in_ptr = list->parts ? list->ptr : b->in.ptr;
    const wn_buf idx = wn_plan_temp(b->plan, "kept", b->in.n);
    const wn_buf out_ptr = wn_plan_temp(b->plan, "ptr", (int64_t)segments + 1);
    const struct wn_compact_params p = {
        .n = b->in.n,
        .n_frames = segments,
        .by_rank = ranked,
    };

    WN_CALL(b, compact, &p, list->keep, ranked ? list->rank : list->keep,
            ranked ? list->mode : in_ptr, in_ptr, idx, out_ptr);
    if (list->out_ptr)
        *list->out_ptr = out_ptr;
    wn_build_carry(b, list, parts > 1 ? frames_of(b, out_ptr, parts) : out_ptr, idx);
    return idx;
}

void wn_build_compact(struct wn_build *b, const struct wn_list *list)
{
    const wn_buf idx = wn_build_list(b, list);

    b->out.data = take(b, "data", b->in.data, idx, b->out.ptr, list->n_out, b->in.dim);
}

void wn_build_repeat(struct wn_build *b, int32_t parts, int32_t most, wn_buf *ptr)
{
    const int32_t n_frames = b->in.n_frames;
    struct wn_list list = {
        .n_out = b->in.n + WN_MIN(b->in.n, n_frames * most),
        .most = wn_build_most(b) + most,
    };
    const wn_buf idx = wn_plan_temp(b->plan, "twice", list.n_out);
    const wn_buf out = wn_plan_temp(b->plan, "parts", ((int64_t)parts + 1) * n_frames + 1);

    WN_CALL(b, repeat, (&(struct wn_repeat_params){n_frames, parts}), *ptr, idx, out);
    *ptr = out;
    wn_build_carry(b, &list, frames_of(b, out, parts + 1), idx);
    b->out.data = take(b, "data", b->in.data, idx, b->out.ptr, list.n_out, b->in.dim);
}

static wn_buf modes(struct wn_build *b, const int32_t *mode, int32_t segments)
{
    int32_t *zeros = mode ? NULL : wn_build_scratch(b, segments);
    const wn_buf buf = mode || zeros ? wn_build_ints(b, "mode", mode ? mode : zeros, segments)
                                     : WN_NONE;

    free(zeros);
    return buf;
}

wn_buf wn_build_cut(struct wn_build *b, const struct wn_select *s, wn_buf *rank_out, wn_buf *mode)
{
    const int32_t n = b->in.n, segments = s->global ? 1 : b->in.n_frames;
    const wn_buf ptr = s->global ? wn_build_whole_ptr(b) : b->in.ptr;
    const wn_buf rank = wn_plan_temp(b->plan, "rank", n), keep = wn_plan_temp(b->plan, "keep", n);
    const struct wn_rank_params p = {
        .n = n,
        .n_segments = segments,
        .descending = !s->ascending,
    };

    *rank_out = rank;
    *mode = modes(b, s->global ? NULL : s->mode, segments);
    WN_CALL(b, rank, &p, s->key, ptr, rank);
    WN_CALL(b, cut, (&(struct wn_cut_params){n, segments}), rank, ptr, s->table, *mode, keep);
    return keep;
}

void wn_build_select(struct wn_build *b, const struct wn_select *s)
{
    struct wn_list list = {.rank = WN_NONE};
    wn_buf rank, mode;

    list.keep = wn_build_cut(b, s, &rank, &mode);
    if (s->order == WN_BY_RANK) {
        list.rank = rank;
        list.mode = mode;
    }
    if (!s->global)
        list.count = wn_build_counts(b, s->table, s->mode, &list.n_out);
    else
        list.n_out = total_count(b, s->table);
    wn_build_compact(b, &list);
}

void wn_build_take_steps(struct wn_build *b, wn_buf rank, wn_buf table, bool paper)
{
    struct wn_list list = {
        .keep = wn_plan_temp(b->plan, "keep", b->in.n),
        .rank = paper ? rank : WN_NONE,
        .mode = modes(b, NULL, b->in.n_frames),
    };

    b->in.score = wn_build_mix(b, rank, -1, rank, 0, 0, true);
    WN_CALL(b, cut, (&(struct wn_cut_params){b->in.n, b->in.n_frames}), rank, b->in.ptr, table,
            list.mode, list.keep);
    list.count = wn_build_counts(b, table, NULL, &list.n_out);
    wn_build_compact(b, &list);
}
