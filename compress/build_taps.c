/* SPDX-License-Identifier: MIT */
#include "build.h"

void wn_layer_slice(int32_t n_layers, int32_t first, int32_t end, int32_t *from, int32_t *to)
{
    const int32_t stop = end < 0 ? end + n_layers : WN_MIN(end, n_layers);
    const int32_t start = first < 0 ? first + n_layers : first;

    *to = WN_MAX(stop, 1);
    *from = WN_MAX(WN_MIN(start, *to - 1), 0);
}

void wn_need_cls(struct wn_needs *needs, const struct wn_encoder_info *info, int32_t first,
                 int32_t end)
{
    const int32_t n = WN_MIN(info->n_layers, WN_MAX_LAYERS);
    int32_t from, to;

    if (n < 1)
        return;
    wn_layer_slice(n, first, end, &from, &to);
    if (!info->has_cls)
        from = to = n - 1;
    for (int32_t l = from; l < WN_MAX(to, from + 1); l++)
        needs->cls[l] = true;
}

/* The layer that features come from; without a CLS token the last one. */
static int32_t keys_layer(int32_t n_layers, bool has_cls)
{
    return WN_MAX(n_layers - (has_cls ? 2 : 1), 0);
}

void wn_need_keys(struct wn_needs *needs, const struct wn_encoder_info *info)
{
    if (info->n_layers > 0)
        needs->keys[WN_MIN(keys_layer(info->n_layers, info->has_cls), WN_MAX_LAYERS - 1)] = true;
}

wn_buf wn_build_keys(struct wn_build *b, int32_t *dim)
{
    const struct wn_rows *r = b->rows;
    const int32_t width = r->keys_heads * r->keys_dim;
    const int32_t want = keys_layer(r->encoder_layers, !r->attn_received);
    int32_t at = r->keys_layers - 1;

    *dim = b->in.dim;
    if (b->in.keys == WN_NONE)
        return b->in.data;
    *dim = r->keys_dim;
    const wn_buf mean = wn_plan_temp(b->plan, "mean keys", (int64_t)b->in.n * *dim);
    while (at > 0 && r->keys_layer[at] != want)
        at--;
    const struct wn_reduce_params p = {
        .n = b->in.n,
        .width = r->keys_layers * width,
        .offset = at * width,
        .n_c = *dim,
        .step_c = 1,
        .n_a = 1,
        .n_b = r->keys_heads,
        .step_b = *dim,
        .scale = 1.0f / (float)r->keys_heads,
    };
    WN_CALL(b, reduce, &p, b->in.keys, mean);
    return mean;
}

static int32_t is_cls(const struct wn_layout *layout, int32_t cell, void *arg)
{
    return layout->pos[cell][0] < 0;
}

/* Where layer `from` stands among the taps, when those up to `to` follow it; else -1. */
static int32_t find_layers(const struct wn_rows *rows, int32_t from, int32_t to)
{
    for (int32_t k = 0; k < rows->attn_layers; k++) {
        if (rows->attn_layer[k] == from)
            return k + to - from <= rows->attn_layers &&
                   rows->attn_layer[k + to - from - 1] == to - 1 ? k : -1;
    }
    return -1;
}

wn_buf wn_build_cls_score(struct wn_build *b, int32_t first, int32_t end, bool mean, float cls)
{
    const struct wn_rows *rows = b->rows;
    int32_t at = 0, from = 0, to = rows->attn_layers;

    if (b->in.attn == WN_NONE) {
        wn_plan_fail(b->plan, WN_ERR_UNSUPPORTED,
                     "%s needs attention of the vision encoder, which this one does not give",
                     b->filter);
        return WN_NONE;
    }
    if (!rows->attn_received) {
        wn_layer_slice(rows->encoder_layers, first, end, &from, &to);
        at = find_layers(rows, from, to);
    }
    if (at < 0) {
        wn_plan_fail(b->plan, WN_ERR_ARG, "%s needs the CLS attention of layers %d to %d",
                     b->filter, (int)from, (int)to - 1);
        return WN_NONE;
    }
    const wn_buf score = wn_plan_temp(b->plan, "cls score", b->in.n);
    const struct wn_reduce_params p = {
        .n = b->in.n,
        .width = rows->attn_layers * rows->attn_heads,
        .offset = at * rows->attn_heads,
        .n_c = 1,
        .n_a = to - from,
        .step_a = rows->attn_heads,
        .n_b = rows->attn_heads,
        .step_b = 1,
        .scale = mean ? 1.0f / (float)WN_MAX(rows->attn_heads, 1) : 1.0f,
    };
    WN_CALL(b, reduce, &p, b->in.attn, score);
    if (!b->cls_row)
        return score;
    const wn_buf marked = wn_plan_temp(b->plan, "score", b->in.n);
    const struct wn_where_params w = {
        .n = b->in.n,
        .n_frames = b->in.n_frames,
        .value = cls,
    };
    WN_CALL(b, where, &w, score, wn_build_lookup(b, is_cls, NULL), b->in.ptr, marked);
    return marked;
}

int wn_build_patches(struct wn_build *b)
{
    const bool keys = b->need_keys;

    if (!b->cls_row)
        return WN_OK;
    const wn_buf cls = wn_build_lookup(b, is_cls, NULL);
    b->need_keys = true; /* of this filter */
    wn_build_compact(b, &(struct wn_list){
        .keep = wn_build_mix(b, cls, -1, cls, 0, 1, false),
        .rank = WN_NONE,
        .n_out = b->in.n,
    });
    b->need_keys = keys;
    return wn_build_next(b);
}
