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

static void check(struct kt *kt, int shape, enum kt_style style, bool sizes)
{
    const struct kt_rows out = kt_rows(kt, shape);
    const struct wn_weigh_params p = {out.n, out.n_frames};
    const int32_t n_in = 90;
    int32_t *w_ptr = begins(kt, out.n, shape ? 7 : 300);
    const int32_t entries = w_ptr[out.n];
    float *v = kt_floats(kt, n_in, 1, style);

    for (int32_t i = 0; sizes && i < n_in; i++)
        v[i] = (float)kt_between(kt, 0, 9);
    kt_check(kt, &p,
             (void *[]){v, w_ptr, kt_ints(kt, entries, 0, n_in - 1), out.ptr, kt_out(kt, entries),
                        kt_out(kt, out.n)},
             "%s, %s", out.name, sizes ? "sizes" : kt_style_name(style));
}

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++)
            check(kt, shape, style, false);
        check(kt, shape, KT_PLAIN, true);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows out = kt_even_rows(kt, 64, 98);
    const struct wn_weigh_params p = {out.n, out.n_frames};
    int32_t *w_ptr = kt_ints(kt, out.n + 1, 0, 0);

    for (int32_t r = 0; r <= out.n; r++)
        w_ptr[r] = 2 * r;
    const int32_t entries = w_ptr[out.n];
    int32_t *w_idx = kt_ints(kt, entries, 0, 0);
    for (int32_t k = 0; k < entries; k++)
        w_idx[k] = k;
    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, entries, 1, KT_PLAIN), w_ptr, w_idx, out.ptr,
                        kt_out(kt, entries), kt_out(kt, out.n)},
             ((int64_t)entries * 3 + 2 * out.n) * 4, "64 x 98, 2 entries each");
}

const struct kt_kernel kt_kernel_weigh = {"weigh", cases, bench};
