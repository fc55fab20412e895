/* SPDX-License-Identifier: MIT */
/* llm_logits [MODEL MMPROJ]...: the prompts that winnow places equal those of libmtmd, token by
 * token, and their logits equal those of mtmd_helper_eval_chunks on the CPU.
 *
 * The tolerance is 0 where both decode the same batches: all rows kept. Kept subsets are compared
 * with a plain decode of each part by itself; parts that winnow joins to one batch are summed in
 * another order then, so 2e-2 (f16 KV, flash attention). */
#include <math.h>
#include <mtmd-helper.h>
#include <mtmd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "llm/script.h"

#define THREADS 1 /* OpenMP's spinning threads are slow on a busy machine */
#define JOINED 2e-2
#define MOST_FRAMES 6

static int n_passed, n_failed;

static void check(bool ok, const char *pair, const char *what, double got, double want)
{
    const char *slash = strrchr(pair, '/');

    printf("%s %s: %s: %g (at most %g)\n", ok ? "ok  " : "FAIL", slash ? slash + 1 : pair, what,
           got, want);
    n_passed += ok;
    n_failed += !ok;
}

struct bench {
    const char *path;
    struct wn_log log;
    struct wn_llm *llm;
    struct wn_llm_info info;
    mtmd_context *mtmd;
    mtmd_bitmap *picture[MOST_FRAMES];
    int most; /* frames: tiles make many rows of one */
};

static void quiet(enum ggml_log_level level, const char *text, void *opaque)
{
    (void)level;
    (void)text;
    (void)opaque;
}

static void tell(void *opaque, enum wn_log_level level, const char *msg)
{
    (void)opaque;
    fprintf(stderr, "[%d] %s\n", (int)level, msg);
}

static bool setup(struct bench *b, const char *model, const char *mmproj)
{
    struct mtmd_context_params p = mtmd_context_params_default();
    int w = 64, h = 64;

    b->path = model;
    wn_log_init(&b->log);
    b->log.fn = tell;
    mtmd_helper_log_set(quiet, NULL);
    wn_llm_route_logs(&b->log);
    b->most = MOST_FRAMES;
    if (wn_llm_open(&b->llm, &(struct wn_llm_params){.model = model, .n_threads = THREADS,
                                                     .no_gpu = true, .log = &b->log}))
        return false;
    wn_llm_info(b->llm, &b->info);
    p.use_gpu = false;
    p.print_timings = false;
    p.warmup = false;
    p.n_threads = THREADS;
    b->mtmd = mtmd_init_from_file(mmproj, b->info.model, p);
    if (!b->mtmd)
        return false;
    if (strstr(model, "idefics") || strstr(model, "internvl")) {
        w = 150; /* tiles */
        h = 90;
        b->most = 2;
    }
    unsigned char *rgb = malloc((size_t)w * (size_t)h * 3);
    for (int f = 0; f < MOST_FRAMES; f++) {
        for (int i = 0; i < w * h * 3; i++)
            rgb[i] = (unsigned char)(f * 37 + i / (w * 3) * (3 + f) + i % (w * 3) * 2);
        b->picture[f] = mtmd_bitmap_init((uint32_t)w, (uint32_t)h, rgb);
    }
    free(rgb);
    return true;
}

static void teardown(struct bench *b)
{
    for (int f = 0; f < MOST_FRAMES; f++)
        mtmd_bitmap_free(b->picture[f]);
    if (b->mtmd)
        mtmd_free(b->mtmd);
    wn_llm_close(&b->llm);
    wn_log_finish(&b->log);
}

static mtmd_input_chunks *tokenize(struct bench *b, const char *text, int n, bool special)
{
    const struct mtmd_input_text in = {text, strlen(text), special, true};
    mtmd_input_chunks *chunks = mtmd_input_chunks_init();

    if (mtmd_tokenize(b->mtmd, chunks, &in, (const mtmd_bitmap *const *)b->picture, (size_t)n)) {
        mtmd_input_chunks_free(chunks);
        return NULL;
    }
    return chunks;
}

static bool is_text(const mtmd_input_chunk *chunk)
{
    return mtmd_input_chunk_get_type(chunk) == MTMD_INPUT_CHUNK_TYPE_TEXT;
}

/* The layout of one picture, from the chunks libmtmd makes of it alone. */
static struct wn_layout *make_layout(struct bench *b, const mtmd_input_chunks *chunks)
{
    struct wn_layout *l = wn_calloc(1, sizeof(*l));
    const size_t n = mtmd_input_chunks_size(chunks);

    atomic_init(&l->refs, 1);
    l->parts = wn_calloc(n + 1, sizeof(*l->parts));
    l->grid_h = l->grid_w = 1;
    for (size_t i = 0; i < n; i++) {
        const mtmd_input_chunk *chunk = mtmd_input_chunks_get(chunks, i);
        struct wn_layout_part *part = &l->parts[l->n_parts];
        size_t m = 0;
        part->row0 = l->n_rows;
        if (is_text(chunk)) {
            const llama_token *t = mtmd_input_chunk_get_tokens_text(chunk, &m);
            part->tokens = wn_calloc(m, sizeof(*part->tokens));
            part->n_tokens = (int32_t)m;
            memcpy(part->tokens, t, m * sizeof(*t));
            l->n_parts += i + 1 == n;
            continue;
        }
        m = mtmd_input_chunk_get_n_tokens(chunk);
        part->n_rows = (int32_t)m;
        part->n_pos = mtmd_input_chunk_get_n_pos(chunk);
        part->non_causal = mtmd_decode_use_non_causal(b->mtmd, chunk);
        if (b->info.mrope) {
            l->mpos = wn_regrow(l->mpos, (size_t)l->n_rows + m, sizeof(*l->mpos));
            for (size_t r = 0; r < m; r++) {
                const struct mtmd_decoder_pos p = mtmd_image_tokens_get_decoder_pos(
                    mtmd_input_chunk_get_tokens_image(chunk), 0, r);
                const int32_t q[4] = {(int32_t)p.t, (int32_t)p.y, (int32_t)p.x, (int32_t)p.z};
                memcpy(l->mpos[(size_t)l->n_rows + r], q, sizeof(q));
            }
        }
        l->n_rows += (int32_t)m;
        l->n_parts++;
    }
    l->pos = wn_calloc((size_t)l->n_rows, sizeof(*l->pos));
    return l;
}

/* n pictures as rows, encoded by libmtmd. */
static struct wn_rows *make_rows(struct bench *b, int n)
{
    const size_t dim = (size_t)b->info.dim;
    struct wn_rows *rows = NULL;
    int32_t at = 0;

    for (int f = 0; f < n; f++) {
        const mtmd_bitmap *one = b->picture[f];
        const struct mtmd_input_text in = {mtmd_default_marker(), strlen(mtmd_default_marker()),
                                           false, true};
        mtmd_input_chunks *chunks = mtmd_input_chunks_init();
        if (mtmd_tokenize(b->mtmd, chunks, &in, &one, 1))
            exit(1);
        struct wn_layout *layout = make_layout(b, chunks);
        if (!rows)
            rows = wn_rows_create(n * layout->n_rows, b->info.dim, n);
        rows->frames[f] = (struct wn_row_frame){.index = f, .time = 0.5 * f, .layout = layout};
        for (size_t i = 0; i < mtmd_input_chunks_size(chunks); i++) {
            const mtmd_input_chunk *chunk = mtmd_input_chunks_get(chunks, i);
            if (is_text(chunk))
                continue;
            const size_t m = mtmd_input_chunk_get_n_tokens(chunk);
            if (mtmd_encode_chunk(b->mtmd, chunk))
                exit(1);
            memcpy(rows->data + (size_t)at * dim, mtmd_get_output_embd(b->mtmd),
                   m * dim * sizeof(float));
            at += (int32_t)m;
        }
        for (int32_t c = 0; c < layout->n_rows; c++)
            rows->cell[f * layout->n_rows + c] = c;
        rows->frame_ptr[f + 1] = at;
        mtmd_input_chunks_free(chunks);
    }
    return rows;
}

/* The whole prompt as one would write it for libmtmd by hand. */
static bool needs_space(const char *before, const char *text)
{
    const size_t n = strlen(before);

    return n && before[n - 1] != ' ' && before[n - 1] != '\n' && text[0];
}

static char *whole_prompt(struct bench *b, const struct wn_prompt *p, int n)
{
    const struct wn_template *t = &b->llm->tmpl;
    char *text = p->system ? wn_sprintf("%s%s%s", t->system[0], p->system, t->system[1])
                           : wn_strdup(t->before);

    for (int f = 0; f < n; f++) {
        char *label = wn_llm_label(p->label ? p->label : "", f + 1, 0.5 * f);
        const char *space = !f && needs_space(text, label) ? " " : "";
        char *longer = wn_sprintf("%s%s%s%s", text, space, label, mtmd_default_marker());
        free(text);
        free(label);
        text = longer;
    }
    const char *after = p->system ? t->system[2] : t->after;
    char *all = wn_sprintf("%s%s%s%s", text, !n && needs_space(text, p->question) ? " " : "",
                           p->question, after);
    free(text);
    return all;
}

static struct llama_context *make_context(struct bench *b, int64_t cells)
{
    struct llama_context_params p = llama_context_default_params();

    p.n_ctx = (uint32_t)(cells + 256) / 256 * 256;
    p.n_batch = WN_BATCH;
    p.n_ubatch = WN_UBATCH;
    p.n_threads = p.n_threads_batch = THREADS;
    p.offload_kqv = p.op_offload = false;
    return llama_init_from_model(b->info.model, p);
}

/* The text tokens of both, media as -1: equal ones count as 0 differences. */
static int64_t compare_tokens(const struct wn_script *s, const mtmd_input_chunks *chunks)
{
    struct wn_ids a = {0}, c = {0};
    const llama_token media = -1;
    int64_t differ = 0;

    for (int32_t i = 0; i < s->n; i++)
        for (int32_t k = 0; k < s->item[i].n; k++)
            wn_ids_add(&a, s->item[i].rows ? &media : &s->ids.id[s->item[i].first + k], 1);
    for (size_t i = 0; i < mtmd_input_chunks_size(chunks); i++) {
        const mtmd_input_chunk *chunk = mtmd_input_chunks_get(chunks, i);
        size_t m = 0;
        const llama_token *t = is_text(chunk) ? mtmd_input_chunk_get_tokens_text(chunk, &m) : NULL;
        for (size_t k = 0; k < (t ? m : mtmd_input_chunk_get_n_tokens(chunk)); k++)
            wn_ids_add(&c, t ? &t[k] : &media, 1);
    }
    for (int32_t i = 0; i < WN_MAX(a.n, c.n); i++)
        differ += i >= a.n || i >= c.n || a.id[i] != c.id[i];
    free(a.id);
    free(c.id);
    return differ;
}

static double max_diff(const float *a, const float *b, int n)
{
    double most = 0;

    for (int i = 0; i < n; i++)
        most = fmax(most, fabs((double)a[i] - (double)b[i]));
    return isnan(a[0]) || isnan(b[0]) ? INFINITY : most;
}

static void check_whole(struct bench *b, const char *what, struct wn_prompt *prompt, int frames)
{
    const int n = WN_MIN(frames, b->most);
    struct wn_rows *rows = n ? make_rows(b, n) : NULL;
    char *text = whole_prompt(b, prompt, n), name[96];
    mtmd_input_chunks *chunks = tokenize(b, text, n, true);
    struct wn_script script;
    float *logits = NULL;
    int n_vocab = 0;
    llama_pos past = 0;

    prompt->segments = &rows;
    prompt->n_segments = n > 0;
    if (!chunks || wn_script_make(&script, b->llm, prompt))
        exit(1);
    snprintf(name, sizeof(name), "%s, different tokens of %lld", what, (long long)script.cells);
    const int64_t differ = compare_tokens(&script, chunks);
    check(!differ, b->path, name, (double)differ, 0);
    check(wn_llm_prompt_cells(b->llm, prompt) == script.cells, b->path, "cells counted", 0, 0);
    struct llama_context *ctx = make_context(b, script.cells);
    if (!ctx || mtmd_helper_eval_chunks(b->mtmd, ctx, chunks, 0, 0, WN_BATCH, true, &past) ||
        wn_llm_logits(b->llm, prompt, &logits, &n_vocab))
        exit(1);
    snprintf(name, sizeof(name), "%s, logits, largest difference", what);
    const double d = max_diff(logits, llama_get_logits_ith(ctx, -1), n_vocab);
    check(d == 0, b->path, name, d, 0);
    check(past == script.end, b->path, "position of the answer", past - script.end, 0);
    llama_free(ctx);
    free(logits);
    free(text);
    mtmd_input_chunks_free(chunks);
    wn_script_finish(&script);
    wn_rows_destroy(&rows);
}

/* Every third row and, for frame 1, none at all; rows of a frame stand in no order. */
static struct wn_rows *reduce(const struct wn_rows *all)
{
    struct wn_rows *r = wn_rows_create(all->n, all->dim, all->n_frames);
    int32_t n = 0;

    for (int32_t f = 0; f < all->n_frames; f++) {
        r->frames[f] = all->frames[f];
        wn_layout_ref(r->frames[f].layout);
        for (int32_t i = all->frame_ptr[f + 1] - 1; f != 1 && i >= all->frame_ptr[f]; i -= 3) {
            memcpy(r->data + (size_t)n * (size_t)r->dim, all->data + (size_t)i * (size_t)r->dim,
                   (size_t)r->dim * sizeof(float));
            r->cell[n++] = all->cell[i];
        }
        r->frame_ptr[f + 1] = n;
    }
    r->n = n;
    return r;
}

/* One part or run of text a decode, straight from the script: what place() and join must equal. */
static void decode_plainly(struct bench *b, const struct wn_script *s, struct llama_context *ctx)
{
    const size_t dim = (size_t)b->info.dim;
    llama_pos p0 = 0;

    for (int32_t i = 0; i < s->n; i++) {
        const struct wn_item *it = &s->item[i];
        llama_pos *pos = wn_calloc((size_t)it->n * 4, sizeof(*pos));
        int8_t *want = wn_calloc((size_t)it->n, 1);
        float *x = wn_calloc((size_t)it->n * dim, sizeof(*x));
        for (int32_t k = 0; k < it->n; k++) {
            const int32_t row = it->rows ? s->order.id[it->first + k] : 0;
            const bool m = it->rows && it->layout->mpos;
            for (int q = 0; q < 4; q++)
                pos[q * it->n + k] = p0 + (m ? it->layout->mpos[it->rows->cell[row]][q] : k);
            if (it->rows)
                memcpy(x + (size_t)k * dim, it->rows->data + (size_t)row * dim, dim * sizeof(*x));
        }
        want[it->n - 1] = i == s->n - 1;
        llama_set_causal_attn(ctx, !it->non_causal);
        const int rc = llama_decode(ctx, (struct llama_batch){
            .n_tokens = it->n, .token = it->rows ? NULL : s->ids.id + it->first,
            .embd = it->rows ? x : NULL, .pos = pos, .logits = want});
        if (rc)
            exit(1);
        p0 += it->n_pos;
        free(pos);
        free(want);
        free(x);
    }
}

static void check_kept(struct bench *b, const char *what, struct wn_prompt *prompt, double most)
{
    struct wn_rows *all = make_rows(b, WN_MIN(4, b->most)), *kept = reduce(all);
    struct wn_script script;
    float *logits = NULL;
    int n_vocab = 0;

    prompt->segments = &kept;
    prompt->n_segments = 1;
    if (wn_script_make(&script, b->llm, prompt))
        exit(1);
    int64_t n_rows = 0;
    for (int32_t i = 0; i < script.n; i++)
        n_rows += script.item[i].rows ? script.item[i].n : 0;
    check(n_rows == kept->n, b->path, "kept rows left out", (double)(kept->n - n_rows), 0);
    struct llama_context *ctx = make_context(b, script.cells);
    decode_plainly(b, &script, ctx);
    if (wn_llm_logits(b->llm, prompt, &logits, &n_vocab))
        exit(1);
    const double d = max_diff(logits, llama_get_logits_ith(ctx, -1), n_vocab);
    check(d <= most, b->path, what, d, most);
    llama_free(ctx);
    free(logits);
    wn_script_finish(&script);
    wn_rows_destroy(&all);
    wn_rows_destroy(&kept);
}

/* What the other checks compare must depend on the rows. */
static void check_sense(struct bench *b)
{
    struct wn_rows *rows = make_rows(b, 2);
    struct wn_prompt prompt = {.segments = &rows, .n_segments = 1, .question = "what color?"};
    float *a = NULL, *c = NULL;
    int n_vocab = 0;

    if (wn_llm_logits(b->llm, &prompt, &a, &n_vocab))
        exit(1);
    for (int32_t i = 0; i < rows->dim; i++)
        rows->data[i] = -rows->data[i];
    if (wn_llm_logits(b->llm, &prompt, &c, &n_vocab))
        exit(1);
    const double d = max_diff(a, c, n_vocab);
    check(d > 1e-6 && !isinf(d), b->path, "another first row moves the logits", d, INFINITY);
    free(a);
    free(c);
    wn_rows_destroy(&rows);
}

static void check_pair(const char *model, const char *mmproj)
{
    struct bench b = {0};
    const char *question = "what color is the circle?";

    if (!setup(&b, model, mmproj)) {
        check(false, model, "the pair opens", 1, 0);
        teardown(&b);
        return;
    }
    check_sense(&b);
    check_whole(&b, "text alone", &(struct wn_prompt){.question = "what is in the picture ?"}, 0);
    check_whole(&b, "one picture", &(struct wn_prompt){.question = question}, 1);
    check_whole(&b, "system message", &(struct wn_prompt){
        .question = question, .system = b.llm->tmpl.system[0] ? "you see a picture." : NULL}, 1);
    check_whole(&b, "labelled frames", &(struct wn_prompt){.question = question,
                                                           .label = "frame {n}:"}, 4);
    check_whole(&b, "timed frames", &(struct wn_prompt){.question = question, .label = "[{t}]"}, 6);
    check_whole(&b, "bare frames", &(struct wn_prompt){.question = question}, 3);
    check_kept(&b, "kept rows, labelled, logits", &(struct wn_prompt){
        .question = question, .label = "frame {n}:"}, 0);
    check_kept(&b, "kept rows, bare, logits", &(struct wn_prompt){.question = question}, JOINED);
    teardown(&b);
}

int main(int argc, char **argv)
{
    if (argc < 3 || access(argv[1], R_OK) || access(argv[2], R_OK)) {
        printf("no model to test\n");
        return 77;
    }
    for (int i = 1; i + 1 < argc; i += 2)
        check_pair(argv[i], argv[i + 1]);
    printf("%d passed, %d failed\n", n_passed, n_failed);
    return n_failed != 0;
}
