/* SPDX-License-Identifier: MIT */
/* rows_logits MODEL ROWS.safetensors QUESTION: what llama.cpp says to a prompt over rows of a file.
 * On standard output, int32 and float32: the number of cells, each cell's token or, for row i,
 * -1 - i, the size of the vocabulary, the logits of the answer's first token. For
 * samples/transformers. */
#include <stdio.h>
#include <stdlib.h>

#include "llm/script.h"
#include "pipeline/rows_file.h"

struct job {
    struct wn_log log;
    struct wn_llm *llm;
    struct wn_rows_file file;
    struct wn_script script;
    float *logits;
};

static void tell(void *opaque, enum wn_log_level level, const char *msg)
{
    (void)opaque;
    if (level <= WN_LOG_WARN)
        fprintf(stderr, "%s\n", msg);
}

static void put(int32_t value)
{
    fwrite(&value, sizeof(value), 1, stdout);
}

static void put_script(const struct wn_script *script)
{
    put((int32_t)script->cells);
    for (int32_t i = 0; i < script->n; i++) {
        const struct wn_item *item = &script->item[i];
        for (int32_t k = item->first; k < item->first + item->n; k++)
            put(item->rows ? -1 - script->order.id[k] : script->ids.id[k]);
    }
}

static int run(struct job *job, char **arg)
{
    struct wn_llm_info info;
    int n_vocab = 0, err;

    wn_log_init(&job->log);
    job->log.fn = tell;
    wn_llm_route_logs(&job->log);
    TRY(wn_llm_open(&job->llm, &(struct wn_llm_params){.model = arg[1], .n_threads = 1,
                                                       .no_gpu = true, .log = &job->log}));
    wn_llm_info(job->llm, &info);
    TRY(wn_rows_file_read(&job->file, arg[2], &(struct wn_rows_want){
        .dim = info.dim, .n_vocab = info.n_vocab, .mrope = info.mrope}, &job->log));
    const struct wn_prompt prompt = {
        .segments = &job->file.rows, .n_segments = 1, .question = arg[3],
        .label = !job->file.video ? NULL : info.frame_label ? info.frame_label : "[{t}]"};
    TRY(wn_script_make(&job->script, job->llm, &prompt));
    TRY(wn_llm_logits(job->llm, &prompt, &job->logits, &n_vocab));
    put_script(&job->script);
    put(n_vocab);
    if (fwrite(job->logits, sizeof(float), (size_t)n_vocab, stdout) != (size_t)n_vocab)
        err = WN_ERR_IO;
fail:
    return err;
}

int main(int argc, char **argv)
{
    struct job job = {0};

    if (argc != 4) {
        fprintf(stderr, "usage: rows_logits MODEL ROWS.safetensors QUESTION\n");
        return 2;
    }
    const int err = run(&job, argv);
    free(job.logits);
    wn_script_finish(&job.script);
    wn_rows_destroy(&job.file.rows);
    wn_rows_destroy(&job.file.before);
    wn_llm_close(&job.llm);
    wn_log_finish(&job.log);
    return err ? 1 : 0;
}
