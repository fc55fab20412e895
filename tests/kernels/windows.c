/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void check(struct kt *kt, int32_t n, int32_t labels)
{
    const struct wn_windows_params p = {n};

    kt_check(kt, &p,
             (void *[]){kt_ints(kt, n, 0, WN_MIN(labels, n) - 1), kt_out(kt, n), kt_out(kt, n),
                        kt_out(kt, n)},
             "%d frames, %d labels", n, labels);
}

static void cases(struct kt *kt)
{
    static const int32_t sizes[] = {1, 2, 3, 7, 16, 33, 100, 500};

    for (int i = 0; i < WN_LEN(sizes); i++) {
        for (int32_t labels = 1; labels < 40; labels = labels * 2 + 1)
            check(kt, sizes[i], labels);
    }
}

static void bench(struct kt *kt)
{
    const struct wn_windows_params p = {1000};

    kt_bench(kt, &p,
             (void *[]){kt_ints(kt, p.n, 0, 3), kt_out(kt, p.n), kt_out(kt, p.n), kt_out(kt, p.n)},
             (int64_t)p.n * 16, "1000 frames");
}

const struct kt_kernel kt_kernel_windows = {"windows", cases, bench};
