/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/golden/chain.h"

/* ---- one matching ---- */

static void run_matching(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);
    const int32_t special = (int32_t)golden_int(c, "cls_num");
    struct wn_rows *rows = x ? golden_rows(c, x, (int32_t)shape[0], 1, (int32_t)shape[1] - 1, true,
                                           (int32_t)shape[2]) : NULL;

    if (rows)
        golden_set_size(c, rows, golden_f32(c, "in.size", NULL, NULL));
    for (int32_t k = 0; rows && k < special; k++)
        rows->frames[0].layout->pos[k][0] = rows->frames[0].layout->pos[k][1] = -1;
    if (golden_run_chain(c, &rows, true, "tome=r=%d:order=paper", (int)golden_int(c, "r"))) {
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
        golden_expect_f32(c, "out.size", rows->size, rows->n);
        golden_expect_groups(c, "out.group", rows, (int32_t)shape[0], (int32_t)shape[1]);
    }
    wn_rows_destroy(&rows);
}

/* ---- a block: across frames, then within what they became ---- */

static double share(struct golden_case *c, size_t i)
{
    json_t *list = golden_meta(c, "proportions");
    const double v = json_number_value(json_array_get(list, i));

    json_decref(list);
    return v;
}

/* Positions of frames, which the authors' code adds behind the matching by rows as they are: what
 * the rows of a clip become of rows with positions. x: the rows that came in, [frames][n][dim]. */
static void add_positions(struct golden_case *c, struct wn_rows *rows, const float *x, int32_t n)
{
    int64_t shape[8] = {0};
    const float *pos = golden_f32(c, "in.pos", shape, NULL);
    const int64_t dim = rows->dim;

    for (int64_t r = 0; pos && r < rows->n; r++) {
        for (int64_t e = 0; e < dim; e++) {
            double sum = 0;
            for (int32_t k = rows->w.ptr[r]; k < rows->w.ptr[r + 1]; k++) {
                const int64_t from = rows->w.idx[k], frame = from / n % shape[1];
                sum += (double)rows->w.weight[k] * (x[from * dim + e] + pos[frame * dim + e]);
            }
            rows->data[r * dim + e] = (float)sum;
        }
    }
}

static int32_t count_special(const struct wn_rows *rows, int32_t frame)
{
    int32_t n = 0, pos[2];

    for (int32_t i = rows->frame_ptr[frame]; i < rows->frame_ptr[frame + 1]; i++) {
        wn_rows_pos(rows, i, pos);
        n += pos[0] < 0;
    }
    return n;
}

static void run_block(struct golden_case *c)
{
    int64_t shape[8] = {0};
    const float *x = golden_f32(c, "in.tokens", shape, NULL);
    const int join = (int)golden_int(c, "M_frame_num");
    struct wn_rows *rows = x ? golden_rows(c, x, (int32_t)shape[0], 1, (int32_t)shape[1] - 1, true,
                                           (int32_t)shape[2]) : NULL;
    bool done;

    if (golden_int(c, "frame_pos")) {
        done = golden_run_chain(c, &rows, true, "tempme=frames=%d:across=%g:within=0:order=paper",
                                join, share(c, 0));
        if (done)
            add_positions(c, rows, x, (int32_t)shape[1]);
        done = done && golden_run_chain(c, &rows, true,
                                        "tempme=frames=1:across=0:within=%g:order=paper",
                                        share(c, 1));
    } else {
        done = golden_run_chain(c, &rows, true, "tempme=frames=%d:across=%g:within=%g:order=paper",
                                join, share(c, 0), share(c, 1));
    }
    if (done) {
        const int32_t info[] = {count_special(rows, 0), rows->frame_ptr[1],
                                rows->n_frames / (int32_t)golden_int(c, "B")};
        golden_expect_f32(c, "out.tokens", rows->data, (int64_t)rows->n * rows->dim);
        golden_expect_f32(c, "out.size", rows->size, rows->n);
        golden_expect_i32(c, "out.info", info, 3);
    }
    wn_rows_destroy(&rows);
}

static void run(struct golden_case *c)
{
    if (golden_has(c, "M_frame_num"))
        run_block(c);
    else
        run_matching(c);
}

const struct golden_set golden_tempme = {
    .name = "tempme",
    .runs_kernels = true,
    .run = run,
};
