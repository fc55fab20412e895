/* SPDX-License-Identifier: MIT */
/* Acts over all segments: compress/budget.c. */
#include "pipeline/compressor.h"

struct budget {
    const AVClass *class;
    int64_t tokens;
    int floor;
};

void wn_budget_options(const struct wn_instance *instance, int64_t *tokens, int32_t *floor)
{
    const struct budget *f = instance->priv;

    *tokens = f->tokens;
    *floor = f->floor;
}

static const AVOption options[] = {
    {"tokens", "KV cells of rows and frame labels together; 0: what the context holds",
     offsetof(struct budget, tokens), AV_OPT_TYPE_INT64, {.i64 = 0}, 0, 1e12, 0, NULL},
    {"floor", "rows that each segment keeps while they fit", offsetof(struct budget, floor),
     AV_OPT_TYPE_INT, {.i64 = 8}, 0, 1 << 20, 0, NULL},
    {NULL},
};

const struct wn_filter wn_filter_budget = {
    .name = "budget",
    .brief = "keeps the best rows of the whole video that fit, as segments come",
    .family = WN_BUDGET,
    .places = WN_AT_TOKEN,
    .options = options,
    .priv_size = sizeof(struct budget),
};
