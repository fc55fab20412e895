/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ggml-backend.h>

#include "internal.h"
#include "log.h"

/* ggml repacks weights for AMX where the CPU names it; some machines name it but trap on it. */
static bool cpu_names_amx(void)
{
    FILE *f = fopen("/proc/cpuinfo", "r");
    char line[8192];
    bool found = false;

    if (!f)
        return true; /* not known: the safe way */
    while (!found && fgets(line, sizeof(line), f))
        found = !strncmp(line, "flags", 5) && strstr(line, " amx_");
    fclose(f);
    return found;
}

static bool stop_loading(float done, void *opaque)
{
    (void)done;
    return !wn_cancelled(opaque);
}

static int load(struct wn_llm *llm, const char *path)
{
    struct llama_model_params p = llama_model_default_params();
    ggml_backend_dev_t none[] = {NULL};
    struct wn_caught caught;
    char name[96];
    const char *slash = strrchr(path, '/');

    llama_backend_init();
    if (!ggml_backend_reg_count()) /* a build whose backends are plug-ins */
        ggml_backend_load_all();
    p.n_gpu_layers = llm->no_gpu ? 0 : -1;
    if (llm->no_gpu)
        p.devices = none;
    p.load_mode = LLAMA_LOAD_MODE_MMAP;
    p.use_extra_bufts = !cpu_names_amx();
    p.progress_callback = stop_loading;
    p.progress_callback_user_data = llm->log;
    wn_catch_begin(&caught);
    llm->model = llama_model_load_from_file(path, p);
    wn_catch_end();
    if (llm->model)
        return WN_OK;
    if (wn_cancelled(llm->log))
        return wn_fail(llm->log, WN_ERR_ABORTED, "cancelled");
    return wn_fail(llm->log, WN_ERR_MODEL, "%s: llama.cpp cannot load it: %s",
                   wn_printable(name, sizeof(name), slash && slash[1] ? slash + 1 : path),
                   caught.why[0] ? caught.why : "no reason was given");
}

/* A copy of a GGUF key's text; NULL: absent, empty, or no memory. */
static char *meta(const struct llama_model *model, const char *key)
{
    const int32_t n = llama_model_meta_val_str(model, key, NULL, 0);
    char *text = n > 0 ? wn_calloc((size_t)n + 1, 1) : NULL;

    if (text)
        llama_model_meta_val_str(model, key, text, (size_t)n + 1);
    return text;
}

/* The model's own wordings; the order is that of enum wn_prompt_text. */
static void read_prompts(struct wn_llm *llm)
{
    static const char *const key[WN_N_PROMPTS] = {"winnow.prompt.note", "winnow.prompt.final",
                                                  "winnow.prompt.split", "winnow.prompt.nothing"};

    for (int i = 0; i < WN_N_PROMPTS; i++)
        llm->info.prompts[i] = llm->prompts[i] = meta(llm->model, key[i]);
}

static bool has_token(void *opaque, const char *text)
{
    const struct wn_vocab *v = opaque;

    for (int32_t i = 0; i < v->n_control; i++)
        if (!strcmp(llama_vocab_get_text(v->llama, v->control[i]), text))
            return true;
    return false;
}

/* Keys and values of one position. Heads of other sizes than the usual share of the width name
 * them in the GGUF. */
static int64_t cell_bytes(const struct llama_model *model)
{
    const int64_t heads = WN_MAX(llama_model_n_head(model), 1);
    const int64_t size = llama_model_n_embd(model) / heads;
    int64_t width[2] = {size, size};

    for (int i = 0; i < 2; i++) {
        char key[128], value[32];
        char arch[64] = "";
        llama_model_meta_val_str(model, "general.architecture", arch, sizeof(arch));
        snprintf(key, sizeof(key), "%s.attention.%s_length", arch, i ? "value" : "key");
        if (llama_model_meta_val_str(model, key, value, sizeof(value)) > 0)
            width[i] = strtoll(value, NULL, 10);
    }
    return 2 * (width[0] + width[1]) * llama_model_n_head_kv(model) * llama_model_n_layer(model);
}

static int fill_info(struct wn_llm *llm)
{
    const enum llama_rope_type rope = llama_model_rope_type(llm->model);
    char desc[128];

    llama_model_desc(llm->model, desc, sizeof(desc));
    llm->desc = wn_strdup(desc);
    llm->cls_layout = meta(llm->model, "winnow.cls_layout");
    llm->frame_label = meta(llm->model, "winnow.frame_label");
    llm->note = meta(llm->model, "winnow.note");
    llm->info = (struct wn_llm_info){
        .model = llm->model,
        .dim = llama_model_n_embd_inp(llm->model),
        .n_vocab = llama_vocab_n_tokens(llama_model_get_vocab(llm->model)),
        .n_ctx_train = llama_model_n_ctx_train(llm->model),
        .cell_bytes = cell_bytes(llm->model),
        .mrope = rope == LLAMA_ROPE_TYPE_MROPE || rope == LLAMA_ROPE_TYPE_IMROPE,
        .cls_layout = llm->cls_layout,
        .frame_label = llm->frame_label,
        .note = llm->note,
        .desc = llm->desc,
    };
    read_prompts(llm);
    return llm->desc ? WN_OK : wn_nomem(llm->log, "the model");
}

static int set_up(struct wn_llm *llm, const struct wn_llm_params *params)
{
    int err;

    TRY(wn_llm_check_file(params->model, WN_GGUF_LLM, llm->log));
    TRY(load(llm, params->model));
    if (llama_model_has_encoder(llm->model) || !llama_model_has_decoder(llm->model) ||
        llama_model_is_diffusion(llm->model))
        return wn_fail(llm->log, WN_ERR_UNSUPPORTED, "the model is no decoder-only language model");
    TRY(fill_info(llm));
    llm->n_ctx = params->n_ctx > 0 ? params->n_ctx : llm->info.n_ctx_train;
    err = wn_vocab_init(&llm->vocab, llama_model_get_vocab(llm->model));
    if (err < 0)
        return wn_nomem(llm->log, "the vocabulary");
    if (params->n_ctx > llm->info.n_ctx_train)
        wn_say(llm->log, WN_LOG_WARN, "the context of %d KV cells is longer than the %d this model "
               "was trained for", params->n_ctx, llm->info.n_ctx_train);
    err = wn_template_make(&llm->tmpl, params->chat_template,
                           llama_model_chat_template(llm->model, NULL), has_token, &llm->vocab,
                           llm->log);
    if (err == WN_ERR_NOMEM)
        return wn_nomem(llm->log, "the chat template");
fail:
    return err;
}

int wn_llm_open(struct wn_llm **out, const struct wn_llm_params *params)
{
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    struct wn_llm *llm = wn_calloc(1, sizeof(*llm));
    int err;

    if (!llm)
        return wn_nomem(params->log, "the language model");
    llm->log = params->log;
    llm->no_gpu = params->no_gpu;
    llm->n_threads = params->n_threads > 0 ? params->n_threads : (int)WN_MAX(cores, 1);
    TRY(set_up(llm, params));
    wn_say(llm->log, WN_LOG_INFO, "language model: %s, rows of width %d, chat template %s",
           llm->desc, llm->info.dim, llm->tmpl.name);
    *out = llm;
    return WN_OK;
fail:
    wn_llm_close(&llm);
    return err;
}

void wn_llm_close(struct wn_llm **llm)
{
    struct wn_llm *l = *llm;

    if (!l)
        return;
    llama_free(l->ctx);
    free(l->past);
    llama_model_free(l->model);
    wn_llm_unroute_logs(l->log);
    wn_vocab_finish(&l->vocab);
    wn_template_finish(&l->tmpl);
    free(l->cls_layout);
    free(l->frame_label);
    free(l->note);
    for (int i = 0; i < WN_N_PROMPTS; i++)
        free(l->prompts[i]);
    free(l->desc);
    free(l);
    *llm = NULL;
}

void wn_llm_info(const struct wn_llm *llm, struct wn_llm_info *out)
{
    *out = llm->info;
}

bool wn_llm_on_gpu(const struct wn_llm *llm)
{
    return !llm->no_gpu && llama_supports_gpu_offload();
}

int64_t wn_llm_cells(const struct wn_llm *llm, const char *text)
{
    struct wn_ids ids = {0};
    struct wn_run run = {.vocab = &llm->vocab, .out = &ids};
    int err;

    TRY(wn_run_plain(&run, text));
    TRY(wn_run_end(&run));
fail:
    wn_run_finish(&run);
    free(ids.id);
    return err < 0 ? err : ids.n;
}
