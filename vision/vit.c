/* SPDX-License-Identifier: MIT */
#include "vit.h"

#include <ggml-alloc.h>
#include <ggml.h>
#include <stdio.h>
#include <stdlib.h>

#include "vit_head.h"
#include "vit_load.h"

static void say(struct wn_vit_file *f, const char *path, int err, struct wn_log *log)
{
    if (err < 0 && f->why_names_file)
        wn_fail(log, err, "%s", f->why);
    else if (err < 0)
        wn_fail(log, err, "%s: not a vision tower for the own encoder: %s", path, f->why);
}

static void set_threads(ggml_backend_t backend, int n)
{
    ggml_backend_dev_t dev = ggml_backend_get_device(backend);
    ggml_backend_set_n_threads_t set = dev ? (ggml_backend_set_n_threads_t)
        ggml_backend_reg_get_proc_address(ggml_backend_dev_backend_reg(dev),
                                          "ggml_backend_set_n_threads") : NULL;

    if (set)
        set(backend, n);
}

static int open_backend(struct wn_vit *vit, struct wn_vit_file *f, const struct wn_vit_params *p)
{
    if (!ggml_backend_dev_count())
        ggml_backend_load_all();
    if (!p->no_gpu)
        vit->backend = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_GPU, NULL);
    vit->on_cpu = !vit->backend;
    if (!vit->backend)
        vit->backend = ggml_backend_init_by_type(GGML_BACKEND_DEVICE_TYPE_CPU, NULL);
    if (!vit->backend)
        return wn_vit_bad(f, WN_ERR_DEVICE, "this ggml offers no device");
    set_threads(vit->backend, WN_MAX(1, p->n_threads));
    return WN_OK;
}

static int make_head(struct wn_vit *vit, struct wn_vit_file *f)
{
    float *w[WN_VIT_HEAD_TENSORS] = {NULL};
    int err = WN_OK;

    for (int i = 0; vit->head[0] && err >= 0 && i < WN_LEN(w); i++) {
        w[i] = wn_calloc((size_t)ggml_nelements(vit->head[i]), sizeof(float));
        if (w[i])
            ggml_backend_tensor_get(vit->head[i], w[i], 0, ggml_nbytes(vit->head[i]));
        err = w[i] ? WN_OK : WN_ERR_NOMEM;
    }
    if (vit->head[0] && err >= 0)
        err = wn_vit_head_create(&vit->pooling, &(struct wn_vit_head_weights){
            vit->info.dim, vit->info.ff, vit->info.n_heads, vit->info.eps, w[0], w[1], w[2], w[3],
            w[4], w[5], w[6], w[7], w[8], w[9], w[10]});
    for (int i = 0; i < WN_LEN(w); i++)
        free(w[i]);
    return err < 0 ? wn_vit_bad(f, err, "out of memory") : WN_OK;
}

static int load(struct wn_vit *vit, struct wn_vit_file *f, const struct wn_vit_params *p)
{
    int err;

    TRY(wn_vit_file_open(f, p->path, &vit->info));
    if (p->lora)
        TRY(wn_vit_file_lora(f, p->lora, &vit->info));
    TRY(open_backend(vit, f, p));
    TRY(wn_vit_define(f, vit, p->weights));
    vit->buffer = ggml_backend_alloc_ctx_tensors(vit->weights, vit->backend);
    if (!vit->buffer)
        return wn_vit_bad(f, WN_ERR_NOMEM, "no memory for its tensors");
    ggml_backend_buffer_set_usage(vit->buffer, GGML_BACKEND_BUFFER_USAGE_WEIGHTS);
    TRY(wn_vit_fill(f, vit));
    TRY(make_head(vit, f));
fail:
    return err;
}

/* A device that cannot hold the tower or compute all of it is no reason to fail: the CPU can. */
int wn_vit_open(struct wn_vit **out, const struct wn_vit_params *params)
{
    struct wn_vit *vit = wn_calloc(1, sizeof(*vit));
    struct wn_vit_params cpu = *params;
    struct wn_vit_file f = {0};

    *out = NULL;
    if (!vit)
        return wn_nomem(params->log, "an encoder");
    vit->log = params->log;
    int err = load(vit, &f, params);
    if (vit->backend && !vit->on_cpu && (err == WN_ERR_NOMEM || (err >= 0 && !wn_vit_fits(vit)))) {
        wn_say(params->log, WN_LOG_INFO, "%s: the encoder runs on the CPU: %s", params->path,
               err < 0 ? f.why : "the device cannot compute all of it");
        wn_vit_file_close(&f);
        wn_vit_close(&vit);
        cpu.no_gpu = true;
        return wn_vit_open(out, &cpu);
    }
    say(&f, params->path, err, params->log);
    wn_vit_file_close(&f);
    if (err < 0)
        wn_vit_close(&vit);
    *out = vit;
    return err;
}

void wn_vit_close(struct wn_vit **vit)
{
    struct wn_vit *v = *vit;

    if (!v)
        return;
    wn_vit_graph_free(&v->graph);
    ggml_gallocr_free(v->pieces);
    wn_vit_head_destroy(&v->pooling);
    ggml_backend_buffer_free(v->buffer);
    if (v->backend)
        ggml_backend_free(v->backend);
    ggml_free(v->weights);
    free(v->layer);
    free(v);
    *vit = NULL;
}

int wn_vit_probe(const char *path, struct wn_vit_info *info, char *why, size_t why_size)
{
    struct wn_vit vit = {0};
    struct wn_vit_file f = {0};
    int err;

    TRY(wn_vit_file_open(&f, path, &vit.info));
    TRY(wn_vit_define(&f, &vit, WN_VIT_STORED));
    *info = vit.info;
fail:
    if (err < 0)
        snprintf(why, why_size, "%s", f.why);
    wn_vit_file_close(&f);
    ggml_free(vit.weights);
    free(vit.layer);
    return err;
}
