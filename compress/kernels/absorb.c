/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

struct frame {
    const struct wn_absorb_params *p;
    const uint32_t *bits; /* of row `begin` on, as is what follows */
    const float *weight;
    float *z;
    int32_t *keep, *list;
    int32_t m;
};

/* Row i becomes what the rows of the list make together. */
static void make(const struct frame *f, int32_t i, int32_t count, float share)
{
    const int32_t dim = f->p->dim, how = f->p->how;

    for (int32_t c = 0; c < dim; c++) {
        float v = how == WN_ABSORB_LARGEST ? -3e38f : 0;
        for (int32_t k = 0; k < count; k++) {
            const int32_t j = f->list[k];
            const float z = f->z[(int64_t)j * dim + c];
            if (how == WN_ABSORB_LARGEST)
                v = wn_flushed(z) > v ? wn_flushed(z) : v;
            else
                v += how == WN_ABSORB_WEIGHTED ? f->weight[j] * z : z;
        }
        f->z[(int64_t)i * dim + c] = how == WN_ABSORB_LARGEST ? v : v * share;
    }
}

static void absorb(const struct frame *f, int32_t i)
{
    const uint32_t *like = f->bits + (int64_t)i * f->p->words;
    int32_t count = 0;
    float sum = 0;

    for (int32_t j = 0; j < f->m; j++) {
        if (like[j / 32] >> j % 32 & 1)
            f->list[count++] = j;
    }
    if (count < 2)
        return;
    for (int32_t k = 0; k < count; k++)
        sum += f->p->how == WN_ABSORB_WEIGHTED ? f->weight[f->list[k]] : 1;
    const float q = wn_rsqrt(sum > 1e-24f ? sum : 1e-24f);
    make(f, i, count, q * q);
    const int32_t stays = f->p->lose ? f->list[0] : i;
    for (int32_t k = 0; k < count; k++) {
        if (f->list[k] != stays)
            f->keep[f->list[k]] = 0;
    }
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_absorb_params *p = params;
    const int32_t *ptr = buf[3];

    for (int64_t t = first; t < end; t++) {
        const int64_t begin = ptr[t], m = ptr[t + 1] - begin;
        const struct frame f = {
            .p = p,
            .bits = (const uint32_t *)buf[1] + begin * p->words,
            .weight = (const float *)buf[2] + begin,
            .z = (float *)buf[4] + begin * p->dim,
            .keep = (int32_t *)buf[5] + begin,
            .list = (int32_t *)buf[6] + begin,
            .m = (int32_t)m,
        };
        for (int64_t c = 0; c < m * p->dim; c++)
            f.z[c] = ((const float *)buf[0])[begin * p->dim + c];
        for (int32_t i = 0; i < f.m; i++)
            f.keep[i] = 1;
        for (int32_t i = 0; i < f.m; i++) {
            if (f.keep[i])
                absorb(&f, i);
        }
    }
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, ((const struct wn_absorb_params *)params)->n_frames);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    wn_blocks(pool, ((const struct wn_absorb_params *)params)->n_frames, 1, part, params, buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_absorb_params *)params)->n_frames;
}

const struct wn_kernel wn_kernel_absorb = {
    .name = "absorb",
    .n_bufs = 7,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_absorb_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
