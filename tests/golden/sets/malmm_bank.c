/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/golden/chain.h"

/* What is left of one video, as [length][n]: the rows of each place in the order of time. */
static void place_rows(struct golden_case *c, const struct wn_rows *rows, int32_t length, int32_t n,
                       float *bank, int32_t *size)
{
    int32_t *used = wn_calloc((size_t)n, sizeof(*used));

    for (int32_t r = 0; used && r < rows->n; r++) {
        const int32_t cell = rows->cell[r], slot = used[cell]++;
        if (slot >= length) {
            golden_fail(c, "place %d has more than %d rows", (int)cell, (int)length);
            break;
        }
        memcpy(bank + ((int64_t)slot * n + cell) * rows->dim, rows->data + (int64_t)r * rows->dim,
               (size_t)rows->dim * sizeof(*bank));
        size[slot * n + cell] = rows->w.ptr[r + 1] - rows->w.ptr[r];
    }
    free(used);
}

static void run(struct golden_case *c)
{
    const int32_t length = (int32_t)golden_int(c, "bank_length");
    int64_t s[8] = {0};
    const float *x = golden_f32(c, "in.frames", s, NULL);
    const int32_t T = (int32_t)s[1], n = (int32_t)s[2], dim = (int32_t)s[3];
    float *bank = wn_calloc((size_t)(s[0] * length * n), (size_t)dim * sizeof(*bank));
    int32_t *size = wn_calloc((size_t)(s[0] * length * n), sizeof(*size));

    for (int64_t i = 0; !c->failed && bank && size && i < s[0]; i++) {
        struct wn_rows *rows = golden_rows(c, x + i * T * n * dim, T, 1, n, false, dim);
        if (golden_run_chain(c, &rows, false, "malmm=length=%d", (int)length))
            place_rows(c, rows, length, n, bank + i * length * n * dim, size + i * length * n);
        wn_rows_destroy(&rows);
    }
    if (!c->failed && bank && size) {
        golden_expect_f32(c, "out.bank", bank, s[0] * length * n * dim);
        golden_expect_i32(c, "out.size", size, s[0] * length * n);
    }
    free(bank);
    free(size);
}

const struct golden_set golden_malmm_bank = {
    .name = "malmm_bank",
    .runs_kernels = true,
    .run = run,
};
