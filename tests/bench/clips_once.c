/* SPDX-License-Identifier: MIT */
/* llama.cpp's own path over many clips, as a server would go: models and context once, then clip by
 * clip mtmd's video helper (which runs the ffmpeg program), mtmd_tokenize, mtmd_helper_eval_chunks
 * and a greedy answer. One line of JSON for all.
 *
 *     clips_once MODEL MMPROJ THREADS FPS MAX_TOKENS QUESTION CLIP...
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <llama.h>
#include <mtmd-helper.h>
#include <mtmd.h>

struct bench {
    struct llama_model *model;
    struct llama_context *ctx;
    mtmd_context *vision;
    const char *question;
    float fps;
    int max_tokens;
    long frames, rows, answered;
    double seen_s, answer_s; /* up to the first token; after it */
};

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int fail(const char *why, const char *what)
{
    fprintf(stderr, "clips_once: %s: %s\n", what, why);
    return 1;
}

static void silent(enum ggml_log_level level, const char *text, void *opaque)
{
}

static void count(struct bench *b, const mtmd_input_chunks *chunks)
{
    for (size_t i = 0; i < mtmd_input_chunks_size(chunks); i++) {
        const mtmd_input_chunk *c = mtmd_input_chunks_get(chunks, i);
        if (mtmd_input_chunk_get_type(c) != MTMD_INPUT_CHUNK_TYPE_IMAGE)
            continue;
        b->frames++;
        b->rows += (long)mtmd_input_chunk_get_n_tokens(c);
    }
}

static int answer(struct bench *b, llama_pos past)
{
    const struct llama_vocab *vocab = llama_model_get_vocab(b->model);
    struct llama_sampler *greedy = llama_sampler_init_greedy();
    struct llama_batch batch = llama_batch_init(1, 0, 1);
    int bad = 0;

    for (int i = 0; i < b->max_tokens && !bad; i++) {
        const llama_token token = llama_sampler_sample(greedy, b->ctx, -1);
        if (llama_vocab_is_eog(vocab, token))
            break;
        b->answered++;
        batch.n_tokens = 1;
        batch.token[0] = token;
        batch.pos[0] = past++;
        batch.n_seq_id[0] = 1;
        batch.seq_id[0][0] = 0;
        batch.logits[0] = 1;
        bad = llama_decode(b->ctx, batch);
    }
    llama_batch_free(batch);
    llama_sampler_free(greedy);
    return bad;
}

static int one_clip(struct bench *b, const char *file)
{
    mtmd_input_chunks *chunks = mtmd_input_chunks_init();
    struct mtmd_helper_init_opt opt = mtmd_helper_init_opt_default();
    const double began = now();
    char prompt[4096];
    llama_pos past = 0;

    opt.video_params.fps_target = b->fps;
    opt.video_params.timestamp_interval_ms = 0;
    struct mtmd_helper_bitmap_wrapper video =
        mtmd_helper_bitmap_init_from_file(b->vision, file, false, opt);
    if (!video.bitmap)
        return fail("mtmd cannot open it (is the ffmpeg program installed?)", file);
    snprintf(prompt, sizeof(prompt), "USER:%s%s ASSISTANT:", mtmd_default_marker(), b->question);
    const struct mtmd_input_text text = {prompt, strlen(prompt), true, true};
    const mtmd_bitmap *bitmaps[] = {video.bitmap};
    if (mtmd_tokenize(b->vision, chunks, &text, bitmaps, 1))
        return fail("mtmd_tokenize failed", file);
    llama_memory_clear(llama_get_memory(b->ctx), true);
    if (mtmd_helper_eval_chunks(b->vision, b->ctx, chunks, 0, 0, (int32_t)llama_n_batch(b->ctx),
                                true, &past))
        return fail("evaluation failed", file);
    const double first = now();
    if (answer(b, past))
        return fail("generation failed", file);
    b->seen_s += first - began;
    b->answer_s += now() - first;
    count(b, chunks);
    mtmd_input_chunks_free(chunks);
    mtmd_bitmap_free(video.bitmap);
    if (video.video_ctx)
        mtmd_helper_video_free(video.video_ctx);
    return 0;
}

static int load(struct bench *b, char **arg, int threads)
{
    struct llama_model_params mp = llama_model_default_params();
    struct mtmd_context_params vp = mtmd_context_params_default();
    struct llama_context_params cp = llama_context_default_params();

    llama_log_set(silent, NULL);
    mtmd_helper_log_set(silent, NULL);
    llama_backend_init();
    mp.n_gpu_layers = 0;
    b->model = llama_model_load_from_file(arg[0], mp);
    if (!b->model)
        return fail("cannot be loaded", arg[0]);
    vp.use_gpu = false;
    vp.print_timings = false;
    vp.warmup = false;
    vp.n_threads = threads;
    b->vision = mtmd_init_from_file(arg[1], b->model, vp);
    if (!b->vision)
        return fail("cannot be loaded", arg[1]);
    cp.n_ctx = 16384;
    cp.n_threads = cp.n_threads_batch = threads;
    b->ctx = llama_init_from_model(b->model, cp);
    return b->ctx ? 0 : fail("no context", arg[0]);
}

int main(int argc, char **argv)
{
    struct bench b = {0};

    if (argc < 8) {
        fprintf(stderr, "usage: clips_once MODEL MMPROJ THREADS FPS MAX_TOKENS QUESTION CLIP...\n");
        return 2;
    }
    b.fps = strtof(argv[4], NULL);
    b.max_tokens = (int)strtol(argv[5], NULL, 10);
    b.question = argv[6];
    if (load(&b, argv + 1, (int)strtol(argv[3], NULL, 10)))
        return 1;
    for (int i = 7; i < argc; i++)
        if (one_clip(&b, argv[i]))
            return 1;
    printf("{\"clips\": %d, \"frames\": %ld, \"rows\": %ld, \"answer_tokens\": %ld, "
           "\"seen_s\": %.6f, \"answer_s\": %.6f}\n", argc - 7, b.frames, b.rows, b.answered,
           b.seen_s, b.answer_s);
    llama_free(b.ctx);
    mtmd_free(b.vision);
    llama_model_free(b.model);
    return 0;
}
