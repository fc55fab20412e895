/* SPDX-License-Identifier: MIT */
/* Rows and their taps out of what the tower gave of its patches. */
#include <stdlib.h>
#include <string.h>

#include "vit_frames.h"

static int copy_ints(int32_t **to, const int32_t *from, int32_t n)
{
    *to = wn_calloc((size_t)n, sizeof(**to));
    if (!*to)
        return WN_ERR_NOMEM;
    memcpy(*to, from, (size_t)n * sizeof(**to));
    return WN_OK;
}

static bool floats(float **to, bool wanted, size_t n, size_t width)
{
    if (wanted)
        *to = wn_calloc(n, width * sizeof(**to));
    return !wanted || *to;
}

static int reduced_rows(struct wn_vit_job *job, size_t n)
{
    struct wn_sources *w = &job->rows->w;

    if (!job->reducer)
        return WN_OK;
    w->n_src = (int32_t)n;
    w->ptr = wn_calloc(n + 1, sizeof(*w->ptr));
    return w->ptr && floats(&job->rows->size, true, n, 1) &&
           floats(&job->rows->score, job->reducer->scores, n, 1) ? WN_OK : WN_ERR_NOMEM;
}

int wn_vit_job_rows(struct wn_vit_job *job, int64_t all)
{
    const struct wn_vit_info *m = &job->enc->vit->info;
    const size_t n = (size_t)all, heads = (size_t)m->n_heads, dim = (size_t)m->dim;
    struct wn_rows *rows = wn_rows_create((int32_t)n, m->out_dim, job->n);

    job->rows = rows;
    if (!rows)
        return WN_ERR_NOMEM;
    rows->n = 0;
    rows->encoder_layers = m->n_layers;
    if (job->n_attn) {
        rows->attn_layers = job->n_attn;
        rows->attn_heads = m->n_heads;
        rows->attn_received = !m->cls;
    }
    if (job->n_keys) {
        rows->keys_layers = job->n_keys;
        rows->keys_heads = m->n_heads;
        rows->keys_dim = m->dim / m->n_heads;
    }
    const bool global = job->needs && job->needs->global &&
                        (m->cls || job->enc->vit->pooling);
    rows->global_dim = global ? m->dim : 0;
    const bool ok =
        floats(&rows->attn, job->n_attn, n, (size_t)job->n_attn * heads) &&
        floats(&rows->keys, job->n_keys, n, (size_t)job->n_keys * dim) &&
        floats(&rows->logits, job->needs && job->needs->logits && m->cls, n, 1) &&
        floats(&rows->global, global, (size_t)job->n, dim) &&
        (!job->n_attn || copy_ints(&rows->attn_layer, job->attn_layer, job->n_attn) >= 0) &&
        (!job->n_keys || copy_ints(&rows->keys_layer, job->keys_layer, job->n_keys) >= 0);
    return ok ? reduced_rows(job, n) : WN_ERR_NOMEM;
}

/* What a tap says of a row: of its patches, mixed as they were; 0 for a newline. from[] counts the
 * group's patches. */
static float mixed(const struct wn_vit_row *row, const struct wn_vit_info *m, const float *at,
                   size_t tile, size_t stride)
{
    float sum = 0;

    if (row->from[0] < 0)
        return 0;
    for (int k = 0; k < 4; k++) {
        const size_t patch = (size_t)(row->from[k] % m->n_patches) + m->cls;

        if (row->weight[k] != 0)
            sum += row->weight[k] *
                   at[(size_t)(row->from[k] / m->n_patches) * tile + patch * stride];
    }
    return sum;
}

static void give_taps(const struct wn_vit_group_of *g, const struct wn_vit_row *from)
{
    const struct wn_vit_job *job = g->job;
    const struct wn_vit_info *m = &job->enc->vit->info;
    const size_t tiles = (size_t)g->tile0[g->n], heads = (size_t)m->n_heads, dim = (size_t)m->dim;
    const size_t attn = wn_vit_tap_size(m, WN_VIT_CLS_ATTN), keys = wn_vit_tap_size(m, WN_VIT_KEY);
    const size_t tokens = (size_t)m->n_tokens, r = (size_t)job->rows->n;

    for (size_t k = 0; k < (size_t)job->n_attn; k++)
        for (size_t h = 0; h < heads; h++)
            job->rows->attn[(r * (size_t)job->n_attn + k) * heads + h] =
                mixed(from, m, g->attn + k * tiles * attn + h * tokens, attn, 1);
    for (size_t k = 0; k < (size_t)job->n_keys; k++)
        for (size_t c = 0; c < dim; c++)
            job->rows->keys[(r * (size_t)job->n_keys + k) * dim + c] =
                mixed(from, m, g->keys + k * tiles * keys + c, keys, dim);
    for (size_t h = 0; g->logits && h < heads; h++)
        job->rows->logits[r] += mixed(from, m, g->logits + h * tokens, attn, 1) / (float)heads;
}

/* ---- with filters between the layers ---- */

static bool mixes(const struct wn_vit_row *row)
{
    return row->weight[1] != 0 || row->weight[2] != 0 || row->weight[3] != 0;
}

/* The patches whose rows make row `plan` of a frame; false: none is left, and the row goes with
 * them. Rows of one patch are those that are left; a pooled row takes, for a patch that was merged,
 * the row which has it. */
static bool stand_in(const struct wn_vit_group_of *g, int i, const struct wn_vit_row *plan,
                     struct wn_vit_row *out)
{
    const int32_t patch0 = g->tile0[i] * g->job->enc->vit->info.n_patches;
    float sum = 0;

    *out = *plan;
    if (plan->from[0] < 0)
        return true;
    for (int k = 0; k < 4; k++) {
        out->from[k] += patch0;
        if (!g->job->reducer || plan->weight[k] == 0)
            continue;
        if (!mixes(plan))
            return g->left.alive[out->from[k]];
        out->from[k] = g->left.holder[out->from[k]];
        if (out->from[k] < 0)
            out->from[k] = out->weight[k] = 0;
        sum += out->weight[k];
    }
    for (int k = 0; sum > 0 && k < 4; k++)
        out->weight[k] /= sum;
    return !g->job->reducer || sum > 0;
}

static int entry(struct wn_vit_job *job, int64_t column, float weight)
{
    struct wn_sources *w = &job->rows->w;

    if (job->entries == job->room) {
        const int64_t room = 2 * job->room + 256;
        int32_t *idx = wn_regrow(w->idx, (size_t)room, sizeof(*idx));
        w->idx = idx ? idx : w->idx;
        float *more = idx ? wn_regrow(w->weight, (size_t)room, sizeof(*more)) : NULL;
        w->weight = more ? more : w->weight;
        if (!more || room > INT32_MAX)
            return WN_ERR_NOMEM;
        job->room = room;
    }
    w->idx[job->entries] = (int32_t)column;
    w->weight[job->entries++] = weight;
    return WN_OK;
}

/* The uncompressed row that is patch p of the group; -1: padding that was cut away. `row` [patches
 * of the frame]: by frame. */
static int64_t column_of(const struct wn_vit_group_of *g, int32_t p, int64_t *const *column)
{
    const int32_t n = g->job->enc->vit->info.n_patches;
    int i = 0;

    while (p / n >= g->tile0[i + 1])
        i++;
    return column[i][p - g->tile0[i] * n];
}

/* W of the row that is put next. */
static int give_sources(struct wn_vit_group_of *g, const struct wn_vit_row *plan,
                        const struct wn_vit_row *from, int64_t self)
{
    struct wn_vit_job *job = g->job;
    const struct wn_sources *w = &g->left.w;
    const int64_t before = job->entries;
    int err = WN_OK;

    if (plan->from[0] >= 0 && !mixes(plan)) {
        const int32_t r = g->left.row[from->from[0]];
        for (int32_t k = w->ptr[r]; k < w->ptr[r + 1]; k++) {
            const int64_t column = column_of(g, w->idx[k], g->column);
            if (column >= 0)
                TRY(entry(job, column, w->weight[k]));
        }
    }
    if (job->entries == before)
        TRY(entry(job, self, 1));
    job->rows->w.ptr[job->rows->n + 1] = (int32_t)job->entries;
    job->rows->w.n = job->rows->n + 1;
fail:
    return err;
}

/* Which uncompressed row each patch of a frame is. */
static int64_t *make_columns(const struct wn_vit_group_of *g, int i, int64_t row0)
{
    const struct wn_vit_plan *plan = &g->shape[i]->plan;
    const size_t n = (size_t)(g->tile0[i + 1] - g->tile0[i]) *
                     (size_t)g->job->enc->vit->info.n_patches;
    int64_t *column = wn_calloc(n, sizeof(*column));

    for (size_t p = 0; column && p < n; p++)
        column[p] = -1;
    for (int32_t r = 0; column && r < plan->n_rows; r++)
        for (int k = 0; k < 4 && plan->row[r].from[0] >= 0; k++)
            if (plan->row[r].weight[k] != 0 && column[plan->row[r].from[k]] < 0)
                column[plan->row[r].from[k]] = row0 + r;
    return column;
}

static int find_columns(struct wn_vit_group_of *g)
{
    int64_t row0 = g->job->uncompressed;

    for (int i = 0; i < g->n; i++) {
        g->column[i] = make_columns(g, i, row0);
        if (!g->column[i])
            return wn_nomem(g->job->enc->log, "rows of a segment");
        row0 += g->shape[i]->plan.n_rows;
    }
    return WN_OK;
}

/* ---- rows ---- */

static int give_row(struct wn_vit_group_of *g, int i, int32_t r)
{
    struct wn_vit_job *job = g->job;
    struct wn_rows *rows = job->rows;
    const struct wn_vit_row *plan = &g->shape[i]->plan.row[r];
    struct wn_vit_row from;

    if (!stand_in(g, i, plan, &from))
        return WN_OK;
    wn_vit_mix_row(rows->data + (size_t)rows->n * (size_t)rows->dim, &from, g->projected, rows->dim,
                   job->enc->newline);
    give_taps(g, &from);
    rows->cell[rows->n] = r;
    if (job->reducer) {
        const bool one = plan->from[0] >= 0 && !mixes(plan);
        rows->size[rows->n] = one ? g->left.size[from.from[0]] : 1;
        for (int k = 0; k < 4 && rows->score && plan->from[0] >= 0; k++)
            rows->score[rows->n] += from.weight[k] * g->left.score[from.from[k]];
        if (give_sources(g, plan, &from, job->uncompressed + r) < 0)
            return wn_nomem(job->enc->log, "the sources of rows");
    }
    rows->n++;
    return WN_OK;
}

int wn_vit_give_rows(struct wn_vit_group_of *g, int i)
{
    struct wn_vit_job *job = g->job;
    const struct wn_frame *frame = job->frames[g->first + i];
    const int32_t f = g->first + i;
    int err = WN_OK;

    if (job->reducer && !i)
        TRY(find_columns(g));
    for (int32_t r = 0; r < g->shape[i]->plan.n_rows; r++)
        TRY(give_row(g, i, r));
    job->uncompressed += g->shape[i]->plan.n_rows;
    job->rows->frame_ptr[f + 1] = job->rows->n;
    job->rows->frames[f] = (struct wn_row_frame){
        .index = f,
        .number = frame->number,
        .time = frame->time,
        .scene = frame->scene,
        .layout = wn_layout_ref(g->shape[i]->layout),
    };
fail:
    return err;
}
