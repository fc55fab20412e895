/* SPDX-License-Identifier: MIT */
/* One question, one process, one line of JSON: time to first token and peak memory.
 *
 *     ask_once winnow FILTERS TOKENS VIDEO MODEL MMPROJ QUESTION
 *     ask_once llama VIDEO MODEL MMPROJ QUESTION
 *
 * `llama` is llama.cpp's own path: mtmd's video helper (which runs the ffmpeg program) at the
 * video's own rate, mtmd_tokenize, mtmd_helper_eval_chunks. Time starts when the models are loaded.
 * tests/bench/ask.py interleaves and compares. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <llama.h>
#include <mtmd-helper.h>
#include <mtmd.h>

#include "winnow.h"

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static long peak_kib(void)
{
    struct rusage own;

    getrusage(RUSAGE_SELF, &own);
    return own.ru_maxrss;
}

static int threads(void)
{
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

static int fail(const char *why)
{
    fprintf(stderr, "ask_once: %s\n", why);
    return 1;
}

struct first {
    double at;
};

static int on_text(void *opaque, const char *text, size_t n)
{
    struct first *first = opaque;

    if (first->at == 0)
        first->at = now();
    return 0;
}

static int run_winnow(char **arg)
{
    struct wn_session *s = NULL;
    struct wn_source *src = NULL;
    struct first first = {0};
    struct wn_stats stats = {.size = sizeof(stats)};

    if (wn_open(&s,
                wn_params(.filters = arg[0], .tokens = strtol(arg[1], NULL, 10), .model = arg[3],
                          .mmproj = arg[4], .device = "cpu", .no_gpu_model = 1)))
        return fail(wn_errmsg(s));
    const long loaded = peak_kib();
    const double start = now();
    if (wn_source_open(&src, s, arg[2], NULL) ||
        wn_source_ask(src, arg[5],
                      wn_ask_params(.max_tokens = 1, .on_text = on_text, .opaque = &first), NULL))
        return fail(wn_errmsg(s));
    const double end = first.at > 0 ? first.at : now();
    wn_source_stats(src, &stats);
    printf("{\"ttft_s\": %.6f, \"peak_kib\": %ld, \"loaded_kib\": %ld, \"frames\": %lld, "
           "\"tokens_before\": %lld, \"tokens\": %lld, \"cells\": %lld, \"decode_s\": %.6f, "
           "\"encode_s\": %.6f, \"compress_s\": %.6f, \"prefill_s\": %.6f}\n",
           end - start, peak_kib(), loaded, (long long)stats.frames, (long long)stats.tokens_before,
           (long long)stats.tokens_after, (long long)stats.prompt_cells, stats.decode_s,
           stats.encode_s, stats.compress_s, stats.prefill_s);
    wn_source_close(&src);
    wn_close(&s);
    return 0;
}

static void silent(enum ggml_log_level level, const char *text, void *opaque)
{
}

static int eval(mtmd_context *ctx, struct llama_model *model, char **arg, double start, long loaded)
{
    char prompt[4096];
    mtmd_input_chunks *chunks = mtmd_input_chunks_init();
    struct mtmd_helper_init_opt opt = mtmd_helper_init_opt_default();
    llama_pos past = 0;

    opt.video_params.fps_target = 0;
    opt.video_params.timestamp_interval_ms = 0;
    struct mtmd_helper_bitmap_wrapper video =
        mtmd_helper_bitmap_init_from_file(ctx, arg[0], false, opt);
    if (!video.bitmap)
        return fail("mtmd cannot open the video (is the ffmpeg program installed?)");
    snprintf(prompt, sizeof(prompt), "USER:%s%s ASSISTANT:", mtmd_default_marker(), arg[3]);
    const struct mtmd_input_text text = {prompt, strlen(prompt), true, true};
    const mtmd_bitmap *bitmaps[] = {video.bitmap};
    if (mtmd_tokenize(ctx, chunks, &text, bitmaps, 1))
        return fail("mtmd_tokenize failed");
    const size_t cells = mtmd_helper_get_n_tokens(chunks);
    struct llama_context_params cp = llama_context_default_params();
    cp.n_ctx = (uint32_t)cells + 64;
    cp.n_threads = cp.n_threads_batch = threads();
    struct llama_context *lctx = llama_init_from_model(model, cp);
    if (!lctx)
        return fail("no context");
    if (mtmd_helper_eval_chunks(ctx, lctx, chunks, 0, 0, (int32_t)llama_n_batch(lctx), true, &past))
        return fail("evaluation failed");
    struct llama_sampler *greedy = llama_sampler_init_greedy();
    llama_sampler_sample(greedy, lctx, -1);
    const double end = now();
    int frames = 0, tokens = 0;
    for (size_t i = 0; i < mtmd_input_chunks_size(chunks); i++) {
        const mtmd_input_chunk *c = mtmd_input_chunks_get(chunks, i);
        if (mtmd_input_chunk_get_type(c) != MTMD_INPUT_CHUNK_TYPE_IMAGE)
            continue;
        frames++;
        tokens += (int)mtmd_input_chunk_get_n_tokens(c);
    }
    printf("{\"ttft_s\": %.6f, \"peak_kib\": %ld, \"loaded_kib\": %ld, \"frames\": %d, "
           "\"tokens_before\": %d, \"tokens\": %d, \"cells\": %zu}\n",
           end - start, peak_kib(), loaded, frames, tokens, tokens, cells);
    llama_sampler_free(greedy);
    llama_free(lctx);
    mtmd_input_chunks_free(chunks);
    mtmd_bitmap_free(video.bitmap);
    if (video.video_ctx)
        mtmd_helper_video_free(video.video_ctx);
    return 0;
}

static int run_llama(char **arg)
{
    llama_log_set(silent, NULL);
    mtmd_helper_log_set(silent, NULL);
    llama_backend_init();
    struct llama_model_params mp = llama_model_default_params();
    mp.n_gpu_layers = 0;
    struct llama_model *model = llama_model_load_from_file(arg[1], mp);
    if (!model)
        return fail("cannot load the model");
    struct mtmd_context_params vp = mtmd_context_params_default();
    vp.use_gpu = false;
    vp.print_timings = false;
    vp.warmup = false;
    vp.n_threads = threads();
    mtmd_context *ctx = mtmd_init_from_file(arg[2], model, vp);
    if (!ctx)
        return fail("cannot load the projector");
    const int ret = eval(ctx, model, arg, now(), peak_kib());
    mtmd_free(ctx);
    llama_model_free(model);
    return ret;
}

int main(int argc, char **argv)
{
    if (argc == 8 && !strcmp(argv[1], "winnow"))
        return run_winnow(argv + 2);
    if (argc == 6 && !strcmp(argv[1], "llama"))
        return run_llama(argv + 2);
    fprintf(stderr, "usage: ask_once winnow FILTERS TOKENS VIDEO MODEL MMPROJ QUESTION\n"
                    "       ask_once llama VIDEO MODEL MMPROJ QUESTION\n");
    return 2;
}
