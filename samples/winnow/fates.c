/* SPDX-License-Identifier: MIT */
#include "fates.h"

#include <stdlib.h>
#include <string.h>

void fates_finish(struct fates *f)
{
    free(f->fate);
    free(f->token);
    free(f->share);
    free(f->frame);
    free(f->info);
}

static int init(struct fates *f, const struct wn_segment *segment, int32_t n)
{
    size_t rows = (size_t)n + 1;

    *f = (struct fates){.n = n, .n_frames = wn_segment_frames(segment)};
    f->fate = malloc(rows);
    f->token = malloc(rows * sizeof(*f->token));
    f->share = calloc(rows, sizeof(*f->share));
    f->frame = calloc(rows, sizeof(*f->frame));
    f->info = calloc((size_t)f->n_frames + 1, sizeof(*f->info));
    f->cell = wn_segment_cells(segment);
    if (!f->fate || !f->token || !f->share || !f->frame || !f->info || !f->cell)
        return -1;
    memset(f->fate, FATE_DROPPED, rows);
    for (int32_t i = 0; i < f->n_frames; i++) {
        f->info[i].size = sizeof(f->info[i]);
        wn_segment_frame(segment, i, &f->info[i]);
        for (int32_t r = 0; r < f->info[i].n_rows; r++)
            f->frame[f->info[i].row0 + r] = i;
    }
    return 0;
}

static float magnitude(float x)
{
    return x < 0 ? -x : x;
}

/* A row in several tokens belongs to the one with its largest weight, the earlier on ties. */
static void read_token(struct fates *f, const struct wn_tokens *t, int32_t i)
{
    int32_t first = t->source_ptr[i], last = t->source_ptr[i + 1];

    for (int32_t k = first; k < last; k++) {
        int32_t row = t->source_idx[k];
        bool own = f->info[f->frame[row]].index == t->frame[i] &&
                   f->cell[2 * row] == t->pos[2 * i] && f->cell[2 * row + 1] == t->pos[2 * i + 1];
        float share = magnitude(t->source_weight[k]);

        if (f->fate[row] == FATE_KEPT || f->fate[row] == FATE_CENTER)
            continue;
        if (!own && f->fate[row] == FATE_MERGED && share <= f->share[row])
            continue;
        f->fate[row] = !own ? FATE_MERGED : last - first > 1 ? FATE_CENTER : FATE_KEPT;
        f->token[row] = i;
        f->share[row] = share;
    }
}

int fates_init(struct fates *f, const struct wn_segment *segment, const struct wn_tokens *tokens)
{
    if (init(f, segment, tokens->n_before) < 0)
        return -1;
    for (int32_t i = 0; i < tokens->n; i++)
        read_token(f, tokens, i);
    return 0;
}
