/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "script.h"

/* ggml asks between the nodes of a graph, on the CPU. */
static bool should_stop(void *opaque)
{
    return wn_cancelled(opaque);
}

static int create(struct wn_llm *llm, int64_t cells, int32_t ubatch)
{
    struct llama_context_params p = llama_context_default_params();
    struct wn_caught caught;

    llama_free(llm->ctx);
    llm->ctx = NULL;
    p.n_ctx = (uint32_t)((cells + 255) / 256 * 256);
    p.n_batch = (uint32_t)WN_MAX(WN_BATCH, ubatch);
    p.n_ubatch = (uint32_t)ubatch;
    p.n_seq_max = 1;
    p.n_outputs_max = 1; /* else room for the logits of a whole batch */
    p.n_threads = p.n_threads_batch = llm->n_threads;
    p.abort_callback = should_stop;
    p.abort_callback_data = llm->log;
    p.no_perf = true;
    if (llm->no_gpu)
        p.offload_kqv = p.op_offload = false;
    wn_catch_begin(&caught);
    llm->ctx = llama_init_from_model(llm->model, p);
    wn_catch_end();
    if (!llm->ctx)
        return wn_fail(llm->log, WN_ERR_NOMEM, "no context of %lld KV cells could be made: %s",
                       (long long)cells, caught.why[0] ? caught.why : "out of memory");
    llm->n_ubatch = ubatch;
    return WN_OK;
}

uint64_t wn_llm_item_hash(const struct wn_llm *llm, const struct wn_script *script,
                          const struct wn_item *item)
{
    const size_t width = (size_t)llm->info.dim * sizeof(float);
    uint64_t h = wn_hash64(&item->n_pos, sizeof(item->n_pos), (uint64_t)item->n << 8 |
                           (uint64_t)item->non_causal << 1 | (item->rows != NULL));

    if (!item->rows)
        return wn_hash64(script->ids.id + item->first, (size_t)item->n * sizeof(llama_token), h);
    h = wn_hash64(&item->whole, sizeof(item->whole), h);
    for (int32_t i = 0; i < item->n; i++) {
        const int32_t row = script->order.id[item->first + i];
        const int32_t cell = item->rows->cell[row];
        h = wn_hash64(item->rows->data + (size_t)row * (size_t)llm->info.dim, width, h);
        if (item->layout && item->layout->mpos)
            h = wn_hash64(item->layout->mpos[cell], sizeof(item->layout->mpos[0]), h);
    }
    return h;
}

/* How many items of the prompt stand in the context as its beginning. */
static int32_t common_items(const struct wn_llm *llm, const struct wn_script *script)
{
    const int32_t most = WN_MIN(llm->n_past, script->n - 1);
    int32_t n = 0;

    while (n < most && llm->past[n] == wn_llm_item_hash(llm, script, &script->item[n]))
        n++;
    while (n > 0 && script->item[n].rows)
        n--;
    return n;
}

bool wn_llm_rewind(struct wn_llm *llm, const struct wn_script *script, int32_t n)
{
    llama_pos pos = 0;

    for (int32_t i = 0; i < n; i++)
        pos += script->item[i].n_pos;
    return n > 0 && llama_memory_seq_rm(llama_get_memory(llm->ctx), 0, pos, -1);
}

int wn_llm_fit(struct wn_llm *llm, const struct wn_script *script, int64_t cells, int32_t *items)
{
    const int32_t want = WN_MAX(WN_UBATCH, (script->widest + 63) / 64 * 64);
    const int32_t n = common_items(llm, script);

    *items = 0;
    llm->n_past = 0; /* until a prefill is done */
    if (!llm->ctx || cells > llama_n_ctx(llm->ctx) || want > llm->n_ubatch) {
        const int err = create(llm, cells, want);
        if (err)
            return err;
    } else if (wn_llm_rewind(llm, script, n)) {
        *items = n;
    } else {
        llama_memory_clear(llama_get_memory(llm->ctx), false);
    }
    wn_llm_recall(llm, script, items);
    return WN_OK;
}

/* Without memory for it the next prompt begins anew. */
static void remember(struct wn_llm *llm, const struct wn_script *script)
{
    uint64_t *past = wn_regrow(llm->past, (size_t)script->n, sizeof(*past));

    if (!past)
        return;
    llm->past = past;
    for (int32_t i = 0; i < script->n; i++)
        past[i] = wn_llm_item_hash(llm, script, &script->item[i]);
    llm->n_past = script->n;
}

int wn_llm_decoded(struct wn_llm *llm, int rc, const char *why)
{
    if (rc == 0)
        return WN_OK;
    if (rc == 2 || wn_cancelled(llm->log))
        return wn_fail(llm->log, WN_ERR_ABORTED, "cancelled");
    if (rc == 1)
        return wn_fail(llm->log, WN_ERR_LIMIT, "the context of %u KV cells is full",
                       llama_n_ctx(llm->ctx));
    return wn_fail(llm->log, WN_ERR_MODEL, "the language model failed: %s",
                   why[0] ? why : "llama_decode gave no reason");
}

static int decode(struct wn_llm *llm, struct llama_batch batch)
{
    struct wn_caught caught;

    if (wn_cancelled(llm->log))
        return wn_llm_decoded(llm, 2, "");
    wn_catch_begin(&caught);
    const int rc = llama_decode(llm->ctx, batch);
    wn_catch_end();
    return wn_llm_decoded(llm, rc, caught.why);
}

int wn_llm_step(struct wn_llm *llm, llama_token token, llama_pos pos)
{
    int8_t want = 1;

    return decode(llm, (struct llama_batch){.n_tokens = 1, .token = &token, .pos = &pos,
                                            .logits = &want});
}

/* Room for one batch. */
struct feed {
    struct wn_llm *llm;
    const struct wn_script *script;
    llama_pos *pos;   /* [4][n] for rows of M-RoPE models: t, y, x, z */
    int8_t *want;     /* which logits: of the last token only */
    float *data;      /* [n][dim] */
    int32_t n, most;  /* rows gathered, rows that fit */
    llama_pos (*at)[4]; /* [n] */
};

static void feed_finish(struct feed *f)
{
    free(f->pos);
    free(f->want);
    free(f->data);
    free(f->at);
}

static int feed_init(struct feed *f)
{
    const size_t n = (size_t)f->most;

    f->pos = wn_calloc(4 * n, sizeof(*f->pos));
    f->want = wn_calloc(n, sizeof(*f->want));
    f->at = wn_calloc(n, sizeof(*f->at));
    f->data = wn_calloc(n, (size_t)f->llm->info.dim * sizeof(*f->data));
    return f->pos && f->want && f->at && f->data ? WN_OK : wn_nomem(f->llm->log, "a batch");
}

static int feed_tokens(struct feed *f, const struct wn_item *item, llama_pos pos, bool last)
{
    int err = WN_OK;

    for (int32_t at = 0; !err && at < item->n; ) {
        const int32_t n = WN_MIN(item->n - at, f->most);
        for (int32_t i = 0; i < n; i++)
            f->pos[i] = pos + at + i;
        memset(f->want, 0, (size_t)n);
        f->want[n - 1] = last && at + n == item->n;
        err = decode(f->llm, (struct llama_batch){
            .n_tokens = n, .token = f->script->ids.id + item->first + at, .pos = f->pos,
            .logits = f->want});
        at += n;
    }
    return err;
}

static int feed_flush(struct feed *f)
{
    const int32_t n = f->n;

    if (!n)
        return WN_OK;
    for (int32_t i = 0; i < n; i++)
        for (int s = 0; s < 4; s++)
            f->pos[s * n + i] = f->at[i][s];
    memset(f->want, 0, (size_t)n);
    f->n = 0;
    return decode(f->llm, (struct llama_batch){.n_tokens = n, .embd = f->data, .pos = f->pos,
                                               .logits = f->want});
}

/* Where the i-th row of an item at p0 stands. */
static void place(llama_pos out[4], const struct wn_item *item, int32_t cell, llama_pos p0,
                  int32_t i)
{
    for (int s = 0; s < 4; s++)
        out[s] = item->layout && item->layout->mpos ? p0 + item->layout->mpos[cell][s] : p0 + i;
}

static int feed_rows(struct feed *f, const struct wn_item *item, llama_pos p0)
{
    const size_t dim = (size_t)f->llm->info.dim;
    int err;

    for (int32_t i = 0; i < item->n; i++) {
        const int32_t row = f->script->order.id[item->first + i];
        memcpy(f->data + (size_t)f->n * dim, item->rows->data + (size_t)row * dim,
               dim * sizeof(float));
        place(f->at[f->n], item, item->rows->cell[row], p0, i);
        if (++f->n == f->most)
            TRY(feed_flush(f));
    }
    return WN_OK;
fail:
    return err;
}

/* Reduced parts that follow each other without text between go in together; whole ones one by one,
 * as libmtmd gives them, so that the same numbers come out. */
static bool may_join(const struct feed *f, const struct wn_item *a, const struct wn_item *b)
{
    return a && b->rows && a->rows && !a->whole && !b->whole && !a->non_causal && !b->non_causal &&
           f->n + b->n <= WN_UBATCH;
}

static int feed_item(struct feed *f, const struct wn_item *prev, const struct wn_item *item,
                     llama_pos pos, bool last)
{
    int err;

    if (!may_join(f, prev, item))
        TRY(feed_flush(f));
    if (!item->rows)
        return feed_tokens(f, item, pos, last);
    if (item->non_causal)
        llama_set_causal_attn(f->llm->ctx, false);
    err = feed_rows(f, item, pos);
    if (!err && item->non_causal)
        err = feed_flush(f);
    if (item->non_causal)
        llama_set_causal_attn(f->llm->ctx, true);
fail:
    return err;
}

int wn_llm_prefill(struct wn_llm *llm, const struct wn_script *script, int32_t items,
                   const struct wn_ask_params *ask)
{
    struct feed f = {.llm = llm, .script = script, .most = WN_MAX(WN_BATCH, llm->n_ubatch)};
    const struct wn_item *prev = NULL;
    llama_pos pos = 0;
    int64_t done = 0;
    int err;

    TRY(feed_init(&f));
    for (int32_t i = 0; i < script->n; i++) {
        const struct wn_item *item = &script->item[i];
        if (i >= items)
            TRY(feed_item(&f, prev, item, pos, i == script->n - 1));
        prev = item;
        pos += item->n_pos;
        done += item->n;
        if (ask && ask->on_progress &&
            ask->on_progress(ask->opaque, (double)done / (double)script->cells))
            TRY(wn_fail(llm->log, WN_ERR_ABORTED, "stopped by the progress callback"));
    }
    remember(llm, script);
fail:
    feed_finish(&f);
    return err;
}
