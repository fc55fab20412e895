/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 3, 64, 65, 200};
    static const float taus[] = {0, 0.5f, -0.2f, 2};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = shape % 2; style < KT_STYLES; style += 2) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const struct wn_alike_params p = {
                .n = rows.n,
                .n_segments = rows.n_frames,
                .dim = dims[(shape + style) % WN_LEN(dims)],
                .words = (rows.n + 31) / 32 + style % 2,
                .tau = taus[style % WN_LEN(taus)],
            };
            kt_check(kt, &p,
                     (void *[]){kt_floats(kt, rows.n, p.dim, (enum kt_style)style), rows.ptr,
                                kt_out(kt, (int64_t)rows.n * p.words)},
                     "%s, %d wide, %s", rows.name, p.dim, kt_style_name((enum kt_style)style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 8, 196);
    const struct wn_alike_params p = {rows.n, rows.n_frames, 1024, 7, 0.9f};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.dim, KT_PLAIN), rows.ptr,
                        kt_out(kt, (int64_t)rows.n * p.words)},
             (int64_t)rows.n * p.dim * 4, "8 frames of 196, 1024 wide");
}

const struct kt_kernel kt_kernel_alike = {"alike", cases, bench};
