/* SPDX-License-Identifier: MIT */
/* Rows as bytes: the same rows come back, and no other bytes break anything. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../pipeline/cache.h"

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static struct wn_layout *make_layout(int32_t h, int32_t w, bool tiles, bool mrope)
{
    struct wn_layout *l = wn_calloc(1, sizeof(*l));
    const int32_t n = h * w + 1;

    atomic_init(&l->refs, 1);
    l->n_rows = n;
    l->grid_h = h;
    l->grid_w = w;
    l->pos = wn_calloc((size_t)n, sizeof(*l->pos));
    for (int32_t i = 0; i < n - 1; i++) {
        l->pos[i][0] = i / w;
        l->pos[i][1] = i % w;
    }
    l->pos[n - 1][0] = l->pos[n - 1][1] = -1;
    if (mrope) {
        l->mpos = wn_calloc((size_t)n, sizeof(*l->mpos));
        for (int32_t i = 0; i < n; i++)
            l->mpos[i][1] = i;
    }
    if (tiles) {
        l->tile = wn_calloc((size_t)n, sizeof(*l->tile));
        l->tile_pos = wn_calloc((size_t)n, sizeof(*l->tile_pos));
        l->tiles_h = l->tiles_w = 1;
        l->tile_h = h;
        l->tile_w = w;
        l->tile[n - 1] = -1;
    }
    l->n_parts = 2;
    l->parts = wn_calloc(2, sizeof(*l->parts));
    l->parts[0] = (struct wn_layout_part){
        .tokens = wn_calloc(2, 4), .n_tokens = 2, .n_rows = n, .n_pos = n, .non_causal = true};
    l->parts[0].tokens[1] = 7;
    l->parts[1] = (struct wn_layout_part){.tokens = wn_calloc(1, 4), .n_tokens = 1, .row0 = n};
    return l;
}

static struct wn_rows *make_rows(int32_t n_frames, bool taps, bool sources)
{
    struct wn_layout *layout[2] = {make_layout(3, 4, true, false), make_layout(2, 2, false, true)};
    const int32_t each = 4, n = n_frames * each;
    struct wn_rows *r = wn_rows_create(n, 5, n_frames);
    uint32_t seed = 5;

    for (int32_t f = 0; f < n_frames; f++) {
        r->frame_ptr[f + 1] = (f + 1) * each;
        r->frames[f] = (struct wn_row_frame){.index = f, .number = 10 * f, .time = f / 2.0,
            .scene = f / 2, .layout = wn_layout_ref(layout[f / 2 % 2])};
    }
    for (int32_t i = 0; i < n; i++)
        r->cell[i] = i % each;
    for (int32_t i = 0; i < n * 5; i++)
        r->data[i] = (float)(next(&seed) % 1000) / 8;
    r->score = wn_calloc((size_t)n, 4);
    r->size = sources ? wn_calloc((size_t)n, 4) : NULL;
    if (sources) {
        struct wn_sources *w = &r->w;
        *w = (struct wn_sources){.n = n, .n_src = 2 * n, .linear = true,
            .ptr = wn_calloc((size_t)n + 1, 4), .idx = wn_calloc(2 * (size_t)n, 4),
            .weight = wn_calloc(2 * (size_t)n, 4)};
        for (int32_t i = 0; i < 2 * n; i++) {
            w->ptr[i / 2 + 1] = i + 1;
            w->idx[i] = 2 * n - 1 - i;
            w->weight[i] = 0.5f;
        }
    }
    if (taps) {
        r->attn_layers = 2;
        r->attn_heads = 3;
        r->attn = wn_calloc((size_t)n * 6, 4);
        r->attn_layer = wn_calloc(2, 4);
        r->logits = wn_calloc((size_t)n, 4);
        r->keys_layers = 1;
        r->keys_heads = r->keys_dim = 2;
        r->keys = wn_calloc((size_t)n * 4, 4);
        r->keys_layer = wn_calloc(1, 4);
        r->global_dim = 3;
        r->global = wn_calloc((size_t)n_frames * 3, 4);
        r->encoder_layers = 12;
    }
    wn_layout_unref(&layout[0]);
    wn_layout_unref(&layout[1]);
    return r;
}

static int unpack(struct wn_rows **out, const struct wn_bytes *b, size_t n)
{
    struct wn_bytes part = {.data = b->data, .n = n};

    return wn_rows_unpack(out, &part);
}

static void comes_back(void **state)
{
    (void)state;
    for (int kind = 0; kind < 8; kind++) {
        struct wn_rows *rows = make_rows(kind & 4 ? 6 : 0, kind & 1, kind & 2), *back = NULL;
        struct wn_bytes a = {0}, b = {0};
        wn_rows_pack(&a, rows, true);
        assert_false(a.failed);
        assert_int_equal(unpack(&back, &a, a.n), WN_OK);
        wn_rows_pack(&b, back, true);
        assert_int_equal(a.n, b.n);
        assert_memory_equal(a.data, b.data, a.n);
        assert_int_equal(back->n_frames, rows->n_frames);
        if (rows->n_frames) {
            assert_ptr_equal(back->frames[0].layout, back->frames[1].layout);
            assert_memory_equal(back->data, rows->data, (size_t)rows->n * 20);
        }
        wn_bytes_finish(&a);
        wn_bytes_finish(&b);
        wn_rows_destroy(&rows);
        wn_rows_destroy(&back);
    }
}

static void broken_bytes(void **state)
{
    struct wn_rows *rows = make_rows(6, true, true), *back = NULL;
    struct wn_bytes b = {0};
    uint32_t seed = 1;
    int good = 0;

    (void)state;
    wn_rows_pack(&b, rows, true);
    for (size_t n = 0; n < b.n; n++)
        assert_int_equal(unpack(&back, &b, n), WN_ERR_DATA);
    for (int i = 0; i < 60000; i++) {
        const size_t at = next(&seed) % b.n;
        const uint8_t was = b.data[at];
        b.data[at] = (uint8_t)(i % 3 ? next(&seed) : i % 2 ? 0xFF : 0x7F);
        if (unpack(&back, &b, b.n) == WN_OK) { /* a number changed: it must still be rows */
            for (int32_t r = 0; r < back->n; r++) {
                const struct wn_row_frame *f = &back->frames[wn_rows_frame_of(back, r)];
                assert_true(back->cell[r] >= 0 && back->cell[r] < f->layout->n_rows);
                assert_true(f->layout->pos[back->cell[r]][0] < f->layout->grid_h);
            }
            good++;
            wn_rows_destroy(&back);
        }
        b.data[at] = was;
    }
    assert_true(good > 1000 && good < 60000);
    wn_bytes_finish(&b);
    wn_rows_destroy(&rows);
}

static void files(void **state)
{
    char folder[] = "/tmp/winnow-cache-XXXXXX", path[256];
    struct wn_cache_writer *w = NULL;
    struct wn_cache_reader *r = NULL;
    struct wn_key key = {0, 0}, other = {0, 0};
    struct wn_bytes b = {0};
    uint32_t tag;

    (void)state;
    assert_non_null(mkdtemp(folder));
    wn_key_add_text(&key, "a");
    wn_key_add_text(&other, "b");
    assert_int_equal(wn_cache_find(&r, folder, &key), WN_EOF);
    assert_int_equal(wn_cache_create(&w, folder, &key, "a test"), WN_OK);
    wn_bytes_put(&b, "some bytes", 10);
    assert_int_equal(wn_cache_put(w, 5, &b), WN_OK);
    assert_int_equal(wn_cache_find(&r, folder, &key), WN_EOF); /* not before it is whole */
    assert_int_equal(wn_cache_commit(&w, 1 << 20), WN_OK);
    assert_int_equal(wn_cache_find(&r, folder, &other), WN_EOF);
    assert_int_equal(wn_cache_find(&r, folder, &key), WN_OK);
    assert_int_equal(wn_cache_next(r, &tag, &b), WN_OK);
    assert_int_equal(tag, 5);
    assert_memory_equal(b.data, "some bytes", 10);
    assert_int_equal(wn_cache_next(r, &tag, &b), WN_EOF);
    wn_cache_close(&r);
    assert_int_equal(wn_cache_create(&w, folder, &other, "too large"), WN_OK);
    assert_int_equal(wn_cache_commit(&w, 400), WN_OK); /* less than both: the older one goes */
    assert_int_equal(wn_cache_find(&r, folder, &key), WN_EOF);
    assert_int_equal(wn_cache_find(&r, folder, &other), WN_OK);
    wn_cache_close(&r);
    assert_int_equal(wn_cache_unlink(folder, NULL), 1);
    assert_int_equal(rmdir(folder), 0);
    snprintf(path, sizeof(path), "%s/none", folder);
    const struct wn_key before = key;
    assert_int_equal(wn_key_add_file(&key, path), WN_ERR_IO);
    assert_memory_equal(&before, &key, sizeof(key));
    wn_bytes_finish(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(comes_back),
        cmocka_unit_test(broken_bytes),
        cmocka_unit_test(files),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
