/* SPDX-License-Identifier: MIT */
#include "square.h"

/* Bits of which one in `rare` is set. */
static int32_t *likeness(struct kt *kt, int32_t n, int32_t words, int32_t rare)
{
    int32_t *bits = kt_ints(kt, (int64_t)n * words, 0, 0);

    for (int64_t i = 0; i < (int64_t)n * words; i++) {
        for (int b = 0; b < 32; b++)
            bits[i] = (int32_t)((uint32_t)bits[i] << 1 | (kt_below(kt, rare) == 0));
    }
    return bits;
}

static void check(struct kt *kt, int shape, int how, bool lose, enum kt_style style)
{
    static const int32_t dims[] = {1, 3, 64, 65, 150};
    const struct kt_rows rows = kt_rows(kt, shape);
    const struct wn_absorb_params p = {
        .n = rows.n,
        .n_frames = rows.n_frames,
        .dim = shape == 2 ? 3 : dims[(shape + how) % WN_LEN(dims)],
        .words = (kt_width(&rows) + 31) / 32,
        .how = how,
        .lose = lose,
    };

    kt_check(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.dim, style),
                        likeness(kt, rows.n, p.words, shape == 2 ? 400 : shape % 2 ? 5 : 40),
                        kt_floats(kt, rows.n, 1, KT_EQUAL), rows.ptr,
                        kt_out(kt, (int64_t)rows.n * p.dim), kt_out(kt, rows.n),
                        kt_out(kt, rows.n)},
             "%s, how %d, lose %d, %s", rows.name, how, lose, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    for (int shape = 0; shape < KT_SHAPES; shape++) {
        for (int how = 0; how < 3; how++)
            check(kt, shape, how, (shape + how) % 2, how == 1 ? KT_TIES : KT_PLAIN);
        check(kt, shape, WN_ABSORB_LARGEST, shape % 2, KT_TINY);
    }
}

static void bench(struct kt *kt)
{
    const struct kt_rows rows = kt_even_rows(kt, 4, 288);
    const struct wn_absorb_params p = {rows.n, rows.n_frames, 1024, 9, 0, 0};

    kt_bench(kt, &p,
             (void *[]){kt_floats(kt, rows.n, p.dim, KT_PLAIN),
                        likeness(kt, rows.n, p.words, 20),
                        kt_floats(kt, rows.n, 1, KT_EQUAL), rows.ptr,
                        kt_out(kt, (int64_t)rows.n * p.dim), kt_out(kt, rows.n),
                        kt_out(kt, rows.n)},
             (int64_t)rows.n * p.dim * 8, "4 frames of 288, 1024 wide");
}

const struct kt_kernel kt_kernel_absorb = {"absorb", cases, bench};
