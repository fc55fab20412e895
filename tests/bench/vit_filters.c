/* SPDX-License-Identifier: MIT */
/* What filters between the layers of the own encoder save: of its arithmetic, and of its time.
 * Frames of a clip in which little moves, each chain in turn, and none:
 *
 *     vit_filters MMPROJ FRAMES ROUNDS THREADS CHAIN...
 *
 * Real shapes with random weights will do: mkmodel llava --shape real --set layers=1 ... */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pipeline/compressor.h"
#include "vision/select.h"
#include "vision/vit.h"

enum { CHAINS = 16, ROUNDS = 64, FRAMES = 64, SEQUENCES = 65 };

struct lengths {
    int32_t n, tokens[SEQUENCES];
};

/* Counts what the encoder computes: between two cuts rows stay as they are. */
struct counter {
    struct wn_reducer base, *real;
    const struct wn_vit_info *m;
    int32_t point;       /* of the last cut; -1: none in this batch yet */
    struct lengths left; /* behind it */
    double flops;
    int64_t entered, gone; /* rows: that entered the first layer, that are left */
};

struct chain {
    const char *text;
    struct wn_chain *chain;
    struct wn_reducer *reducer;
    double took[ROUNDS], flops;
    int64_t rows;
};

struct bench {
    struct wn_log log;
    struct wn_pool *pool;
    struct wn_encoder *enc;
    struct wn_vit_info m;
    struct wn_frame *frame[FRAMES];
    int frames, rounds, threads, n;
    struct chain chain[CHAINS]; /* 0: none */
};

static void print_log(void *opaque, enum wn_log_level level, const char *msg)
{
    fprintf(stderr, "%s\n", msg);
}

/* ---- arithmetic ---- */

static double of_layers(const struct wn_vit_info *m, int32_t from, int32_t to,
                        const struct lengths *l)
{
    const double d = m->dim;
    double sum = 0;

    for (int32_t i = 0; i < l->n; i++)
        for (int32_t at = from; at < to; at++) {
            const double t = l->tokens[i];
            sum += at % 2 ? 4 * t * d * m->ff : 8 * t * d * d + 4 * t * t * d;
        }
    return sum;
}

static double of_ends(const struct wn_vit_info *m, double entered, double left)
{
    const double d = m->dim, o = m->out_dim;

    return 6 * entered * m->patch_size * m->patch_size * d + 2 * left * (d * o + o * o);
}

static struct lengths lengths_of(const struct wn_rows *rows)
{
    struct lengths l = {.n = WN_MIN(rows->n_frames, SEQUENCES)};

    for (int32_t f = 0; f < l.n; f++)
        l.tokens[f] = rows->frame_ptr[f + 1] - rows->frame_ptr[f];
    return l;
}

static void end_batch(struct counter *c)
{
    if (c->point >= 0)
        c->flops += of_layers(c->m, c->point, 2 * c->m->depth, &c->left);
    c->point = -1;
}

static int count_cut(struct wn_reducer *reducer, int cut, struct wn_rows *rows)
{
    struct counter *c = (struct counter *)reducer;
    const struct lengths before = lengths_of(rows);

    if (!cut) {
        end_batch(c);
        c->entered += rows->n;
    }
    c->flops += of_layers(c->m, WN_MAX(c->point, 0), c->base.cut[cut].point, &before);
    const int err = c->real->run(c->real, cut, rows);
    c->point = c->base.cut[cut].point;
    c->left = lengths_of(rows);
    return err;
}

static int encode(struct bench *b, struct wn_reducer *reducer, struct wn_rows **out)
{
    const struct wn_needs needs = {.reducer = reducer};

    wn_reducer_begin(reducer);
    return b->enc->encode(b->enc, b->frame, b->frames, true, &needs, out);
}

static int count(struct bench *b, struct chain *chain)
{
    struct counter c = {.real = chain->reducer, .m = &b->m, .point = -1};
    struct wn_rows *rows = NULL;
    int err;

    if (chain->reducer) {
        c.base = *chain->reducer;
        c.base.run = count_cut;
    }
    TRY(encode(b, chain->reducer ? &c.base : NULL, &rows));
    end_batch(&c);
    if (!c.entered) { /* no cuts: what comes out went all the way */
        struct lengths l = lengths_of(rows);
        for (int32_t i = 0; i < l.n; i++)
            l.tokens[i] += b->m.cls;
        c.entered = rows->n;
        c.flops += of_layers(&b->m, 0, 2 * b->m.depth, &l);
    }
    chain->flops = c.flops + of_ends(&b->m, (double)c.entered, rows->n);
    chain->rows = rows->n;
fail:
    if (c.base.seen)
        wn_frame_unref(&c.base.seen);
    wn_rows_destroy(&rows);
    return err;
}

/* ---- time ---- */

static double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static int measure(struct bench *b)
{
    int err = WN_OK;

    for (int r = -1; r < b->rounds; r++) /* the first round warms up */
        for (int i = 0; i < b->n; i++) {
            struct wn_rows *rows = NULL;
            const double start = cpu_now();

            TRY(encode(b, b->chain[i].reducer, &rows));
            if (r >= 0)
                b->chain[i].took[r] = cpu_now() - start;
            wn_rows_destroy(&rows);
        }
fail:
    return err;
}

static void report(struct bench *b)
{
    double base = 0;

    printf("%-44s %7s %9s %16s %7s %7s\n", "chain", "rows", "ms/frame", "spread", "FLOPs", "time");
    for (int i = 0; i < b->n; i++) {
        struct chain *c = &b->chain[i];

        qsort(c->took, (size_t)b->rounds, sizeof(double), ascending);
        const double median = c->took[b->rounds / 2], ms = 1e3 / b->frames;
        base = i ? base : median;
        printf("%-44s %7lld %9.1f %7.1f-%-8.1f %6.1f%% %6.1f%%\n", c->text, (long long)c->rows,
               median * ms, c->took[0] * ms, c->took[b->rounds - 1] * ms,
               100 * (1 - c->flops / b->chain[0].flops), 100 * (1 - median / base));
    }
    printf("FLOPs and time: the share saved against none, %d frames, %d threads\n", b->frames,
           b->threads);
}

/* ---- setting up ---- */

/* A textured picture over which a block of an eighth of its side moves. */
static int make_frames(struct bench *b)
{
    const int32_t s = b->m.image_size, block = s / 8;

    for (int i = 0; i < b->frames; i++) {
        unsigned seed = 1;

        if (wn_frame_create(&b->frame[i], s, s) < 0)
            return WN_ERR_NOMEM;
        for (int32_t p = 0; p < s * s * 3; p++) {
            const int32_t x = p / 3 % s, y = p / 3 / s, at = i * block / 2 % (s - block);
            const bool moves = x >= at && x < at + block && y >= s / 2 && y < s / 2 + block;

            seed = seed * 1664525u + 1013904223u;
            b->frame[i]->rgb[p] = moves ? 250 : (uint8_t)(128 + 90 * sin(x * 0.05 + y * 0.021) +
                                                          (double)(seed >> 28));
        }
    }
    return WN_OK;
}

static int open_chain(struct bench *b, struct chain *c)
{
    const struct wn_clip clip = {.reduces = true};
    struct wn_instance **filters;
    int n, err;

    TRY(wn_chain_parse(&c->chain, c->text, &clip, &b->log));
    filters = wn_chain_at(c->chain, WN_AT_ENCODER, &n);
    TRY(wn_reducer_create(&c->reducer, &(struct wn_compressor_params){
        .filters = filters, .n_filters = n, .device = "cpu", .pool = b->pool, .log = &b->log},
        &b->enc->info));
fail:
    return err;
}

static int run(struct bench *b, const char *mmproj)
{
    char why[256] = "";
    int err;

    TRY(wn_vit_probe(mmproj, &b->m, why, sizeof(why)));
    TRY(wn_pool_create(&b->pool, b->threads));
    TRY(wn_encoder_own_open(&b->enc, &(struct wn_encoder_params){
        .mmproj = mmproj, .n_threads = b->threads, .no_gpu = true, .pool = b->pool,
        .log = &b->log}));
    TRY(make_frames(b));
    for (int i = 0; i < b->n; i++) {
        if (i)
            TRY(open_chain(b, &b->chain[i]));
        TRY(count(b, &b->chain[i]));
    }
    TRY(measure(b));
    report(b);
fail:
    if (*why)
        fprintf(stderr, "%s: %s\n", mmproj, why);
    return err;
}

static int number(const char *text, int most)
{
    return (int)WN_MAX(1, WN_MIN(most, strtol(text, NULL, 10)));
}

int main(int argc, char **argv)
{
    static struct bench b = {.n = 1, .chain = {{.text = "none"}}};

    if (argc < 6) {
        fprintf(stderr, "usage: vit_filters MMPROJ FRAMES ROUNDS THREADS CHAIN...\n");
        return 2;
    }
    b.frames = number(argv[2], FRAMES);
    b.rounds = number(argv[3], ROUNDS);
    b.threads = number(argv[4], 64);
    for (int i = 5; i < argc && b.n < CHAINS; i++)
        b.chain[b.n++].text = argv[i];
    wn_log_init(&b.log);
    b.log.fn = print_log;
    const int err = run(&b, argv[1]);
    for (int i = 0; i < b.n; i++) {
        wn_reducer_destroy(&b.chain[i].reducer);
        wn_chain_destroy(&b.chain[i].chain);
    }
    for (int i = 0; i < b.frames; i++)
        wn_frame_unref(&b.frame[i]);
    wn_encoder_close(&b.enc);
    wn_pool_destroy(&b.pool);
    wn_log_finish(&b.log);
    return err < 0;
}
