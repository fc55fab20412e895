/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void check(struct kt *kt, struct wn_reduce_params p, enum kt_style style, const char *label)
{
    float *x = kt_floats(kt, p.n, p.width, style);
    float *y = kt_out(kt, (int64_t)p.n * p.n_c);

    kt_check(kt, &p, (void *[]){x, y}, "%s, %s", label, kt_style_name(style));
}

/* Layers, heads and columns in a row's memory, a random part of each taken. */
static struct wn_reduce_params random_params(struct kt *kt)
{
    const int32_t layers = kt_between(kt, 1, 4), heads = kt_between(kt, 1, 17),
                  columns = kt_between(kt, 1, 9);
    const int32_t first = kt_below(kt, columns), spare = kt_below(kt, 5);

    return (struct wn_reduce_params){
        .n = kt_between(kt, 1, 200),
        .width = spare + layers * heads * columns,
        .offset = spare + first,
        .n_c = kt_between(kt, 1, columns - first),
        .step_c = 1,
        .n_a = kt_between(kt, 1, layers),
        .step_a = heads * columns,
        .n_b = kt_between(kt, 1, heads),
        .step_b = columns,
        .scale = kt_unit(kt),
        .max = kt_below(kt, 2),
    };
}

static const struct wn_reduce_params
    one = {.n = 1, .width = 1, .n_c = 1, .n_a = 1, .n_b = 1, .scale = 1},
    none = {.n = 0, .width = 4, .n_c = 1, .n_a = 4, .step_a = 1, .n_b = 1, .scale = 1},
    nothing_to_add = {.n = 3, .width = 4, .n_c = 1, .n_b = 1, .scale = 1},
    last_first = {.n = 65, .width = 12, .offset = 11, .n_c = 1, .n_a = 12, .step_a = -1, .n_b = 1,
                  .scale = 0.25f},
    largest = {.n = 65, .width = 12, .n_c = 4, .step_c = 1, .n_a = 3, .step_a = 4, .n_b = 1,
               .scale = 1, .max = 1},
    none_largest = {.n = 3, .width = 4, .n_c = 1, .n_b = 1, .scale = 1, .max = 1},
    strided = {.n = 33, .width = 60, .n_c = 5, .step_c = 12, .n_a = 3, .step_a = 4, .n_b = 4,
               .step_b = 1, .scale = 1.0f / 3},
    heads = {.n = 576, .width = 16, .n_c = 1, .n_a = 16, .step_a = 1, .n_b = 1, .scale = 1.0f / 16};

static void cases(struct kt *kt)
{
    for (int style = 0; style < KT_STYLES; style++) {
        check(kt, one, style, "one");
        check(kt, none, style, "no row");
        check(kt, nothing_to_add, style, "nothing to add");
        check(kt, last_first, style, "last first");
        check(kt, largest, style, "largest");
        check(kt, none_largest, style, "largest of none");
        check(kt, strided, style, "strided");
        check(kt, heads, style, "heads");
        for (int i = 0; i < 6; i++)
            check(kt, random_params(kt), style, "random");
    }
}

static void bench(struct kt *kt)
{
    const struct wn_reduce_params means = {
        .n = 64 * 576, .width = 16, .n_c = 1, .n_a = 16, .step_a = 1, .n_b = 1, .scale = 1.0f / 16,
    };
    const struct wn_reduce_params keys = {
        .n = 8 * 576, .width = 1024, .n_c = 64, .step_c = 1, .n_a = 16, .step_a = 64, .n_b = 1,
        .scale = 1.0f / 16,
    };

    kt_bench(kt, &means, (void *[]){kt_floats(kt, means.n, 16, KT_PLAIN), kt_out(kt, means.n)},
             (int64_t)means.n * 17 * 4, "64 x 576 rows, 16 heads");
    kt_bench(kt, &keys,
             (void *[]){kt_floats(kt, keys.n, 1024, KT_PLAIN), kt_out(kt, (int64_t)keys.n * 64)},
             (int64_t)keys.n * (1024 + 64) * 4, "8 x 576 rows, 16 heads of 64");
}

const struct kt_kernel kt_kernel_reduce = {"reduce", cases, bench};
