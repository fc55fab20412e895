/* SPDX-License-Identifier: MIT */
#include "harness.h"

static void check(struct kt *kt, struct wn_logits_params p, enum kt_style style)
{
    const int64_t n_kv = (p.n_heads + p.group - 1) / p.group;
    float *q = kt_floats(kt, (int64_t)p.n_heads * p.q_stride, p.dim, style);
    float *k = kt_floats(kt, n_kv * p.k_stride, p.dim, style);

    kt_check(kt, &p,
             (void *[]){q, k, kt_out(kt, (int64_t)p.n_heads * p.n_queries * p.n_keys)},
             "%d heads in groups of %d, %d queries, %d keys, %d wide, %s", (int)p.n_heads,
             (int)p.group, (int)p.n_queries, (int)p.n_keys, (int)p.dim, kt_style_name(style));
}

static void cases(struct kt *kt)
{
    static const struct wn_logits_params shapes[] = {
        {1, 1, 1, 0, 1, 1, 1, 1, 1},
        {2, 2, 1, 3, 4, 9, 9, 64, 0.125f},
        {4, 2, 5, 2, 9, 17, 20, 63, 0.5f},
        {3, 1, 8, 0, 8, 8, 8, 65, 1},
        {6, 3, 33, 7, 40, 41, 41, 130, 0.1f},
        {2, 1, 0, 0, 4, 5, 5, 8, 1},
    };

    for (int style = 0; style < KT_STYLES; style++) {
        for (int i = 0; i < WN_LEN(shapes); i++)
            check(kt, shapes[i], style);
    }
}

static void bench(struct kt *kt)
{
    const struct wn_logits_params p = {32, 4, 32, 0, 32, 2048, 2048, 128, 0.0884f};
    float *q = kt_floats(kt, (int64_t)p.n_heads * p.q_stride, p.dim, KT_PLAIN);
    float *k = kt_floats(kt, (int64_t)p.n_heads / p.group * p.k_stride, p.dim, KT_PLAIN);

    kt_bench(kt, &p, (void *[]){q, k, kt_out(kt, (int64_t)p.n_heads * p.n_queries * p.n_keys)},
             ((int64_t)p.n_heads / p.group * p.n_keys * p.dim +
              (int64_t)p.n_heads * p.n_queries * (p.dim + p.n_keys)) * 4,
             "32 heads in groups of 4, 32 queries, 2048 keys of 128");
}

const struct kt_kernel kt_kernel_logits = {"logits", cases, bench};
