/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* How many stay: 0 none, 1 all, 2 more than there are, 3 any number. */
static int32_t *table_of(struct kt *kt, int32_t n, int how)
{
    int32_t *table = kt_ints(kt, n + 1, 0, 0);

    for (int32_t m = 0; m <= n; m++)
        table[m] = how == 0 ? 0 : how == 1 ? m : how == 2 ? m + 3 : kt_between(kt, 0, m);
    return table;
}

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int i = 0; i < 16; i++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_spread_params p = {rows.n, rows.n_frames, i % 2};
            int32_t *table = table_of(kt, rows.n, i / 2 % 4);
            int32_t *among = kt_ints(kt, rows.n, i < 8, 1);

            kt_check(kt, &p, (void *[]){rows.ptr, table, among, kt_out(kt, rows.n)},
                     "%s, table %d, stepped %d, %s", rows.name, i / 2 % 4, p.stepped,
                     i < 8 ? "all" : "some");
        }
    }
    /* j * k beyond 31 bits. */
    const struct kt_rows rows = kt_even_rows(kt, 1, 59999);
    const struct wn_spread_params p = {rows.n, rows.n_frames, 0};
    int32_t *table = kt_ints(kt, rows.n + 1, 58001, 58001);
    kt_check(kt, &p, (void *[]){rows.ptr, table, kt_ints(kt, rows.n, 1, 1), kt_out(kt, rows.n)},
             "large products");
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 64, 196);
    const struct wn_spread_params p = {rows.n, rows.n_frames, 0};

    kt_bench(kt, &p,
             (void *[]){rows.ptr, table_of(kt, rows.n, 3), kt_ints(kt, rows.n, 0, 1),
                        kt_out(kt, rows.n)},
             (int64_t)rows.n * 8, "64 frames of 196");
}

const struct kt_kernel kt_kernel_spread = {"spread", cases, bench};
