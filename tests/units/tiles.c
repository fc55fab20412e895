/* SPDX-License-Identifier: MIT */
/* Pictures in tiles, from pixels through an encoder to what filters leave of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/units/compress_make.h"
#include "vision_pair.h"

static void open_own(struct fixture *f)
{
    wn_encoder_close(&f->enc);
    assert_int_equal(wn_encoder_open(&f->enc, &(struct wn_encoder_params){
        .mmproj = f->pair.mmproj,
        .kind = "own",
        .text_model = f->pair.model,
        .n_threads = 1,
        .no_gpu = true,
        .pool = f->pool,
        .log = &f->log,
    }), WN_OK);
}

/* What a chain's filters ask of the encoder, and besides that the attention of its last layer. */
static struct wn_needs needs_of(struct fixture *f, const char *text)
{
    const struct wn_clip clip = {0};
    struct wn_needs needs = {.logits = f->enc->info.has_cls};
    struct wn_chain *chain = NULL;

    needs.cls[WN_MIN(f->enc->info.n_read, f->enc->info.n_layers) - 1] = true;
    assert_int_equal(wn_chain_parse(&chain, text, &clip, &f->log), WN_OK);
    for (int i = 0; i < chain->n; i++) {
        const struct wn_token_ops *ops = chain->item[i]->filter->token;
        if (ops->needs)
            assert_int_equal(ops->needs(chain->item[i]->priv, &f->enc->info, &needs, &f->log),
                             WN_OK);
    }
    wn_chain_destroy(&chain);
    return needs;
}

/* How many rows each part has: the whole, tiles, newlines. */
static void count_parts(const struct wn_rows *rows, int32_t count[64])
{
    const struct wn_layout *l = rows->frames[0].layout;
    const int32_t n = l->tiles_h * l->tiles_w;

    memset(count, 0, 64 * sizeof(*count));
    assert_true(n > 0 && n < 62);
    for (int32_t i = 0; i < rows->n; i++)
        count[l->tile[rows->cell[i]] < 0 ? n + 1 : l->tile[rows->cell[i]]]++;
}

/* Tiles stand where the grid has them, less what padding was cut away on their side. */
static void check_layout(const struct wn_layout *l, bool newline)
{
    int32_t top = -1, left = -1, newlines = 0, whole = 0;

    assert_non_null(l->tile);
    for (int32_t i = 0; i < l->n_rows; i++) {
        const int32_t *in = l->tile_pos[i], tile = l->tile[i] - 1;
        newlines += l->tile[i] < 0;
        whole += l->tile[i] == 0;
        if (l->tile[i] <= 0) {
            assert_int_equal(l->pos[i][0], -1);
            assert_int_equal(in[0], l->tile[i] ? -1 : (whole - 1) / l->tile_w);
            continue;
        }
        const int32_t y = tile / l->tiles_w * l->tile_h + in[0] - l->pos[i][0];
        const int32_t x = tile % l->tiles_w * l->tile_w + in[1] - l->pos[i][1];
        top = top < 0 ? y : top;
        left = left < 0 ? x : left;
        assert_int_equal(y, top);
        assert_int_equal(x, left);
        assert_true(in[0] >= 0 && in[0] < l->tile_h && in[1] >= 0 && in[1] < l->tile_w);
    }
    assert_int_equal(whole, l->tile_h * l->tile_w);
    assert_int_equal(newlines, newline ? l->grid_h : 0);
}

/* A row's logit is the mean logarithm of its heads' attention, but for one number a tile. */
static void check_logits(const struct wn_rows *rows)
{
    const struct wn_layout *l = rows->frames[0].layout;
    const int32_t heads = rows->attn_heads, last = rows->attn_layers - 1;
    double constant[64];
    bool seen[64] = {false};

    for (int32_t i = 0; i < rows->n; i++) {
        const int32_t tile = l->tile ? l->tile[i] : 0;
        double sum = 0;
        if (tile < 0) {
            assert_true(rows->logits[i] == 0);
            continue;
        }
        for (int32_t h = 0; h < heads; h++)
            sum += log(rows->attn[(i * rows->attn_layers + last) * heads + h]) / heads;
        if (!seen[tile])
            constant[tile] = rows->logits[i] - sum;
        seen[tile] = true;
        assert_true(fabs(rows->logits[i] - sum - constant[tile]) < 1e-3);
    }
}

/* Nothing but rows of before, as they were, in the order of the prompt. */
static void check_rows(const struct wn_rows *before, const struct wn_rows *after)
{
    const size_t size = (size_t)before->dim * sizeof(float);

    for (int32_t i = 0; i < after->n; i++) {
        assert_true(!i || after->cell[i] > after->cell[i - 1]);
        assert_memory_equal(after->data + (size_t)i * (size_t)after->dim,
                            before->data + (size_t)after->cell[i] * (size_t)before->dim, size);
    }
}

/* In each part the rows that stay score at least as high as those that go. */
static void check_best(const struct wn_rows *before, const struct wn_rows *after,
                       float (*score)(const struct wn_rows *rows, int32_t i))
{
    const struct wn_layout *l = before->frames[0].layout;
    float low[64], high[64];
    bool *kept = calloc((size_t)before->n, sizeof(*kept));

    for (int p = 0; p < 64; p++) {
        low[p] = INFINITY;
        high[p] = -INFINITY;
    }
    for (int32_t i = 0; i < after->n; i++)
        kept[after->cell[i]] = true;
    for (int32_t i = 0; i < before->n; i++) {
        const float v = score(before, i);
        if (l->tile[i] >= 0 && kept[i])
            low[l->tile[i]] = fminf(low[l->tile[i]], v);
        else if (l->tile[i] >= 0)
            high[l->tile[i]] = fmaxf(high[l->tile[i]], v);
    }
    for (int p = 0; p < 64; p++)
        assert_true(low[p] >= high[p]);
    free(kept);
}

static float attention(const struct wn_rows *rows, int32_t i)
{
    int32_t k = 0; /* the last layer but one; without a CLS token there is one layer */
    float sum = 0;

    while (k < rows->attn_layers - 1 && rows->attn_layer[k] != rows->encoder_layers - 2)
        k++;
    for (int32_t h = 0; h < rows->attn_heads; h++)
        sum += rows->attn[(i * rows->attn_layers + k) * rows->attn_heads + h];
    return sum;
}

static struct wn_rows *run(struct fixture *f, const struct wn_rows *before, const char *chain)
{
    struct wn_rows *rows = copy_rows(before);
    struct wn_backend *cpu = NULL;

    rows->encoder_layers = before->encoder_layers;
    assert_int_equal(wn_backend_cpu(&cpu, f->pool, WN_CPU_AUTO, &f->log), WN_OK);
    if (run_chain(&rows, chain, false, cpu, &f->log) < 0)
        fail_msg("%s: %s", chain, f->log.last_error);
    wn_backend_destroy(&cpu);
    return rows;
}

/* alpha 0.5 of the budget for the whole, the rest to the last row for the tiles. */
static void check_hired(struct fixture *f, const struct wn_rows *before)
{
    static const double keeps[] = {0.1, 0.3, 0.61, 0.999, 1e9};
    int32_t all[64], left[64];

    count_parts(before, all);
    const struct wn_layout *l = before->frames[0].layout;
    const int32_t n = l->tiles_h * l->tiles_w, rows = before->n - all[n + 1];
    for (int i = 0; i < WN_LEN(keeps); i++) {
        char chain[64];
        snprintf(chain, sizeof(chain), "hired=keep=%g%s", keeps[i], i % 2 ? ":newline=keep" : "");
        struct wn_rows *after = run(f, before, chain);
        const int32_t total = wn_keep(keeps[i], rows);
        count_parts(after, left);
        assert_int_equal(left[n + 1], i % 2 ? all[n + 1] : 0);
        assert_int_equal(after->n - left[n + 1], WN_MIN(total, rows - all[0] + left[0]));
        assert_int_equal(left[0], WN_MIN(total / 2, all[0]));
        for (int32_t p = 0; p <= n; p++)
            assert_true(left[p] <= all[p]);
        check_rows(before, after);
        check_best(before, after, attention);
        wn_rows_destroy(&after);
    }
}

static void check_globalcom2(struct fixture *f, const struct wn_rows *before)
{
    static const double keeps[] = {0.05, 0.25, 0.5, 0.999};
    int32_t all[64], left[64];

    count_parts(before, all);
    const struct wn_layout *l = before->frames[0].layout;
    const int32_t n = l->tiles_h * l->tiles_w, rows = before->n - all[n + 1];
    for (int i = 0; i < WN_LEN(keeps); i++) {
        char chain[64];
        snprintf(chain, sizeof(chain), "globalcom2=keep=%g%s", keeps[i],
                 i % 2 ? "" : ":newline=drop");
        struct wn_rows *after = run(f, before, chain);
        count_parts(after, left);
        assert_int_equal(left[n + 1], i % 2 ? all[n + 1] : 0);
        assert_int_equal(after->n - left[n + 1], wn_keep(keeps[i], rows));
        assert_int_equal(left[0], (int32_t)(keeps[i] * all[0]));
        for (int32_t p = 1; p <= n; p++) /* at most keep * (1 + p - 1 / n) of a tile's rows */
            assert_true(left[p] <= (int32_t)ceil(keeps[i] * (2 - 1.0 / n) * all[p]) + 1);
        check_rows(before, after);
        wn_rows_destroy(&after);
    }
    /* The whole by score, then what the tiles keep as it stands. */
    struct wn_rows *after = run(f, before, "globalcom2=order=paper");
    count_parts(after, left);
    for (int32_t i = 1; i < after->n; i++) {
        const float *x = before->logits;
        if (i < left[0] && x)
            assert_true(x[after->cell[i]] <= x[after->cell[i - 1]]);
        else if (i > left[0])
            assert_true(after->cell[i] > after->cell[i - 1]);
    }
    wn_rows_destroy(&after);
}

static void check_released(struct fixture *f, const struct wn_rows *before)
{
    static const char *const chain[] = {"hired=compat=released", "globalcom2=compat=released"};

    for (int i = 0; i < WN_LEN(chain); i++) {
        struct wn_rows *after = run(f, before, chain[i]);
        bool *seen = calloc((size_t)before->n, sizeof(*seen));
        assert_true(after->n > 0 && after->n < before->n);
        for (int32_t r = 0; r < after->n; r++) {
            assert_false(seen[after->cell[r]]);
            seen[after->cell[r]] = true;
        }
        free(seen);
        wn_rows_destroy(&after);
    }
}

static void own_encoder(void **state)
{
    static const int32_t size[][2] = {{96, 96}, {100, 60}, {48, 150}, {70, 64}, {300, 20}};
    const char *kind = *state;
    struct fixture f;

    begin(&f, kind, NULL);
    open_own(&f);
    for (int i = 0; i < WN_LEN(size); i++) {
        struct wn_frame *frame = picture(size[i][0], size[i][1], (unsigned)i + 1);
        const struct wn_needs needs = needs_of(&f, "hired,globalcom2,prumerge");
        struct wn_rows *rows = encode(&f, &frame, 1, false, &needs);
        check_layout(rows->frames[0].layout, !strcmp(kind, "llava_next"));
        check_logits(rows);
        check_hired(&f, rows);
        check_globalcom2(&f, rows);
        check_released(&f, rows);
        wn_rows_destroy(&rows);
        /* A frame of a video is one square. */
        rows = encode(&f, &frame, 1, true, &needs);
        assert_null(rows->frames[0].layout->tile);
        check_logits(rows);
        struct wn_rows *after = run(&f, rows, "hired=keep=0.25");
        assert_int_equal(after->n, 9);
        wn_rows_destroy(&after);
        after = run(&f, rows, "globalcom2=keep=7");
        assert_int_equal(after->n, 7);
        wn_rows_destroy(&after);
        wn_rows_destroy(&rows);
        wn_frame_unref(&frame);
    }
    end(&f);
}

static void libmtmd_encoder(void **state)
{
    const char *kind = *state;
    struct wn_frame *frame = picture(200, 120, 3);
    struct fixture f;

    begin(&f, kind, NULL);
    const struct wn_needs needs = needs_of(&f, "hired,globalcom2");
    struct wn_rows *rows = encode(&f, &frame, 1, false, &needs);
    assert_true(!rows->logits == !f.enc->info.has_cls);
    if (rows->logits)
        check_logits(rows);
    if (!strcmp(kind, "idefics3")) {
        check_layout(rows->frames[0].layout, false);
        check_hired(&f, rows);
        check_globalcom2(&f, rows);
    }
    wn_rows_destroy(&rows);
    wn_frame_unref(&frame);
    end(&f);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        {"llava16", own_encoder, NULL, NULL, "llava16"},
        {"llava_next", own_encoder, NULL, NULL, "llava_next"},
        {"llava on libmtmd", libmtmd_encoder, NULL, NULL, "llava"},
        {"idefics3 on libmtmd", libmtmd_encoder, NULL, NULL, "idefics3"},
    };

    if (argc < 3)
        return 77;
    pair_mkmodel = argv[1];
    pair_dir = argv[2];
    mkdir(pair_dir, 0777);
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    rmdir(pair_dir);
    return failed;
}
