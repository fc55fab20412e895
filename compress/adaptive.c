/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "made.h"

#define GRIDS 2

struct params {
    const struct wn_rows *rows; /* its layouts are read */
    int32_t n_frames, n_grids;
    int32_t grid[GRIDS][2];
};

/* The rows of one frame, by place. */
struct places {
    const struct wn_layout *layout;
    const int32_t *cell;
    int32_t first, end; /* rows */
    int32_t *at;        /* [grid_h * grid_w + 1] where a place begins in `row` */
    int32_t *row;
};

static int32_t place_of(const struct places *s, int32_t i)
{
    const int32_t *pos = s->layout->pos[s->cell[i]];

    return pos[0] < 0 ? WN_NONE : pos[0] * s->layout->grid_w + pos[1];
}

static void sort(struct places *s)
{
    const int32_t n = s->layout->grid_h * s->layout->grid_w;

    memset(s->at, 0, ((size_t)n + 1) * sizeof(*s->at));
    for (int32_t i = s->first; i < s->end; i++) {
        if (place_of(s, i) >= 0)
            s->at[place_of(s, i) + 1]++;
    }
    for (int32_t k = 0; k < n; k++)
        s->at[k + 1] += s->at[k];
    /* Backwards: at[k] ends where place k begins. */
    for (int32_t k = n; k > 0; k--)
        s->at[k] = s->at[k - 1];
    for (int32_t i = s->first; i < s->end; i++) {
        if (place_of(s, i) >= 0)
            s->row[s->at[place_of(s, i) + 1]++] = i;
    }
}

static int32_t begin(int32_t i, int32_t n, int32_t parts)
{
    return (int32_t)((int64_t)i * n / parts);
}

static int32_t end(int32_t i, int32_t n, int32_t parts)
{
    return (int32_t)((((int64_t)i + 1) * n + parts - 1) / parts);
}

static void make_window(struct wn_maker *m, const struct places *s, int32_t frame,
                        const int32_t y[2], const int32_t x[2])
{
    const int32_t w = s->layout->grid_w;
    int32_t count = 0;

    for (int32_t r = y[0]; r < y[1]; r++)
        count += s->at[r * w + x[1]] - s->at[r * w + x[0]];
    for (int32_t r = y[0], made = 0; count && r < y[1]; r++) {
        for (int32_t k = s->at[r * w + x[0]]; k < s->at[r * w + x[1]]; k++) {
            if (!made++)
                wn_make_row(m, frame, s->row[k]);
            wn_make_entry(m, s->row[k], 1.0f / (float)count);
        }
    }
}

static void make_grid(struct wn_maker *m, const struct places *s, int32_t frame,
                      const int32_t grid[2])
{
    const int32_t h = s->layout->grid_h, w = s->layout->grid_w;

    for (int32_t i = 0; i < grid[0]; i++) {
        for (int32_t j = 0; j < grid[1]; j++)
            make_window(m, s, frame, (int32_t[]){begin(i, h, grid[0]), end(i, h, grid[0])},
                        (int32_t[]){begin(j, w, grid[1]), end(j, w, grid[1])});
    }
}

/* Rows without a place that stand before all others, or those after. */
static void make_others(struct wn_maker *m, const struct places *s, int32_t frame, bool before)
{
    int32_t i = s->first;

    for (; i < s->end && place_of(s, i) < 0; i++) {
        if (before) {
            wn_make_row(m, frame, i);
            wn_make_entry(m, i, 1);
        }
    }
    for (; !before && i < s->end; i++) {
        if (place_of(s, i) < 0) {
            wn_make_row(m, frame, i);
            wn_make_entry(m, i, 1);
        }
    }
}

static void make(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0];
    struct wn_maker m = wn_maker(buf + 4);
    struct places s = {.cell = buf[1], .at = buf[2], .row = buf[3]};

    for (int32_t f = 0; f < p->n_frames; f++) {
        s.layout = p->rows->frames[f].layout;
        s.first = ptr[f];
        s.end = ptr[f + 1];
        sort(&s);
        make_others(&m, &s, f, true);
        for (int g = 0; g < p->n_grids; g++)
            make_grid(&m, &s, f, p->grid[g]);
        make_others(&m, &s, f, false);
    }
    wn_make_end(&m, p->n_frames);
}

static const struct wn_kernel kernel = {
    .name = "adaptive",
    .n_bufs = 9,
    .access = {WN_READ, WN_READ, WN_WRITE, WN_WRITE, WN_WRITE, WN_WRITE, WN_WRITE, WN_WRITE,
               WN_WRITE},
    .params_size = sizeof(struct params),
    .ref = make,
    .host = true,
};

/* In how many of `parts` windows of n cells one cell can be. */
static int32_t overlap(int32_t n, int32_t parts)
{
    return n % parts == 0 ? 1 : (parts + n - 1) / n + 1;
}

void wn_build_adaptive(struct wn_build *b, const int (*grid)[2], int n_grids)
{
    struct params p = {.rows = b->rows, .n_frames = b->in.n_frames, .n_grids = n_grids};
    int64_t entries = b->in.n, out = 0, cells = 0, most = 0; /* rows without a place stay */

    for (int32_t f = 0; f < p.n_frames; f++) {
        const struct wn_layout *layout = b->rows->frames[f].layout;
        cells = WN_MAX(cells, (int64_t)layout->grid_h * layout->grid_w);
    }
    for (int g = 0; g < n_grids; g++) {
        int64_t times = 1;
        for (int32_t f = 0; f < p.n_frames; f++) {
            const struct wn_layout *layout = b->rows->frames[f].layout;
            times = WN_MAX(times, (int64_t)overlap(WN_MAX(layout->grid_h, 1), grid[g][0]) *
                                      overlap(WN_MAX(layout->grid_w, 1), grid[g][1]));
        }
        entries += times * b->in.n;
        most += (int64_t)grid[g][0] * grid[g][1];
        out += WN_MIN((int64_t)grid[g][0] * grid[g][1] * p.n_frames, times * b->in.n);
        p.grid[g][0] = grid[g][0];
        p.grid[g][1] = grid[g][1];
    }
    if (entries > INT32_MAX || most > INT32_MAX / 2) {
        wn_plan_fail(b->plan, WN_ERR_LIMIT, "%s would make too many rows", b->filter);
        return;
    }
    struct wn_made made = {
        .n_out = (int32_t)(out + b->in.n),
        .n_entries = (int32_t)entries,
        .most = (int32_t)most + wn_build_most(b),
    };
    wn_build_made(b, &made);
    wn_plan_call(b->plan, &kernel, &p, (const wn_buf[]){
        b->in.ptr, b->in.cell, wn_plan_temp(b->plan, "places", cells + 1),
        wn_plan_temp(b->plan, "by place", b->in.n), made.ptr, made.base, made.w_ptr, made.w_idx,
        made.w,
    });
    wn_build_rows(b, &made);
}
