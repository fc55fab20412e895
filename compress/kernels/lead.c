/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

#include <stdlib.h>

static void ref(const void *params, void *const *buf)
{
    const struct wn_lead_params *p = params;
    const float *x = buf[0];
    const int32_t *label = buf[1], *ptr = buf[2];
    int32_t *flag = buf[3];

    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) {
            flag[i] = label[i] >= 0;
            for (int32_t j = ptr[f]; flag[i] && j < ptr[f + 1]; j++)
                flag[i] = label[j] != label[i] || x[j] > x[i] || (x[j] == x[i] && j >= i);
        }
    }
}

/* One pass with the best row of each label so far, when labels are small numbers. */
static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    const struct wn_lead_params *p = params;
    const float *x = buf[0];
    const int32_t *label = buf[1], *ptr = buf[2], n = ptr[p->n_frames];
    int32_t *flag = buf[3], *best, most = 0;

    for (int32_t i = 0; i < n; i++)
        most = WN_MAX(most, label[i]);
    best = most < 1 << 22 ? wn_calloc((size_t)most + 1, sizeof(*best)) : NULL;
    if (!best) {
        ref(params, buf);
        return;
    }
    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) { /* best: 1 + the row */
            flag[i] = 0;
            if (label[i] < 0)
                continue;
            int32_t *of = &best[label[i]];
            if (!*of || x[i] < x[*of - 1])
                *of = i + 1;
        }
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) {
            if (label[i] >= 0 && best[label[i]]) {
                flag[best[label[i]] - 1] = 1;
                best[label[i]] = 0;
            }
        }
    }
    free(best);
}

static uint32_t groups(const void *params)
{
    const struct wn_lead_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_lead = {
    .name = "lead",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_lead_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
