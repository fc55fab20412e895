/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void segment(float scale, const float *x, int32_t m, float *y)
{
    float most = -3e38f, lane[WN_LANES] = {0};

    for (int32_t i = 0; i < m; i++) {
        const float z = scale * x[i];
        most = z > most ? z : most;
    }
    for (int32_t i = 0; i < m; i++) {
        y[i] = wn_exp(scale * x[i] - most);
        lane[i % WN_LANES] += y[i];
    }
    for (int half = WN_LANES / 2; half; half /= 2) {
        for (int l = 0; l < half; l++)
            lane[l] += lane[l + half];
    }
    const float q = wn_rsqrt(lane[0] > 1e-12f ? lane[0] : 1e-12f);
    for (int32_t i = 0; i < m; i++)
        y[i] = y[i] * (q * q);
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_shares_params *p = params;
    const int32_t *ptr = buf[1];

    for (int32_t s = 0; s < p->n_segments; s++)
        segment(p->scale, (const float *)buf[0] + ptr[s], ptr[s + 1] - ptr[s],
                (float *)buf[2] + ptr[s]);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_shares_params *)params)->n_segments;
}

const struct wn_kernel wn_kernel_shares = {
    .name = "shares",
    .n_bufs = 3,
    .access = {WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_shares_params),
    .ref = ref,
    .groups = groups,
};
