/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "blocks.h"
#include "segment_plan.h"

/* No sum of squares over a row overflows below this. */
#define TOO_LARGE 1e16f

struct check {
    const float *x;
    int64_t width;
    _Atomic int64_t first; /* bad row, the lowest so far */
};

/* The bits of |x| order like numbers; infinities and NaN come above all of them. */
WN_CLONES
static bool all_fine(const float *x, int64_t n)
{
    const float limit = TOO_LARGE;
    uint32_t most = 0, bound;

    for (int64_t i = 0; i < n; i++) {
        uint32_t u;
        memcpy(&u, x + i, sizeof(u));
        u &= 0x7fffffffu;
        most = u > most ? u : most;
    }
    memcpy(&bound, &limit, sizeof(bound));
    return most <= bound;
}

static void check_part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    struct check *c = buf[0];

    if (all_fine(c->x + first * c->width, (end - first) * c->width))
        return;
    for (int64_t i = first; i < end; i++) {
        int64_t lowest = atomic_load(&c->first);
        if (all_fine(c->x + i * c->width, c->width))
            continue;
        while (i < lowest && !atomic_compare_exchange_weak(&c->first, &lowest, i))
            ;
        return;
    }
}

/* The first row of n with a number that no filter can use, or -1. */
static int64_t first_bad(const float *x, int64_t n, int64_t width, struct wn_pool *pool)
{
    struct check c = {
        .x = x,
        .width = width,
    };
    void *buf[] = {&c};

    if (!x || width < 1)
        return -1;
    atomic_init(&c.first, INT64_MAX);
    wn_blocks(pool, n, wn_block_size(4 * width) * 4, check_part, NULL, buf);
    return c.first == INT64_MAX ? -1 : c.first;
}

static int check_numbers(const struct wn_rows *rows, const float *x, int64_t width,
                         const char *what, struct wn_pool *pool, struct wn_log *log)
{
    const int64_t bad = first_bad(x, rows->n, width, pool);

    if (bad < 0)
        return WN_OK;
    const int32_t f = wn_rows_frame_of(rows, (int32_t)bad);
    return wn_fail(log, WN_ERR_DATA,
                   "nonfinite: token %d of frame %d has %s that are infinite, not numbers or too "
                   "large",
                   (int)(bad - rows->frame_ptr[f]), (int)rows->frames[f].index, what);
}

static int check_cells(const struct wn_rows *rows, struct wn_log *log)
{
    for (int32_t f = 0; f < rows->n_frames; f++) {
        const struct wn_layout *layout = rows->frames[f].layout;
        for (int32_t i = rows->frame_ptr[f]; i < rows->frame_ptr[f + 1]; i++) {
            if (!layout || rows->cell[i] < 0 || rows->cell[i] >= layout->n_rows)
                return wn_fail(log, WN_ERR_DATA, "token %d of frame %d has no place in its grid",
                               (int)(i - rows->frame_ptr[f]), (int)rows->frames[f].index);
        }
    }
    return WN_OK;
}

static int check_frames(const struct wn_rows *rows, struct wn_pool *pool, struct wn_log *log)
{
    const int64_t bad = first_bad(rows->global, rows->n_frames, rows->global_dim, pool);

    if (bad < 0)
        return WN_OK;
    return wn_fail(log, WN_ERR_DATA,
                   "nonfinite: the vector of frame %d has values that are infinite, not numbers or "
                   "too large", (int)rows->frames[bad].index);
}

int wn_rows_check(const struct wn_rows *rows, struct wn_pool *pool, struct wn_log *log)
{
    int err;

    TRY(check_cells(rows, log));
    TRY(check_numbers(rows, rows->data, rows->dim, "values", pool, log));
    TRY(check_numbers(rows, rows->attn, (int64_t)rows->attn_layers * rows->attn_heads,
                      "attention values", pool, log));
    TRY(check_numbers(rows, rows->keys,
                      (int64_t)rows->keys_layers * rows->keys_heads * rows->keys_dim, "keys", pool,
                      log));
    TRY(check_numbers(rows, rows->score, 1, "scores", pool, log));
    TRY(check_numbers(rows, rows->size, 1, "sizes", pool, log));
    TRY(check_numbers(rows, rows->logits, 1, "attention logits", pool, log));
    TRY(check_frames(rows, pool, log));
fail:
    return err;
}
