/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static uint32_t hash(uint32_t seed, uint32_t id, uint32_t cell)
{
    const uint32_t v[2] = {id, cell};
    uint32_t h = seed;

    for (int k = 0; k < 2; k++) {
        h = (h ^ v[k]) * 0x9e3779b1u;
        h ^= h >> 15;
    }
    h *= 0x85ebca6bu;
    return h ^ h >> 13;
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_noise_params *p = params;
    const int32_t *ptr = buf[0];
    const uint32_t *id = buf[1], *cell = buf[2];
    float *key = buf[3];

    for (int32_t s = 0; s < p->n_segments; s++) {
        for (int32_t i = ptr[s]; i < ptr[s + 1]; i++)
            key[i] = (float)(hash(p->seed, id[s], cell[i]) >> 8);
    }
}

static uint32_t groups(const void *params)
{
    const struct wn_noise_params *p = params;

    return (uint32_t)((p->n + 63) / 64);
}

const struct wn_kernel wn_kernel_noise = {
    .name = "noise",
    .n_bufs = 4,
    .access = {WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_noise_params),
    .ref = ref,
    .groups = groups,
};
