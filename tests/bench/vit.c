/* SPDX-License-Identifier: MIT */
/* Encoding through libmtmd and through the own encoder, the same pictures and threads, turn about:
 *
 *     vit LLM MMPROJ [ROUNDS [BATCH [THREADS]]]
 *
 * Real shapes with random weights will do: mkmodel llava --shape real --set layers=1 ... */
#include <llama.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "vision/vit_image.h"

enum { MOST = 64 };

struct bench {
    const char *mmproj;
    struct llama_model *model;
    struct wn_log log;
    struct wn_pool *pool;
    struct wn_encoder *mtmd;
    struct wn_vit *vit[3];
    float *patches;        /* [batch] */
    float *out;            /* [batch] */
    struct wn_frame *frame;
    int rounds, batch, threads;
};

static const char *const held[] = {"own, as stored", "own, f32", "own, q8_0"};

static void print_log(void *opaque, enum wn_log_level level, const char *msg)
{
    fprintf(stderr, "%s\n", msg);
}

static void quiet(enum ggml_log_level level, const char *text, void *opaque)
{
}

static int open_all(struct bench *b)
{
    int err;

    TRY(wn_encoder_mtmd_open(&b->mtmd, &(struct wn_encoder_params){
        .mmproj = b->mmproj, .text_model = b->model, .n_threads = b->threads, .no_gpu = true,
        .pool = b->pool, .log = &b->log}));
    for (int w = 0; w < 3; w++)
        TRY(wn_vit_open(&b->vit[w], &(struct wn_vit_params){
            .path = b->mmproj, .weights = (enum wn_vit_weights)w, .n_threads = b->threads,
            .no_gpu = true, .log = &b->log}));
fail:
    return err;
}

static int make_pictures(struct bench *b)
{
    const struct wn_vit_info *m = &b->vit[0]->info;
    const size_t n = 3 * (size_t)m->image_size * (size_t)m->image_size;
    unsigned seed = 1;

    b->patches = wn_calloc((size_t)b->batch * n, sizeof(float));
    b->out = wn_calloc((size_t)b->batch * 4, wn_vit_tap_size(m, WN_VIT_PROJECTED) * sizeof(float));
    if (!b->patches || !b->out || wn_frame_create(&b->frame, m->image_size, m->image_size) < 0)
        return WN_ERR_NOMEM;
    for (size_t i = 0; i < n; i++) {
        seed = seed * 1664525u + 1013904223u;
        b->frame->rgb[i] = (uint8_t)(128 + 100 * sin((double)i * 1e-3) + (double)(seed >> 28));
    }
    for (int i = 0; i < b->batch; i++)
        wn_vit_unfold(b->patches + (size_t)i * (size_t)m->n_patches * 3 * (size_t)m->patch_size *
                      (size_t)m->patch_size, m, b->frame->rgb);
    return WN_OK;
}

/* Time on the processor: what others do on the machine does not count, save for caches. */
static double cpu_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double run_mtmd(struct bench *b)
{
    struct wn_rows *rows = NULL;
    const double start = cpu_now();
    const int err = b->mtmd->encode(b->mtmd, &b->frame, 1, false, NULL, &rows);
    const double took = cpu_now() - start;

    wn_rows_destroy(&rows);
    return err < 0 ? NAN : took;
}

static double run_own(struct bench *b, int w, int n, float *out)
{
    const double start = cpu_now();
    const int err = wn_vit_run(b->vit[w], b->patches, n,
                               &(struct wn_vit_tap){WN_VIT_PROJECTED, 0, out}, 1);

    return err < 0 ? NAN : (cpu_now() - start) / n;
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double report(const char *name, double *took, int n, double base)
{
    qsort(took, (size_t)n, sizeof(*took), ascending);
    const double median = took[n / 2];

    printf("%-24s %8.1f ms a frame of CPU, %.1f to %.1f, %.2f x libmtmd's speed\n", name,
           median * 1e3, took[0] * 1e3, took[n - 1] * 1e3, base > 0 ? base / median : 1.0);
    return median;
}

/* The worst of all rows against those of widened weights. */
static void compare(const struct bench *b, const float *rows, const float *exact, const char *name)
{
    const struct wn_vit_info *m = &b->vit[0]->info;
    double least = 1;

    for (int32_t i = 0; i < m->n_patches; i++) {
        const float *x = rows + (size_t)i * (size_t)m->out_dim;
        const float *y = exact + (size_t)i * (size_t)m->out_dim;
        double xy = 0, xx = 0, yy = 0;

        for (int32_t c = 0; c < m->out_dim; c++) {
            xy += (double)x[c] * y[c];
            xx += (double)x[c] * x[c];
            yy += (double)y[c] * y[c];
        }
        least = fmin(least, xy / sqrt(xx * yy));
    }
    printf("%-24s least cosine to f32 of a row: %.6f\n", name, least);
}

static void measure(struct bench *b)
{
    static double took[8][MOST];
    const size_t out = wn_vit_tap_size(&b->vit[0]->info, WN_VIT_PROJECTED);
    char name[64];

    for (int r = -1; r < b->rounds; r++) { /* the first round warms up */
        double t[8];

        t[0] = run_mtmd(b);
        for (int w = 0; w < 3; w++)
            t[1 + w] = run_own(b, w, 1, b->out + (size_t)(w + 1) * (size_t)b->batch * out);
        if (b->batch > 1)
            t[4] = run_own(b, WN_VIT_STORED, b->batch, b->out);
        for (int k = 0; r >= 0 && k < 5; k++)
            took[k][r] = t[k];
    }
    const double base = report("libmtmd", took[0], b->rounds, 0);
    for (int w = 0; w < 3; w++)
        report(held[w], took[1 + w], b->rounds, base);
    snprintf(name, sizeof(name), "own, %d at once", b->batch);
    if (b->batch > 1)
        report(name, took[4], b->rounds, base);
    for (int w = 0; w < 3; w += 2)
        compare(b, b->out + (size_t)(w + 1) * (size_t)b->batch * out,
                b->out + 2 * (size_t)b->batch * out, held[w]);
}

int main(int argc, char **argv)
{
    struct bench b = {.rounds = 5, .batch = 8, .threads = 1};
    struct llama_model_params params = llama_model_default_params();
    int ret = 2;

    if (argc < 3) {
        fprintf(stderr, "usage: vit LLM MMPROJ [ROUNDS [BATCH [THREADS]]]\n");
        return 2;
    }
    b.mmproj = argv[2];
    b.rounds = argc > 3 ? (int)WN_MAX(1, WN_MIN(MOST, strtol(argv[3], NULL, 10))) : b.rounds;
    b.batch = argc > 4 ? (int)WN_MAX(1, WN_MIN(MOST, strtol(argv[4], NULL, 10))) : b.batch;
    b.threads = argc > 5 ? (int)WN_MAX(1, WN_MIN(64, strtol(argv[5], NULL, 10))) : b.threads;
    wn_log_init(&b.log);
    b.log.fn = print_log;
    llama_log_set(quiet, NULL);
    params.n_gpu_layers = 0;
    b.model = llama_model_load_from_file(argv[1], params);
    if (b.model && wn_pool_create(&b.pool, b.threads) == WN_OK && open_all(&b) == WN_OK &&
        make_pictures(&b) == WN_OK) {
        measure(&b);
        ret = 0;
    }
    for (int w = 0; w < 3; w++)
        wn_vit_close(&b.vit[w]);
    wn_encoder_close(&b.mtmd);
    wn_frame_unref(&b.frame);
    free(b.patches);
    free(b.out);
    wn_pool_destroy(&b.pool);
    if (b.model)
        llama_model_free(b.model);
    wn_log_finish(&b.log);
    return ret;
}
