/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

static void ref(const void *params, void *const *buf)
{
    const struct wn_repeat_params *p = params;
    const int32_t *ptr = buf[0], parts = p->parts;
    int32_t *idx = buf[1], *out_ptr = buf[2], at = 0;

    for (int32_t f = 0; f < p->n_frames; f++) {
        const int32_t begin = ptr[parts * f], end = ptr[parts * (f + 1)];
        for (int32_t k = 0; k < parts; k++)
            out_ptr[(parts + 1) * f + k] = ptr[parts * f + k] - begin + at;
        for (int32_t i = begin; i < end; i++)
            idx[at++] = i;
        out_ptr[(parts + 1) * f + parts] = at;
        for (int32_t i = ptr[parts * (f + 1) - 1]; i < end; i++)
            idx[at++] = i;
    }
    out_ptr[(parts + 1) * p->n_frames] = at;
}

static uint32_t groups(const void *params)
{
    return (uint32_t)(((const struct wn_repeat_params *)params)->n_frames);
}

const struct wn_kernel wn_kernel_repeat = {
    .name = "repeat",
    .n_bufs = 3,
    .access = {WN_READ, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_repeat_params),
    .ref = ref,
    .groups = groups,
};
