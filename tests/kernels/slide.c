/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void cases(struct kt *kt)
{
    static const int32_t reach[][2] = {{0, 0}, {2, 2}, {3, 0}, {0, 7}, {400, 400}};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++) {
            const struct kt_rows rows = kt_rows(kt, shape);
            const int32_t *way = reach[(shape + style) % WN_LEN(reach)];
            const struct wn_slide_params p = {
                .n = rows.n,
                .n_segments = rows.n_frames,
                .before = way[0],
                .after = way[1],
                .max = (shape + style / 2) % 2,
                .scale = kt_unit(kt),
            };
            float *x = kt_floats(kt, rows.n, 1, style);

            kt_check(kt, &p, (void *[]){x, rows.ptr, kt_out(kt, rows.n)}, "%s, %d to %d, %s, %s",
                     rows.name, -(int)way[0], (int)way[1], p.max ? "max" : "sum",
                     kt_style_name(style));
        }
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 32, 4096);
    const struct wn_slide_params p = {rows.n, rows.n_frames, 3, 3, 0, 1.0f / 7};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, 1, KT_PLAIN), rows.ptr, kt_out(kt, rows.n)},
             (int64_t)rows.n * 8, "32 segments of 4096, 7 wide");
}

const struct kt_kernel kt_kernel_slide = {"slide", cases, bench};
