/* SPDX-License-Identifier: MIT */
/* Every token filter on a real clip keeps the same tokens on the CPU and on a Vulkan device:
 *     devices MODEL MMPROJ VIDEO DEVICE
 * Uses winnow.h only. Exit 77 without the device. */
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/winnow.h"


static int passed, failed;

struct kept {
    int32_t n, n_src;
    int32_t *ptr, *idx;
    float *weight, *data;
    int32_t dim;
};

static void *copy(const void *from, size_t n, size_t size)
{
    void *to = malloc(n * size + 1);

    memcpy(to, from, n * size);
    return to;
}

/* All segments of the clip through one chain. Returns how many, or an error. */
static int run(struct wn_session *s, const char *video, const char *filters, struct kept *out,
               int max)
{
    struct wn_source *src = NULL;
    struct wn_segment *seg = NULL;
    int n = 0;
    int err = wn_source_open(&src, s, video, wn_source_params(.filters = filters));

    while (!err && !(err = wn_source_pull(src, &seg))) {
        struct wn_tokens t = {.size = sizeof(t)};
        wn_segment_tokens(seg, &t);
        if (n < max) {
            const size_t entries = (size_t)t.source_ptr[t.n];
            out[n++] = (struct kept){
                .n = t.n,
                .n_src = t.n_before,
                .ptr = copy(t.source_ptr, (size_t)t.n + 1, 4),
                .idx = copy(t.source_idx, entries, 4),
                .weight = copy(t.source_weight, entries, 4),
                .data = copy(t.data, (size_t)t.n * (size_t)t.dim, 4),
                .dim = t.dim,
            };
        }
        wn_segment_unref(&seg);
    }
    wn_source_close(&src);
    return err == WN_EOF ? n : err;
}

static bool same(const struct kept *a, const struct kept *b)
{
    if (a->n != b->n || a->n_src != b->n_src)
        return false;
    const size_t entries = (size_t)a->ptr[a->n];
    if (memcmp(a->ptr, b->ptr, ((size_t)a->n + 1) * 4) || memcmp(a->idx, b->idx, entries * 4) ||
        memcmp(a->weight, b->weight, entries * 4))
        return false;
    float most = 0, worst = 0;
    for (size_t i = 0; i < (size_t)a->n * (size_t)a->dim; i++) {
        most = fmaxf(most, fabsf(a->data[i]));
        worst = fmaxf(worst, fabsf(a->data[i] - b->data[i]));
    }
    return worst <= 1e-5f * most;
}

static void release(struct kept *k, int n)
{
    for (int i = 0; i < n; i++) {
        free(k[i].ptr);
        free(k[i].idx);
        free(k[i].weight);
        free(k[i].data);
    }
}

static void check(struct wn_session *cpu, struct wn_session *gpu, const char *video,
                  const char *chain)
{
    struct kept a[64], b[64];
    char text[256];
    int tokens = 0, before = 0;

    snprintf(text, sizeof(text), "scene,uniform=n=24%s%s", *chain ? "," : "", chain);
    const int n = run(cpu, video, text, a, 64), m = run(gpu, video, text, b, 64);
    bool ok = n > 0 && n == m;
    for (int i = 0; ok && i < n; i++) {
        ok = same(&a[i], &b[i]);
        tokens += a[i].n;
        before += a[i].n_src;
    }
    printf("%s: %s, %d of %d tokens in %d segments\n", *chain ? chain : "(none)",
           ok      ? "same"
           : n < 0 ? wn_errmsg(cpu)
           : m < 0 ? wn_errmsg(gpu)
                   : "DIFFERENT",
           tokens, before, n);
    release(a, n > 0 ? n : 0);
    release(b, m > 0 ? m : 0);
    if (ok)
        passed++;
    else
        failed++;
}

/* With less than everything kept, where the filter has a say in it. */
static void check_filter(struct wn_session *cpu, struct wn_session *gpu, const char *video,
                         const struct wn_filter_info *filter)
{
    char text[128];
    const char *keep = "";

    for (int i = 0; i < filter->n_options; i++)
        if (!strcmp(filter->options[i].name, "keep"))
            keep = "=keep=0.3";
    /* `scores` takes the score of the filter before. */
    snprintf(text, sizeof(text), "%s%s%s",
             strcmp(filter->name, "scores") ? "" : "vtc_cls=keep=0.9,", filter->name, keep);
    check(cpu, gpu, video, text);
}

int main(int argc, char **argv)
{
    struct wn_session *cpu = NULL, *gpu = NULL;

    if (argc != 5) {
        fprintf(stderr, "usage: devices MODEL MMPROJ VIDEO DEVICE\n");
        return 2;
    }
    struct wn_device_info device[16];
    bool there = false;
    const int n_devices = wn_devices(device, 16);
    for (int i = 0; i < n_devices && i < 16; i++)
        there |= strstr(device[i].name, argv[4]) != NULL;
    if (!there) {
        printf("no device is called %s\n", argv[4]);
        return 77;
    }
    if (wn_open(&cpu, wn_params(.model = argv[1], .mmproj = argv[2], .device = "cpu",
                                .no_gpu_model = 1)) ||
        wn_open(&gpu, wn_params(.model = argv[1], .mmproj = argv[2], .device = argv[4],
                                .no_gpu_model = 1))) {
        printf("%s\n", wn_errmsg(gpu ? gpu : cpu));
        return 1;
    }
    check(cpu, gpu, argv[3], "");
    for (int i = 0; wn_filter(i); i++)
        if (strstr(wn_filter(i)->places, "token"))
            check_filter(cpu, gpu, argv[3], wn_filter(i));
    check(cpu, gpu, argv[3], "dycoke=keep=0.3,vtc_cls=keep=12,budget=tokens=40");
    check(cpu, gpu, argv[3], "evs=keep=0.4,visionzip=keep=8:merge=4");
    check(cpu, gpu, argv[3], "evs=keep=0.4,random=keep=0.5,stride=keep=0.5");
    wn_close(&gpu);
    wn_close(&cpu);
    printf("%d passed, %d failed\n", passed, failed);
    return failed ? 1 : 0;
}
