/* SPDX-License-Identifier: MIT */
/* Means of neighbouring rows: of `stride` rows in a row as LLaVolta does at the model's input (also
 * over the ends of grid rows, a shorter rest is dropped), of the rows in squares of the grid, or of
 * those in the windows that make a grid of so many rows and columns, torch's adaptive pooling. */
#include "compress/filters/options.h"
#include "compress/made.h"

struct pool {
    const AVClass *class;
    int stride, size, rows, columns;
};

/* Squares are numbered in raster order; a row without a place is a group of its own. */
static int32_t square(const struct wn_layout *layout, int32_t cell, void *arg)
{
    const int32_t size = *(const int *)arg;
    const int32_t *pos = layout->pos[cell];

    if (pos[0] < 0)
        return layout->n_rows + cell;
    return pos[0] / size * ((layout->grid_w + size - 1) / size) + pos[1] / size;
}

static wn_buf frame_itself(struct wn_build *b)
{
    int32_t *ref = wn_build_scratch(b, b->in.n_frames);
    wn_buf buf = WN_NONE;

    for (int32_t f = 0; ref && f < b->in.n_frames; f++)
        ref[f] = f;
    if (ref)
        buf = wn_build_ints(b, "ref", ref, b->in.n_frames);
    free(ref);
    return buf;
}

/* to[i] = the first row of i's square, in frames of any shape and with rows missing. */
static wn_buf by_square(struct wn_build *b, int size)
{
    const int32_t n = b->in.n, n_frames = b->in.n_frames;
    const wn_buf id = wn_build_lookup(b, square, &size);
    const wn_buf to = wn_plan_temp(b->plan, "square", n);

    WN_CALL(b, pair, (&(struct wn_pair_params){n, n_frames}), id, b->in.ptr, frame_itself(b), to);
    return to;
}

static wn_buf by_run(struct wn_build *b, int size)
{
    const wn_buf to = wn_plan_temp(b->plan, "run", b->in.n);

    WN_CALL(b, chunk, (&(struct wn_chunk_params){b->in.n, b->in.n_frames, size}), b->in.ptr, to);
    return to;
}

static float mean(int32_t c, bool first)
{
    return 1.0f / (float)(c + 1);
}

static int32_t runs(int32_t m, const void *arg)
{
    return m / *(const int *)arg;
}

static int build(void *priv, struct wn_build *b)
{
    const struct pool *f = priv;

    if (f->rows) {
        wn_build_adaptive(b, &(const int[2]){f->rows, f->columns ? f->columns : f->rows}, 1);
        return WN_OK;
    }
    const wn_buf to = f->size ? by_square(b, f->size) : by_run(b, f->stride);
    struct wn_list list = {
        .keep = wn_plan_temp(b->plan, "keep", b->in.n),
        .rank = WN_NONE,
        .n_out = b->in.n,
    };

    WN_CALL(b, own, (&(struct wn_own_params){b->in.n, b->in.n_frames}), to, b->in.ptr, list.keep);
    if (!f->size) /* how many squares a frame fills is known where its rows are */
        list.count = wn_build_counts(b, wn_build_table(b, runs, &f->stride), NULL, &list.n_out);
    wn_build_merge(b, &list, to, mean);
    return WN_OK;
}

static const AVOption options[] = {
    {"stride", "rows in a row that become one", offsetof(struct pool, stride), AV_OPT_TYPE_INT,
     {.i64 = 2}, 1, 65536, 0, NULL},
    {"size", "rows of the grid on a side of a square that becomes one; 0: by stride",
     offsetof(struct pool, size), AV_OPT_TYPE_INT, {.i64 = 0}, 0, 4096, 0, NULL},
    {"rows", "of the grid that each frame becomes; 0: by size or stride",
     offsetof(struct pool, rows), AV_OPT_TYPE_INT, {.i64 = 0}, 0, 4096, 0, NULL},
    {"columns", "of that grid; 0: as many as rows", offsetof(struct pool, columns),
     AV_OPT_TYPE_INT, {.i64 = 0}, 0, 4096, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_pool = {
    .name = "pool",
    .brief = "averages neighbouring rows, along the rows, in squares or to a grid of any size",
    .paper = "LLaVolta (arXiv 2406.20092), Beckschen/LLaVolta @ 31ec151",
    .family = WN_TRANSFORMATION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_HOST,
    .options = options,
    .priv_size = sizeof(struct pool),
    .token = &ops,
};
