/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

/* s: products of row `own` with the m rows of its frame. list: the k best others. */
static void find(const float *s, int32_t m, int32_t own, int32_t k, int32_t *list)
{
    int32_t n = 0;

    for (int32_t j = 0; j < m; j++) {
        if (j == own || (n == k && (!k || !(s[j] > s[list[k - 1]]))))
            continue;
        int32_t at = n < k ? n++ : k - 1;
        for (; at > 0 && s[j] > s[list[at - 1]]; at--)
            list[at] = list[at - 1];
        list[at] = j;
    }
}

static void part(const void *params, void *const *buf, int64_t first, int64_t end)
{
    const struct wn_around_fill_params *p = params;
    const int32_t *ptr = buf[1], *flag = buf[2], *base = buf[4], *w_ptr = buf[5];
    const float *s = buf[0], *a = buf[3];
    int32_t *w_idx = buf[6];
    float *w = buf[7];

    for (int64_t r = p->skip + first; r < p->skip + end; r++) {
        int32_t at = w_ptr[r], list[WN_AROUND_MOST];
        const int32_t entries = w_ptr[r + 1] - at;
        if (!entries)
            continue;
        const int32_t own = base[r], f = wn_segment_of(ptr, p->n_frames, own), begin = ptr[f];
        if (flag[own]) {
            find(s + (r - p->skip) * p->width, ptr[f + 1] - begin, own - begin, entries - 1, list);
            w_idx[at] = own;
            w[at++] = 1;
            for (int32_t k = 0; k < entries - 1; k++, at++) {
                w_idx[at] = begin + list[k];
                w[at] = a[begin + list[k]];
            }
        }
        for (int32_t i = begin; !flag[own] && i < ptr[f + 1]; i++) {
            if (!flag[i]) {
                w_idx[at] = i;
                w[at++] = a[i];
            }
        }
    }
}

static void ref(const void *params, void *const *buf)
{
    part(params, buf, 0, ((const struct wn_around_fill_params *)params)->n_out);
}

static void fast(const void *params, void *const *buf, struct wn_pool *pool)
{
    wn_blocks(pool, ((const struct wn_around_fill_params *)params)->n_out, 16, part, params, buf);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((const struct wn_around_fill_params *)params)->n_out;
}

const struct wn_kernel wn_kernel_around_fill = {
    .name = "around_fill",
    .n_bufs = 8,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct wn_around_fill_params),
    .ref = ref,
    .fast = fast,
    .groups = groups,
};
