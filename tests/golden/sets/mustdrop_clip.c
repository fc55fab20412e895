/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "tests/golden/reduced.h"

/* The last row of each merged window, and the rows that stay themselves, without CLS. */
static void check_windows(struct golden_case *c, const struct golden_state *s)
{
    int32_t *dst = golden_alloc(c, s->n), *stays = golden_alloc(c, s->n), n_dst = 0, n_stays = 0;
    float *size = golden_alloc(c, s->n);

    for (int32_t r = 0; dst && stays && size && r < s->n; r++) {
        const int32_t first = s->w.ptr[r], end = s->w.ptr[r + 1];

        size[r] = (float)(end - first);
        if (end - first > 1)
            dst[n_dst++] = s->w.idx[end - 1] - 1;
        else if (s->w.idx[first] > 0)
            stays[n_stays++] = s->w.idx[first] - 1;
    }
    golden_expect_i32(c, "out.merged_dst_idx", dst, n_dst);
    golden_expect_i32(c, "out.unmerged_idx", stays, n_stays);
    golden_expect_f32(c, "out.size", size, s->n);
}

/* The rows with most of the last layer's CLS attention. */
static void check_keys(struct golden_case *c, const struct golden_tower_run *run)
{
    const struct golden_state *s = &run->state[run->n_layers];
    const int32_t tokens = run->vit->info.n_tokens, heads = run->vit->info.n_heads;
    const int32_t n = (int32_t)ceil(golden_num(c, "keep_rate") * (s->n - 1));
    float *score = golden_alloc(c, s->n);
    int32_t *best = golden_alloc(c, n);

    for (int32_t r = 1; score && r < s->n; r++)
        for (int32_t h = 0; h < heads; h++)
            score[r] += run->cls_attn[h * tokens + s->cell[r]] / (float)heads;
    for (int32_t k = 0; score && best && k < n; k++) {
        int32_t at = 1;
        for (int32_t r = 1; r < s->n; r++)
            at = score[r] > score[at] ? r : at;
        best[k] = at - 1;
        score[at] = -1;
    }
    if (best)
        golden_expect_i32(c, "out.key_set", best, n);
}

static void run(struct golden_case *c)
{
    struct golden_tower_run run;

    if (golden_run_reduced(c, &run, "tower-full-f16.gguf",
                           "mustdrop_spatial=threshold=%g:window=%d:order=paper",
                           golden_num(c, "threshold"), (int)golden_int(c, "window"))) {
        golden_expect_states(c, &run, "", 0);
        check_windows(c, &run.state[1]);
        check_keys(c, &run);
    }
    golden_free_reduced(&run);
}

const struct golden_set golden_mustdrop_clip = {
    .name = "mustdrop_clip",
    .runs_kernels = true,
    .run = run,
};
