/* SPDX-License-Identifier: MIT */
/* Rows that the host makes. A filter's own host kernel (wn_kernel.host) looks at what a device
 * computed and writes W; the device then applies it. For decisions that no shader makes well: a
 * dynamic programme, runs of frames, labels that spread. The filter declares WN_NEED_HOST. */
#ifndef WN_MADE_H
#define WN_MADE_H

#include "build.h"

/* W in a plan: where frames begin among the rows that come out, the row that each stands for, and
 * its entries, that row first. */
struct wn_made {
    int32_t n_out, n_entries; /* the most there can be */
    int32_t most;             /* rows of a frame, where that is more than came in; or 0 */
    wn_buf ptr, base, w_ptr, w_idx, w;
};
/* Makes the buffers: i32 [n_frames + 1], [n_out], [n_out + 1], [n_entries], f32 [n_entries]. */
void wn_build_made(struct wn_build *b, struct wn_made *made);
/* After a host kernel wrote them: sets out, base and W. */
void wn_build_rows(struct wn_build *b, const struct wn_made *made);
/* W x x by itself. f32 [n_out][dim]. */
wn_buf wn_build_apply(struct wn_build *b, const struct wn_made *made, wn_buf x);

/* The host's side: rows in order of their frames. */
struct wn_maker {
    int32_t *ptr, *base, *w_ptr, *w_idx;
    float *w;
    int32_t n, n_entries, frame;
};
static inline struct wn_maker wn_maker(void *const *buf)
{
    struct wn_maker m = {buf[0], buf[1], buf[2], buf[3], buf[4], 0, 0, 0};

    m.ptr[0] = m.w_ptr[0] = 0;
    return m;
}

static inline void wn_make_row(struct wn_maker *m, int32_t frame, int32_t base)
{
    while (m->frame < frame)
        m->ptr[++m->frame] = m->n;
    m->base[m->n++] = base;
    m->w_ptr[m->n] = m->n_entries;
}

static inline void wn_make_entry(struct wn_maker *m, int32_t row, float weight)
{
    m->w_idx[m->n_entries] = row;
    m->w[m->n_entries++] = weight;
    m->w_ptr[m->n] = m->n_entries;
}

static inline void wn_make_end(struct wn_maker *m, int32_t n_frames)
{
    while (m->frame < n_frames)
        m->ptr[++m->frame] = m->n;
}

/* ---- pooling to a grid ---- */

/* Each frame becomes the grids [n_grids][2] of rows and columns, one after the other; a cell is the
 * mean of what its window holds, from floor(i * H / h) to ceil((i + 1) * H / h). Windows without
 * rows go. Rows without a place stay, before the grids or after them. */
void wn_build_adaptive(struct wn_build *b, const int (*grid)[2], int n_grids);

#endif
