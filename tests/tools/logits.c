/* SPDX-License-Identifier: MIT */
/* logits MODEL MMPROJ own|mtmd SIDE FRAMES QUESTION: reads frames of SIDE x SIDE packed RGB from
 * FRAMES and writes the logits of the answer's first token, f32, to standard output. The label of
 * frames is the model's own; one frame is a picture and has none. For samples/model/compare.py. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/encoder.h"
#include "pipeline/frame.h"
#include "pipeline/llm.h"

enum { MOST = 64 };

struct job {
    struct wn_log log;
    struct wn_pool *pool;
    struct wn_llm *llm;
    struct wn_encoder *encoder;
    struct wn_frame *frame[MOST];
    int n;
    struct wn_rows *rows;
    float *logits;
};

static void tell(void *opaque, enum wn_log_level level, const char *msg)
{
    (void)opaque;
    if (level <= WN_LOG_WARN)
        fprintf(stderr, "%s\n", msg);
}

static int read_frames(struct job *job, const char *path, int32_t side)
{
    FILE *file = fopen(path, "rb");
    const size_t size = (size_t)side * (size_t)side * 3;
    int err = file ? WN_OK : WN_ERR_IO;

    while (!err && job->n < MOST) {
        struct wn_frame *frame = NULL;
        if ((err = wn_frame_create(&frame, side, side)) < 0)
            break;
        if (fread(frame->rgb, 1, size, file) != size) {
            wn_frame_unref(&frame);
            break;
        }
        frame->time = job->n;
        frame->number = job->n;
        job->frame[job->n++] = frame;
    }
    if (file)
        fclose(file);
    return err ? err : job->n > 0 ? WN_OK : WN_ERR_IO;
}

static int run(struct job *job, char **arg)
{
    struct wn_llm_info info;
    int n_vocab = 0, err;

    wn_log_init(&job->log);
    job->log.fn = tell;
    wn_llm_route_logs(&job->log);
    TRY(wn_pool_create(&job->pool, 1));
    TRY(wn_llm_open(&job->llm, &(struct wn_llm_params){.model = arg[1], .n_threads = 1,
                                                       .no_gpu = true, .log = &job->log}));
    wn_llm_info(job->llm, &info);
    TRY(wn_encoder_open(&job->encoder, &(struct wn_encoder_params){
            .mmproj = arg[2], .kind = arg[3], .text_model = info.model,
            .cls_layout = info.cls_layout, .n_threads = 1, .no_gpu = true, .pool = job->pool,
            .log = &job->log}));
    TRY(read_frames(job, arg[5], (int32_t)strtol(arg[4], NULL, 10)));
    TRY(job->encoder->encode(job->encoder, job->frame, job->n, job->n > 1, NULL, &job->rows));
    for (int i = 0; i < job->rows->n_frames; i++)
        job->rows->frames[i].index = i;
    TRY(wn_llm_logits(job->llm, &(struct wn_prompt){
            .segments = &job->rows, .n_segments = 1, .question = arg[6],
            .label = job->n > 1 ? info.frame_label : NULL}, &job->logits, &n_vocab));
    if (fwrite(job->logits, sizeof(float), (size_t)n_vocab, stdout) != (size_t)n_vocab)
        err = WN_ERR_IO;
fail:
    return err;
}

int main(int argc, char **argv)
{
    struct job job = {0};

    if (argc != 7) {
        fprintf(stderr, "usage: logits MODEL MMPROJ own|mtmd SIDE FRAMES QUESTION\n");
        return 2;
    }
    const int err = run(&job, argv);
    free(job.logits);
    wn_rows_destroy(&job.rows);
    for (int i = 0; i < job.n; i++)
        wn_frame_unref(&job.frame[i]);
    wn_encoder_close(&job.encoder);
    wn_llm_close(&job.llm);
    wn_pool_destroy(&job.pool);
    wn_log_finish(&job.log);
    return err ? 1 : 0;
}
