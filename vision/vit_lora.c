/* SPDX-License-Identifier: MIT */
#include "vit_lora.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../pipeline/trained.h"

struct delta { /* of a layer */
    float *a, *b; /* [rank][dim], [3 * dim][rank] */
    int64_t rank;
};

struct wn_vit_lora {
    struct delta layer[WN_MAX_LAYERS];
    int32_t n_layers, dim;
};

static int read_layer(struct wn_vit_lora *l, const struct wn_trained *file, int32_t layer)
{
    struct delta *d = &l->layer[layer];
    int64_t a[2] = {0, l->dim}, b[2] = {3 * (int64_t)l->dim, 0};
    char name[96];
    int err;

    snprintf(name, sizeof(name), "visual.transformer.resblocks.%d.attn.TVPt_LoRA_a", (int)layer);
    TRY(wn_trained_get(file, name, 2, a, &d->a));
    snprintf(name, sizeof(name), "visual.transformer.resblocks.%d.attn.TVPt_LoRA_b", (int)layer);
    b[1] = a[0];
    TRY(wn_trained_get(file, name, 2, b, &d->b));
    d->rank = a[0];
fail:
    return err;
}

int wn_vit_lora_open(struct wn_vit_lora **out, const char *path, const struct wn_vit_info *m,
                     struct wn_log *log)
{
    struct wn_vit_lora *l = wn_calloc(1, sizeof(*l));
    struct wn_trained *file = NULL;
    int err;

    *out = NULL;
    if (!l)
        return wn_nomem(log, "trained weights");
    l->dim = m->dim;
    TRY(wn_trained_open(&file, path, log));
    while (l->n_layers < m->n_layers)
        TRY(read_layer(l, file, l->n_layers++));
    *out = l;
    l = NULL;
fail:
    wn_trained_close(&file);
    wn_vit_lora_close(&l);
    return err;
}

void wn_vit_lora_close(struct wn_vit_lora **lora)
{
    struct wn_vit_lora *l = *lora;

    for (int32_t i = 0; l && i < l->n_layers; i++) {
        free(l->layer[i].a);
        free(l->layer[i].b);
    }
    free(l);
    *lora = NULL;
}

/* The layer, or -1; part: 0 of queries, 1 of keys, 2 of values. */
static int32_t place_of(const struct wn_vit_lora *l, const char *tensor, int *part)
{
    static const char *const parts[] = {"attn_q.weight", "attn_k.weight", "attn_v.weight"};
    char *end;

    if (!l || strncmp(tensor, "v.blk.", 6) || tensor[6] < '0' || tensor[6] > '9')
        return -1;
    const long layer = strtol(tensor + 6, &end, 10);
    for (*part = 0; *part < WN_LEN(parts); ++*part)
        if (layer < l->n_layers && *end == '.' && !strcmp(end + 1, parts[*part]))
            return (int32_t)layer;
    return -1;
}

bool wn_vit_lora_has(const struct wn_vit_lora *lora, const char *tensor)
{
    int part;

    return place_of(lora, tensor, &part) >= 0;
}

void wn_vit_lora_add(const struct wn_vit_lora *lora, const char *tensor, float *rows,
                     size_t stride)
{
    int part;
    const int32_t layer = place_of(lora, tensor, &part);
    const size_t dim = (size_t)lora->dim;

    if (layer < 0)
        return;
    const struct delta *d = &lora->layer[layer];
    const size_t rank = (size_t)d->rank;
    for (size_t i = 0; i < dim; i++) {
        const float *b = d->b + ((size_t)part * dim + i) * rank;
        float *row = rows + i * stride;

        for (size_t k = 0; k < dim; k++) {
            double sum = row[k];
            for (size_t r = 0; r < rank; r++)
                sum += (double)b[r] * d->a[r * dim + k];
            row[k] = (float)sum;
        }
    }
}
