/* SPDX-License-Identifier: MIT */
#include "parts.h"

#include <math.h>
#include <stdlib.h>

int32_t *wn_kv_scratch(struct wn_kv *b, int64_t n)
{
    int32_t *v = wn_calloc((size_t)WN_MAX(n, 1), sizeof(*v));

    if (!v)
        wn_plan_fail(b->plan, WN_ERR_NOMEM, "out of memory");
    return v;
}

wn_buf wn_kv_ptr(struct wn_kv *b, int32_t n, int32_t step)
{
    int32_t *v = wn_kv_scratch(b, (int64_t)n + 1);
    wn_buf buf = WN_NONE;

    for (int32_t i = 0; v && i <= n; i++)
        v[i] = i * step;
    if (v)
        buf = wn_plan_owned(b->plan, "ptr", v, (int64_t)n + 1);
    free(v);
    return buf;
}

wn_buf wn_kv_table(struct wn_kv *b, int32_t n, int32_t (*value)(int32_t i, const void *arg),
                   const void *arg)
{
    int32_t *v = wn_kv_scratch(b, n);
    wn_buf buf = WN_NONE;

    for (int32_t i = 0; v && i < n; i++)
        v[i] = value(i, arg);
    if (v)
        buf = wn_plan_owned(b->plan, "table", v, n);
    free(v);
    return buf;
}

static int32_t rest_of(int32_t i, const void *size)
{
    return i % *(const int32_t *)size;
}

wn_buf wn_kv_repeat(struct wn_kv *b, int32_t n, int32_t size)
{
    return wn_kv_table(b, n, rest_of, &size);
}

/* ---- attention ---- */

static bool check(struct wn_kv *b, const struct wn_attend *a)
{
    if (a->k.heads < 1 || a->q.heads < 1 || a->q.heads % a->k.heads || a->q.dim != a->k.dim ||
        a->q.dim < 1 || a->first < 0 || a->n_queries < 1 || a->first + a->n_queries > a->q.n ||
        a->k.n < 1) {
        wn_plan_fail(b->plan, WN_ERR_ARG,
                     "attention of queries %d to %d of %d, %d heads of %d, over %d keys, %d heads "
                     "of %d", (int)a->first, (int)(a->first + a->n_queries), (int)a->q.n,
                     (int)a->q.heads, (int)a->q.dim, (int)a->k.n, (int)a->k.heads, (int)a->k.dim);
        return false;
    }
    return true;
}

wn_buf wn_kv_logits(struct wn_kv *b, const struct wn_attend *a)
{
    if (!check(b, a))
        return WN_NONE;
    const wn_buf y = wn_plan_temp(b->plan, "logits",
                                  (int64_t)a->q.heads * a->n_queries * a->k.n);
    const struct wn_logits_params p = {
        .n_heads = a->q.heads,
        .group = a->q.heads / a->k.heads,
        .n_queries = a->n_queries,
        .first = a->first,
        .q_stride = a->q.n,
        .n_keys = a->k.n,
        .k_stride = a->k.n,
        .dim = a->q.dim,
        .scale = a->scale != 0 ? a->scale : (float)(1 / sqrt(a->q.dim)),
    };
    WN_CALL(b, logits, &p, a->q.data, a->k.data, y);
    return y;
}

wn_buf wn_kv_soft(struct wn_kv *b, const struct wn_attend *a, wn_buf logits)
{
    const int32_t rows = a->q.heads * a->n_queries;
    const wn_buf y = wn_plan_temp(b->plan, "attention", (int64_t)rows * a->k.n);
    const struct wn_soft_params p = {
        .rows = rows,
        .width = a->k.n,
        .n_queries = a->n_queries,
        .group = a->q.heads / WN_MAX(a->k.heads, 1),
        .end = a->seen ? a->seen : a->k.n,
        .step = a->seen != 0,
        .flagged = a->masked,
    };

    WN_CALL(b, soft, &p, logits, a->masked ? a->allow : logits, y);
    return y;
}

wn_buf wn_kv_attention(struct wn_kv *b, const struct wn_attend *a)
{
    const wn_buf logits = wn_kv_logits(b, a);

    return logits == WN_NONE ? WN_NONE : wn_kv_soft(b, a, logits);
}

/* Rows of attention summed into the heads of k: W has an entry a row. */
wn_buf wn_kv_columns(struct wn_kv *b, const struct wn_attend *a, wn_buf attention,
                     const float *weight)
{
    const int32_t rows = a->q.heads * a->n_queries, kv = a->k.heads, ends[2] = {0, kv};
    int32_t *idx = wn_kv_scratch(b, rows);
    float *w = (float *)wn_kv_scratch(b, rows);
    wn_buf y = WN_NONE;

    for (int32_t r = 0; idx && w && r < rows; r++) {
        idx[r] = r;
        w[r] = weight ? weight[r % a->n_queries] : 1;
    }
    if (idx && w) {
        y = wn_plan_temp(b->plan, "received", (int64_t)kv * a->k.n);
        WN_CALL(b, combine, (&(struct wn_combine_params){kv, 1, a->k.n}), attention,
                wn_kv_ptr(b, kv, rows / kv), wn_plan_owned(b->plan, "rows", idx, rows),
                wn_plan_owned(b->plan, "weights", w, rows), wn_plan_owned(b->plan, "ends", ends, 2),
                y);
    }
    free(idx);
    free(w);
    return y;
}

#define PART ((int64_t)8 << 20) /* elements of attention at a time */

wn_buf wn_kv_received(struct wn_kv *b, const struct wn_attend *a, const float *weight)
{
    wn_buf sum = WN_NONE;

    if (!check(b, a))
        return WN_NONE;
    const int32_t most = (int32_t)WN_MAX(1, PART / ((int64_t)a->q.heads * a->k.n));
    for (int32_t i = 0; i < a->n_queries; i += most) {
        struct wn_attend part = *a;
        part.first = a->first + i;
        part.n_queries = WN_MIN(most, a->n_queries - i);
        part.seen = a->seen ? a->seen + i : 0;
        const wn_buf y = wn_kv_columns(b, &part, wn_kv_attention(b, &part),
                                       weight ? weight + i : NULL);
        sum = sum == WN_NONE ? y : wn_kv_blend(b, sum, 1, y, 1, 0, 0, a->k.heads * a->k.n);
    }
    return sum;
}

/* ---- algebra ---- */

wn_buf wn_kv_over_rows(struct wn_kv *b, wn_buf x, int32_t rows, int32_t width, int32_t first,
                       int32_t n, float scale, bool max)
{
    const wn_buf y = wn_plan_temp(b->plan, "over rows", n);
    const struct wn_reduce_params p = {
        .n = n,
        .width = 1,
        .offset = first,
        .n_c = 1,
        .n_a = rows,
        .step_a = width,
        .n_b = 1,
        .scale = scale,
        .max = max,
    };

    WN_CALL(b, reduce, &p, x, y);
    return y;
}

wn_buf wn_kv_total(struct wn_kv *b, wn_buf x, int32_t n)
{
    const wn_buf y = wn_plan_temp(b->plan, "total", 1);
    const struct wn_reduce_params p = {
        .n = 1,
        .width = n,
        .n_c = 1,
        .n_a = n,
        .step_a = 1,
        .n_b = 1,
        .scale = 1,
    };

    WN_CALL(b, reduce, &p, x, y);
    return y;
}

wn_buf wn_kv_blend(struct wn_kv *b, wn_buf x, float a, wn_buf z, float b_z, float d, float c,
                   int32_t n)
{
    const wn_buf y = wn_plan_temp(b->plan, "blend", n);

    WN_CALL(b, blend, (&(struct wn_blend_params){.n = n, .a = a, .b = b_z, .c = c, .d = d}), x, z,
            y);
    return y;
}

wn_buf wn_kv_mix(struct wn_kv *b, wn_buf x, int32_t a, wn_buf z, int32_t b_z, int32_t c,
                 bool as_float, int32_t n)
{
    const wn_buf y = wn_plan_temp(b->plan, "mix", n);
    const struct wn_mix_params p = {
        .n = n,
        .n_frames = 1,
        .a = a,
        .b = b_z,
        .c = c,
        .as_float = as_float,
    };

    WN_CALL(b, mix, &p, x, z, wn_kv_ptr(b, 1, n), y);
    return y;
}

wn_buf wn_kv_as_floats(struct wn_kv *b, wn_buf flags, int32_t n)
{
    return wn_kv_mix(b, flags, 1, flags, 0, 0, true, n);
}

wn_buf wn_kv_as_flags(struct wn_kv *b, wn_buf x, int32_t n)
{
    const float half = 0.5f;
    const wn_buf y = wn_plan_temp(b->plan, "flags", n);

    WN_CALL(b, over, (&(struct wn_over_params){n, 1, 1}), x,
            wn_plan_owned(b->plan, "half", &half, 1), wn_kv_ptr(b, 1, n), y);
    return y;
}

wn_buf wn_kv_where(struct wn_kv *b, wn_buf x, wn_buf flag, float value, int32_t n)
{
    const wn_buf y = wn_plan_temp(b->plan, "where", n);

    WN_CALL(b, where, (&(struct wn_where_params){n, 1, value}), x, flag, wn_kv_ptr(b, 1, n), y);
    return y;
}

wn_buf wn_kv_index(struct wn_kv *b, wn_buf x, wn_buf idx, wn_buf ptr, int32_t n_ptr, int32_t n,
                   int32_t width)
{
    const wn_buf y = wn_plan_temp(b->plan, "taken", (int64_t)n * width);

    WN_CALL(b, take, (&(struct wn_take_params){n, n_ptr, width}), x, idx, ptr, y);
    return y;
}

wn_buf wn_kv_pool(struct wn_kv *b, struct wn_heads x, int32_t tail, int32_t width, bool max)
{
    const int32_t n = x.heads * x.n;
    int32_t *ptr = wn_kv_scratch(b, 2 * (int64_t)x.heads + 1);
    wn_buf y = WN_NONE;
    const struct wn_slide_params p = {
        .n = n,
        .n_segments = 2 * x.heads,
        .before = width / 2,
        .after = (width - 1) / 2,
        .max = max,
        .scale = max ? 1 : 1.0f / (float)width,
    };

    for (int32_t h = 0; ptr && h < x.heads; h++) {
        ptr[2 * h + 1] = (h + 1) * x.n - tail;
        ptr[2 * h + 2] = (h + 1) * x.n;
    }
    if (ptr) {
        y = wn_plan_temp(b->plan, "pooled", n);
        WN_CALL(b, slide, &p, x.data,
                wn_plan_owned(b->plan, "parts", ptr, 2 * (int64_t)x.heads + 1), y);
    }
    free(ptr);
    return y;
}

/* ---- what stays ---- */

/* What `cut` and `compact` read of spans. */
struct spans {
    int32_t n_segments;
    int32_t *ptr, *mode; /* [n_segments + 1], [n_segments] */
    int32_t *table;      /* [most rows of a span + 1] */
    int32_t most;
    bool ranked;
};

static void free_spans(struct spans *s)
{
    free(s->ptr);
    free(s->mode);
    free(s->table);
}

static bool fill_spans(struct wn_kv *b, struct spans *s, const struct wn_span *span,
                       int32_t n_spans, struct wn_picked *picked)
{
    int32_t end = 0;

    for (int32_t i = 0; i < n_spans; i++)
        s->table[span[i].n] = -1;
    for (int32_t i = 0; i < n_spans; i++) {
        const bool by_score = span[i].keep > 0 && (span[i].keep < span[i].n || span[i].ranked);
        if (by_score && s->table[span[i].n] >= 0 && s->table[span[i].n] != span[i].keep) {
            wn_plan_fail(b->plan, WN_ERR_ARG, "two spans of %d keys keep %d and %d",
                         (int)span[i].n, (int)s->table[span[i].n], (int)span[i].keep);
            return false;
        }
        if (by_score)
            s->table[span[i].n] = span[i].keep;
        s->ranked |= by_score;
        s->mode[i] = by_score ? 0 : span[i].keep > 0 ? 1 : -1;
        s->ptr[i] = end;
        end += span[i].n;
        picked->each += WN_MIN(WN_MAX(span[i].keep, 0), span[i].n);
    }
    for (int32_t i = n_spans; i < s->n_segments; i++) {
        s->ptr[i] = s->ptr[i % n_spans] + i / n_spans * end;
        s->mode[i] = s->mode[i % n_spans];
    }
    s->ptr[s->n_segments] = picked->heads * end;
    if (end != picked->n)
        wn_plan_fail(b->plan, WN_ERR_ARG, "spans cover %d of %d keys", (int)end, (int)picked->n);
    return end == picked->n;
}

static bool make_spans(struct wn_kv *b, struct spans *s, const struct wn_span *span,
                       int32_t n_spans, struct wn_picked *picked)
{
    for (int32_t i = 0; i < n_spans; i++) {
        if (span[i].n < 0 || span[i].n > picked->n) {
            wn_plan_fail(b->plan, WN_ERR_ARG, "a span of %d among %d keys", (int)span[i].n,
                         (int)picked->n);
            return false;
        }
    }
    s->n_segments = picked->heads * n_spans;
    s->ptr = wn_kv_scratch(b, (int64_t)s->n_segments + 1);
    s->mode = wn_kv_scratch(b, s->n_segments);
    s->table = wn_kv_scratch(b, (int64_t)picked->n + 1);
    return s->ptr && s->mode && s->table && fill_spans(b, s, span, n_spans, picked);
}

/* The kernels' calls. */
static void record(struct wn_kv *b, const struct spans *s, wn_buf score, bool by_score,
                   struct wn_picked *picked)
{
    const int32_t n = picked->heads * picked->n, n_segments = s->n_segments;
    const wn_buf ptr = wn_plan_owned(b->plan, "spans", s->ptr, (int64_t)n_segments + 1);
    const wn_buf mode = wn_plan_owned(b->plan, "modes", s->mode, n_segments);
    const wn_buf table = wn_plan_owned(b->plan, "table", s->table, (int64_t)picked->n + 1);
    const wn_buf rank = wn_plan_temp(b->plan, "rank", n);
    const wn_buf span_ptr = wn_plan_temp(b->plan, "span ptr", (int64_t)n_segments + 1);

    if (s->ranked)
        WN_CALL(b, rank, (&(struct wn_rank_params){n, n_segments, 1}), score, ptr, rank);
    else /* nobody reads it */
        WN_CALL(b, chunk, (&(struct wn_chunk_params){n, n_segments, 1}), ptr, rank);
    picked->keep = wn_plan_temp(b->plan, "keep", n);
    WN_CALL(b, cut, (&(struct wn_cut_params){n, n_segments}), rank, ptr, table, mode, picked->keep);
    picked->idx = wn_plan_temp(b->plan, "kept", n);
    WN_CALL(b, compact, (&(struct wn_compact_params){n, n_segments, by_score}), picked->keep, rank,
            mode, ptr, picked->idx, span_ptr);
    picked->ptr = wn_kv_ptr(b, picked->heads, picked->each);
}

struct wn_picked wn_kv_pick(struct wn_kv *b, wn_buf score, int32_t heads, int32_t n,
                            const struct wn_span *span, int32_t n_spans, bool by_score)
{
    struct wn_picked picked = {
        .heads = heads,
        .n = n,
        .keep = WN_NONE,
        .idx = WN_NONE,
        .ptr = WN_NONE,
    };
    struct spans s = {0};

    if (make_spans(b, &s, span, n_spans, &picked))
        record(b, &s, score, by_score, &picked);
    free_spans(&s);
    return picked;
}

void wn_kv_compact(struct wn_kv *b, struct wn_picked *picked)
{
    const int32_t n = picked->heads * picked->n;

    picked->idx = wn_plan_temp(b->plan, "kept", n);
    picked->ptr = wn_plan_temp(b->plan, "kept ptr", (int64_t)picked->heads + 1);
    WN_CALL(b, compact, (&(struct wn_compact_params){n, picked->heads, 0}), picked->keep,
            picked->keep, picked->keep, wn_kv_ptr(b, picked->heads, picked->n), picked->idx,
            picked->ptr);
}

struct wn_heads wn_kv_take(struct wn_kv *b, struct wn_heads x, const struct wn_picked *picked)
{
    if (x.heads != picked->heads || x.n != picked->n)
        wn_plan_fail(b->plan, WN_ERR_ARG, "%d heads of %d rows, picked of %d heads of %d",
                     (int)x.heads, (int)x.n, (int)picked->heads, (int)picked->n);
    return (struct wn_heads){
        .data = wn_kv_index(b, x.data, picked->idx, picked->ptr, picked->heads,
                            picked->heads * picked->each, x.dim),
        .heads = x.heads,
        .n = picked->each,
        .dim = x.dim,
    };
}
