/* SPDX-License-Identifier: MIT */
#include "harness.h"

/* Up to `most` entries a row, some rows without. */
static int32_t *begins(struct kt *kt, int32_t n_out, int32_t most)
{
    int32_t *w_ptr = kt_ints(kt, n_out + 1, 0, 0);

    for (int32_t r = 0; r < n_out; r++)
        w_ptr[r + 1] = w_ptr[r] + kt_between(kt, 0, most);
    return w_ptr;
}

static void check(struct kt *kt, int shape, int32_t dim, enum kt_style style)
{
    const struct kt_rows out = kt_rows(kt, shape);
    const struct wn_combine_params p = {out.n, out.n_frames, dim};
    const int32_t n_in = 90;
    int32_t *w_ptr = begins(kt, out.n, shape ? 7 : 300);
    const int32_t entries = w_ptr[out.n];
    float *x = kt_floats(kt, n_in, dim, style);
    int32_t *w_idx = kt_ints(kt, entries, 0, n_in - 1);
    float *w = kt_floats(kt, entries, 1, KT_PLAIN);

    kt_check(kt, &p,
             (void *[]){x, w_ptr, w_idx, w, out.ptr, kt_out(kt, (int64_t)out.n * dim)},
             "%s, %d wide, %s", out.name, dim, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t dims[] = {1, 3, 64, 255, 256, 257, 600};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++)
            check(kt, shape, dims[(shape + style) % WN_LEN(dims)], style);
    }
    for (int i = 0; i < WN_LEN(dims); i++)
        check(kt, 4, dims[i], KT_SPREAD);
}

static void bench(struct kt *kt)
{
    const struct kt_rows out = kt_even_rows(kt, 8, 64);
    const struct wn_combine_params p = {out.n, out.n_frames, 3584};
    const int32_t each = 9;
    int32_t *w_ptr = kt_ints(kt, out.n + 1, 0, 0);

    for (int32_t r = 0; r <= out.n; r++)
        w_ptr[r] = r * each;
    const int32_t entries = w_ptr[out.n];
    float *x = kt_floats(kt, entries, p.dim, KT_PLAIN);
    int32_t *w_idx = kt_ints(kt, entries, 0, entries - 1);
    kt_bench(kt, &p,
             (void *[]){x, w_ptr, w_idx, kt_floats(kt, entries, 1, KT_PLAIN), out.ptr,
                        kt_out(kt, (int64_t)out.n * p.dim)},
             ((int64_t)entries + out.n) * p.dim * 4, "8 x 64 of 3584, 9 entries each");
}

const struct kt_kernel kt_kernel_combine = {"combine", cases, bench};
