/* SPDX-License-Identifier: MIT */
/* What the model made of everything up to a prompt's last row, on disk: the question behind it may
 * change, and the process may be another. An entry is found by the tokens, rows and places that
 * went in, so nothing upstream can be forgotten in its key. */
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "script.h"

enum { TAG_HEAD = 1, TAG_STATE };

/* Of the whole cache, what one entry may have. */
#define SHARE 2

struct head {
    int64_t cells, bytes;
    int64_t last; /* position in the context */
};

int32_t wn_script_seen(const struct wn_script *script)
{
    int32_t n = script->n;

    while (n > 0 && !script->item[n - 1].rows)
        n--;
    return n;
}

static struct wn_key key_of(const struct wn_llm *llm, const struct wn_script *script, int32_t n)
{
    const int32_t numbers[] = {llm->n_ubatch, llm->no_gpu, wn_llm_on_gpu(llm), n};
    struct wn_key key = script->kept->key;

    wn_key_add_text(&key, "kv");
    wn_key_add(&key, numbers, sizeof(numbers));
    for (int32_t i = 0; i < n; i++) {
        const uint64_t h = wn_llm_item_hash(llm, script, &script->item[i]);
        wn_key_add(&key, &h, sizeof(h));
    }
    return key;
}

static int64_t cells_of(const struct wn_script *script, int32_t n)
{
    int64_t cells = 0;

    for (int32_t i = 0; i < n; i++)
        cells += script->item[i].n;
    return cells;
}

/* ---- writing ---- */

static int put_state(struct wn_llm *llm, struct wn_cache_writer *to, struct head *head)
{
    struct wn_bytes state = {.n = (size_t)head->bytes}, first = {0};
    struct wn_caught caught;
    int err = WN_ERR_NOMEM;

    state.data = wn_calloc(state.n, 1);
    if (!state.data)
        return err;
    wn_catch_begin(&caught);
    const size_t n = llama_state_seq_get_data(llm->ctx, state.data, state.n, 0);
    wn_catch_end();
    wn_bytes_put(&first, head, sizeof(*head));
    err = n == state.n ? wn_cache_put(to, TAG_HEAD, &first) : WN_ERR_IO;
    if (!err)
        err = wn_cache_put(to, TAG_STATE, &state);
    wn_bytes_finish(&first);
    wn_bytes_finish(&state);
    return err;
}

void wn_llm_keep(struct wn_llm *llm, const struct wn_script *script, int32_t items)
{
    const struct wn_kept *kept = script->kept;
    const int32_t n = wn_script_seen(script);
    struct wn_cache_writer *to = NULL;
    struct head head = {.cells = cells_of(script, n)};
    llama_memory_t memory = llama_get_memory(llm->ctx);

    if (!kept || !kept->keep || n <= items || n == script->n ||
        !wn_llm_rewind(llm, script, n))
        return;
    llm->n_past = WN_MIN(llm->n_past, n);
    head.last = llama_memory_seq_pos_max(memory, 0);
    head.bytes = (int64_t)llama_state_seq_get_size(llm->ctx, 0);
    if (head.bytes < 1 || head.bytes > kept->most_bytes / SHARE) {
        wn_say(llm->log, WN_LOG_INFO, "%lld MiB of KV cells are not kept: no room for them",
               (long long)(head.bytes >> 20));
        return;
    }
    const struct wn_key key = key_of(llm, script, n);
    if (wn_cache_create(&to, kept->folder, &key, kept->about) == WN_OK &&
        put_state(llm, to, &head) == WN_OK)
        wn_cache_commit(&to, kept->most_bytes);
    else
        wn_say(llm->log, WN_LOG_INFO, "KV cells are not kept: they cannot be written");
    wn_cache_drop(&to);
}

/* ---- reading ---- */

static bool read_head(struct wn_cache_reader *from, int64_t cells, struct head *head)
{
    struct wn_bytes b = {0};
    uint32_t tag = 0;
    const int err = wn_cache_next(from, &tag, &b);

    if (!err)
        wn_bytes_get(&b, head, sizeof(*head));
    const bool good = !err && tag == TAG_HEAD && !b.failed && head->cells == cells;
    wn_bytes_finish(&b);
    return good;
}

/* False, and the context empty, where it does not come out as it was. */
static bool take_state(struct wn_llm *llm, struct wn_cache_reader *from, const struct head *head)
{
    llama_memory_t memory = llama_get_memory(llm->ctx);
    struct wn_bytes b = {0};
    struct wn_caught caught;
    uint32_t tag = 0;
    bool good = wn_cache_next(from, &tag, &b) == WN_OK && tag == TAG_STATE &&
                b.n == (size_t)head->bytes;

    llama_memory_clear(memory, false);
    if (good) {
        wn_catch_begin(&caught);
        good = llama_state_seq_set_data(llm->ctx, b.data, b.n, 0) == b.n;
        wn_catch_end();
        good = good && llama_memory_seq_pos_max(memory, 0) == head->last;
    }
    wn_bytes_finish(&b);
    if (!good)
        llama_memory_clear(memory, true);
    return good;
}

void wn_llm_recall(struct wn_llm *llm, const struct wn_script *script, int32_t *items)
{
    const struct wn_kept *kept = script->kept;
    const int32_t n = wn_script_seen(script);
    struct wn_cache_reader *from = NULL;
    struct head head;

    if (!kept || n <= *items || n == script->n)
        return;
    const struct wn_key key = key_of(llm, script, n);
    if (wn_cache_find(&from, kept->folder, &key) != WN_OK)
        return;
    if (read_head(from, cells_of(script, n), &head)) {
        *items = take_state(llm, from, &head) ? n : 0;
        wn_say(llm->log, WN_LOG_DEBUG, "%lld KV cells came from the cache: %s",
               (long long)head.cells, *items ? "taken" : "refused");
    }
    wn_cache_close(&from);
}
