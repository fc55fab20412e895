/* SPDX-License-Identifier: MIT */
#include "harness.h"

static const char *const hows[] = {"exact", "floor", "own"};

/* Rows are parts here; caps and amounts are whole numbers. */
static void check(struct kt *kt, struct kt_rows rows, enum wn_divide how, int weights)
{
    const struct wn_divide_params p = {rows.n, rows.n_frames, how};
    float *w = kt_floats(kt, rows.n, 1, KT_PLAIN), *cap = kt_floats(kt, rows.n, 1, KT_PLAIN);
    float *fixed = kt_floats(kt, rows.n, 1, KT_PLAIN);
    float *amount = kt_floats(kt, rows.n_frames, 1, KT_PLAIN);

    for (int32_t s = 0; s < rows.n; s++) {
        w[s] = weights == 0 ? 0 : weights == 1 ? (float)kt_below(kt, 5)
             : weights == 2 ? (float)kt_below(kt, 600) : kt_unit(kt) + 1;
        cap[s] = (float)kt_below(kt, 600);
        fixed[s] = kt_below(kt, 5) ? -1 : (float)kt_below(kt, 9);
    }
    for (int32_t f = 0; f < rows.n_frames; f++)
        amount[f] = (float)kt_below(kt, kt_below(kt, 2) ? 20 : 4000);
    kt_check(kt, &p, (void *[]){w, cap, fixed, rows.ptr, amount, kt_out(kt, rows.n)},
             "%s, %s, weights %d", rows.name, hows[how], weights);
}

static void cases(struct kt *kt)
{
    static const int shapes[] = {0, 1, 3, 4, 5, 6, 7}; /* a frame has a few parts */

    for (int i = 0; i < WN_LEN(shapes); i++) {
        for (int weights = 0; weights < 4; weights++) {
            for (int how = 0; how < WN_LEN(hows); how++)
                check(kt, kt_rows(kt, shapes[i]), (enum wn_divide)how, weights);
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 6);
    const struct wn_divide_params p = {rows.n, rows.n_frames, WN_DIVIDE_EXACT};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, KT_EQUAL), kt_floats(kt, rows.n, 1, KT_EQUAL),
                        kt_floats(kt, rows.n, 1, KT_EQUAL), rows.ptr,
                        kt_floats(kt, rows.n_frames, 1, KT_EQUAL), kt_out(kt, rows.n)},
             (int64_t)rows.n * 16, "64 frames of 6 parts");
}

const struct kt_kernel kt_kernel_divide = {"divide", cases, bench};
