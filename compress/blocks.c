/* SPDX-License-Identifier: MIT */
#include "blocks.h"

struct blocks {
    int64_t n, size;
    void (*part)(const void *params, void *const *buf, int64_t first, int64_t end);
    const void *params;
    void *const *buf;
};

static void run_block(void *arg, int64_t i)
{
    const struct blocks *b = arg;
    const int64_t first = i * b->size;

    b->part(b->params, b->buf, first, WN_MIN(first + b->size, b->n));
}

void wn_blocks(struct wn_pool *pool, int64_t n, int64_t size,
               void (*part)(const void *params, void *const *buf, int64_t first, int64_t end),
               const void *params, void *const *buf)
{
    struct blocks b = {
        .n = n,
        .size = size,
        .part = part,
        .params = params,
        .buf = buf,
    };

    wn_pool_run(pool, (n + size - 1) / size, run_block, &b);
}
