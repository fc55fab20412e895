/* SPDX-License-Identifier: MIT */
/* The own encoder's products, against sums in double. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>

#include "pipeline/util.h"
#include "vision/vit_f16.h"
#include "vision/vit_q8.h"

/* The packed product against the sum it stands for, in double, with sizes that fill no block, no
 * group of outputs and no tile of tokens. */
static void check_product(int64_t in, int64_t out, int64_t n)
{
    const int64_t wide = (in + 31) / 32 * 32;
    const size_t row = ggml_row_size(GGML_TYPE_Q8_0, wide);
    float *x = wn_calloc((size_t)(n * in), sizeof(*x));
    float *w = wn_calloc((size_t)(out * wide), sizeof(*w));
    float *y = wn_calloc((size_t)(n * out), sizeof(*y));
    void *rows = wn_calloc((size_t)out, row), *packed = wn_calloc(wn_vit_q8_size(in, out), 1);
    struct ggml_tensor a = {.data = packed}, b = {.ne = {in, n, 1, 1}, .data = x};
    struct ggml_tensor c = {.ne = {out, n, 1, 1}, .data = y, .src = {&a, &b}};
    double worst = 0, largest = 0;

    for (int64_t i = 0; i < n * in; i++)
        x[i] = sinf((float)i * 0.7f);
    for (int64_t i = 0; i < out * wide; i++)
        w[i] = i % wide < in ? cosf((float)i * 0.3f) : 0;
    ggml_quantize_chunk(GGML_TYPE_Q8_0, w, rows, 0, out, wide, NULL);
    wn_vit_q8_pack(packed, rows, row, wide, out);
    for (int k = 0; k < 3; k++)
        wn_vit_q8_op(&c, k, 3, NULL);
    for (int64_t t = 0; t < n; t++)
        for (int64_t o = 0; o < out; o++) {
            double sum = 0;

            for (int64_t i = 0; i < in; i++)
                sum += (double)x[t * in + i] * w[o * wide + i];
            worst = fmax(worst, fabs(sum - y[t * out + o]));
            largest = fmax(largest, sqrt((double)in) / 2);
        }
    if (worst > 0.02 * largest)
        fail_msg("%d x %d, %d tokens: off by %g of %g", (int)in, (int)out, (int)n, worst, largest);
    free(x);
    free(w);
    free(y);
    free(rows);
    free(packed);
}

static void check_f16(int64_t in, int64_t out, int64_t n)
{
    float *x = wn_calloc((size_t)(n * in), sizeof(*x));
    float *y = wn_calloc((size_t)(n * out), sizeof(*y));
    ggml_fp16_t *w = wn_calloc((size_t)(out * in), sizeof(*w));
    void *packed = wn_calloc(wn_vit_f16_size(in, out), 1);
    struct ggml_tensor a = {.data = packed}, b = {.ne = {in, n, 1, 1}, .data = x};
    struct ggml_tensor c = {.ne = {out, n, 1, 1}, .data = y, .src = {&a, &b}};

    for (int64_t i = 0; i < n * in; i++)
        x[i] = sinf((float)i * 0.7f);
    for (int64_t i = 0; i < out * in; i++)
        w[i] = ggml_fp32_to_fp16(cosf((float)i * 0.3f));
    wn_vit_f16_pack(packed, w, in, out);
    for (int k = 0; k < 2; k++)
        wn_vit_f16_op(&c, k, 2, NULL);
    for (int64_t t = 0; t < n; t++)
        for (int64_t o = 0; o < out; o++) {
            double sum = 0;

            for (int64_t i = 0; i < in; i++)
                sum += (double)x[t * in + i] * ggml_fp16_to_fp32(w[o * in + i]);
            assert_float_equal(sum, y[t * out + o], 1e-5 * (double)in);
        }
    free(x);
    free(y);
    free(w);
    free(packed);
}

static void test_f16_products(void **state)
{
    if (!wn_vit_f16_runs())
        skip();
    check_f16(1, 1, 1);
    check_f16(40, 5, 7);
    check_f16(17, 33, 13);
    check_f16(96, 80, 100);
}

static void test_products(void **state)
{
    if (!wn_vit_q8_runs())
        skip();
    check_product(32, 16, 1);
    check_product(40, 5, 7);
    check_product(17, 33, 13);
    check_product(96, 48, 300);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_products),
        cmocka_unit_test(test_f16_products),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
