/* SPDX-License-Identifier: MIT */
#include "around.h"

/* Where each row's entries begin, as around_count and scan give it. */
static int32_t *begins(struct kt *kt, const struct kt_around *a, int32_t k)
{
    int32_t *w_ptr = kt_ints(kt, (int64_t)a->out.n + 1, 0, 0);

    for (int32_t r = 0; r < a->out.n; r++) {
        int32_t count = 0;
        if (r < a->out.rows) {
            const int32_t f = kt_frame_of(&a->rows, a->base[r]);
            const int32_t m = a->rows.ptr[f + 1] - a->rows.ptr[f];
            for (int32_t i = a->rows.ptr[f]; i < a->rows.ptr[f + 1]; i++)
                count += !a->flag[i];
            count = a->flag[a->base[r]] ? 1 + WN_MIN(k, m - 1) : count;
        }
        w_ptr[r + 1] = w_ptr[r] + count;
    }
    return w_ptr;
}

static void check(struct kt *kt, int shape, int32_t rare, int32_t k, enum kt_style style)
{
    const struct kt_around a = kt_around(kt, kt_rows(kt, shape), rare);
    const struct kt_strip s = kt_strip(kt, &a.out, shape + style);
    const struct wn_around_fill_params p = {s.n, a.rows.n_frames, kt_width(&a.rows), s.skip};
    const int64_t entries = (int64_t)a.rows.n * (k + 2);

    kt_check(kt, &p,
             (void *[]){kt_floats(kt, s.n, p.width, style), a.rows.ptr, a.flag,
                        kt_floats(kt, a.rows.n, 1, KT_PLAIN), a.base, begins(kt, &a, k),
                        kt_out(kt, entries), kt_out(kt, entries)},
             "%s, k %d, one in %d, %s", a.rows.name, k, rare + 1, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const int32_t rare[] = {0, 1, 4, 30}, most[] = {0, 1, 5, WN_AROUND_MOST};

    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int style = 0; style < KT_STYLES; style++)
            check(kt, shape, rare[style % WN_LEN(rare)], most[(shape + style) % WN_LEN(most)],
                  style);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_around a = kt_around(kt, kt_even_rows(kt, 64, 576), 8);
    const struct wn_around_fill_params p = {a.rows.n, a.rows.n_frames, 576, 0};
    const int64_t entries = (int64_t)a.rows.n * 34;

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, a.rows.n, 576, KT_PLAIN), a.rows.ptr, a.flag,
                        kt_floats(kt, a.rows.n, 1, KT_PLAIN), a.base, begins(kt, &a, 32),
                        kt_out(kt, entries), kt_out(kt, entries)},
             (int64_t)a.out.rows * 576 * 4, "64 frames of 576, 32 around one in 9");
}

const struct kt_kernel kt_kernel_around_fill = {"around_fill", cases, bench};
