/* SPDX-License-Identifier: MIT */
#include "row_places.h"

#include <stdlib.h>

struct by_cell {
    int32_t cell, row;
};

static int compare(const void *a, const void *b)
{
    const struct by_cell *x = a, *y = b;

    if (x->cell != y->cell)
        return x->cell < y->cell ? -1 : 1;
    return x->row < y->row ? -1 : x->row > y->row;
}

/* Rows of one part; only those that are left move the position. */
static void place_part(const struct wn_tokens *t, const struct by_cell *rows, int32_t n,
                       int32_t n_pos, int64_t *next, int32_t *const pos[4])
{
    for (int32_t i = 0; i < n; i++)
        for (int s = 0; s < (t->place ? 4 : 1); s++)
            pos[s][rows[i].row] =
                (int32_t)(*next + (t->place ? t->place[4 * (size_t)rows[i].row + s] : i));
    if (n)
        *next += t->place ? n_pos : n;
}

static void place_frame(const struct wn_segment *segment, int32_t frame, const struct wn_tokens *t,
                        const struct by_cell *rows, int32_t n, int64_t *next,
                        int32_t *const pos[4])
{
    struct wn_part_info part = {.size = sizeof(part)};
    int32_t at = 0;

    for (int32_t p = 0; wn_segment_part(segment, frame, p, &part) == WN_OK; p++) {
        int32_t end = at;
        while (end < n && rows[end].cell < part.row0 + part.n_rows)
            end++;
        place_part(t, rows + at, end - at, part.n_pos, next, pos);
        at = end;
    }
}

int row_places(const struct wn_segment *segment, const struct wn_tokens *tokens, int64_t *next,
               int32_t *const pos[4])
{
    struct by_cell *rows = calloc((size_t)tokens->n + 1, sizeof(*rows));
    struct wn_frame_info first = {.size = sizeof(first)};
    int32_t end;

    if (!rows)
        return -1;
    wn_segment_frame(segment, 0, &first);
    for (int32_t i = 0; i < tokens->n; i = end) {
        for (end = i; end < tokens->n && tokens->frame[end] == tokens->frame[i]; end++)
            rows[end] = (struct by_cell){tokens->cell[end], end};
        qsort(rows + i, (size_t)(end - i), sizeof(*rows), compare);
        place_frame(segment, tokens->frame[i] - first.index, tokens, rows + i, end - i, next, pos);
    }
    free(rows);
    return 0;
}
