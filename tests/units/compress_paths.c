/* SPDX-License-Identifier: MIT */
/* Every token filter, by itself and with its defaults, over rows of several kinds: a line each with
 * a hash of all that comes out, which every path of a CPU and every device must agree on.
 *
 *     compress_paths [--ref] [--threads N] [--device NAME] [--runs N]
 *
 * Runs that differ from the first one are told and fail. same_paths.py compares the lines. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compress/blocks.h"
#include "tests/units/compress_make.h"

enum { SKIP = 77 };

static const struct make shapes[] = {
    {.seed = 1, .n_frames = 5, .grid_h = 6, .grid_w = 7, .dim = 131, .keys = true, .attn = true},
    {.seed = 2, .n_frames = 3, .grid_h = 17, .grid_w = 16, .dim = 64, .keys = true, .attn = true,
     .kind = STILL},
    {.seed = 3, .n_frames = 9, .grid_h = 4, .grid_w = 4, .dim = 16, .keys = true, .attn = true,
     .kind = TIES, .cls = true},
    {.seed = 4, .n_frames = 4, .grid_h = 5, .grid_w = 5, .dim = 100, .keys = true, .attn = true,
     .kind = EQUAL},
    {.seed = 5, .n_frames = 2, .grid_h = 1, .grid_w = 1, .dim = 1, .keys = true, .attn = true,
     .kind = ZERO},
    {.seed = 6, .n_frames = 6, .grid_h = 6, .grid_w = 5, .dim = 80, .keys = true, .attn = true,
     .kind = HUGE_AND_TINY, .received = true},
};

static uint64_t mix(uint64_t h, const void *p, size_t size)
{
    return p && size ? wn_hash64(p, size, h) : h + 1;
}

static uint64_t hash_of(const struct wn_rows *r)
{
    const size_t n = (size_t)r->n;
    uint64_t h = mix(n, r->data, n * (size_t)r->dim * 4);

    h = mix(h, r->cell, n * 4);
    h = mix(h, r->score, n * 4);
    h = mix(h, r->size, n * 4);
    h = mix(h, r->frame_ptr, ((size_t)r->n_frames + 1) * 4);
    h = mix(h, r->w.ptr, (n + 1) * 4);
    if (r->w.ptr) {
        h = mix(h, r->w.idx, (size_t)r->w.ptr[n] * 4);
        h = mix(h, r->w.weight, (size_t)r->w.ptr[n] * 4);
    }
    return h;
}

/* A filter that cannot work on these rows gives the hash of its sentence. */
static uint64_t run(const char *name, const struct make *shape, struct wn_backend *backend,
                    struct wn_log *log, int *refused)
{
    struct wn_rows *rows = make_rows(shape);
    const int err = run_chain(&rows, name, shape->cls, backend, log);
    const uint64_t h = err < 0 ? mix(0, log->last_error, strlen(log->last_error)) : hash_of(rows);

    *refused += err < 0;
    wn_rows_destroy(&rows);
    return h;
}

static int run_filters(struct wn_backend *backend, int runs, struct wn_log *log)
{
    int failed = 0, refused, none = 0;

    for (int i = 0; wn_token_filters[i]; i++) {
        const struct wn_filter *f = wn_token_filters[i];
        if (!f->token || !(f->places & WN_AT_TOKEN))
            continue;
        refused = 0;
        for (int s = 0; s < WN_LEN(shapes); s++) {
            const uint64_t first = run(f->name, &shapes[s], backend, log, &refused);
            printf("%s %d %016llx\n", f->name, s, (unsigned long long)first);
            for (int r = 1; r < runs; r++) {
                if (run(f->name, &shapes[s], backend, log, &none) == first)
                    continue;
                printf("%s %d: run %d differs\n", f->name, s, r);
                failed++;
            }
        }
        if (refused)
            fprintf(stderr, "%s refuses %d of %d: %s\n", f->name, refused, WN_LEN(shapes),
                    log->last_error);
    }
    return failed;
}

/* What this program was built for alone, see blocks.h. */
static bool can_run(void)
{
#if defined(WN_ONLY_PATH)
    return __builtin_cpu_supports(WN_ONLY_PATH);
#else
    return true;
#endif
}

int main(int argc, char **argv)
{
    const char *device = NULL;
    struct wn_backend *backend = NULL;
    struct wn_pool *pool = NULL;
    struct wn_log log;
    int threads = 1, runs = 1, failed = 0, err;
    bool ref = false;

    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "1";
        ref |= !strcmp(argv[i], "--ref");
        device = !strcmp(argv[i], "--device") ? value : device;
        threads = !strcmp(argv[i], "--threads") ? (int)strtol(value, NULL, 10) : threads;
        runs = !strcmp(argv[i], "--runs") ? (int)strtol(value, NULL, 10) : runs;
    }
    if (!can_run())
        return SKIP;
    wn_log_init(&log);
    err = wn_pool_create(&pool, threads);
    if (!err && device)
        err = wn_backend_vulkan(&backend, device, NULL, &log);
    else if (!err)
        err = wn_backend_cpu(&backend, pool, ref ? WN_CPU_REF : WN_CPU_AUTO, &log);
    if (!err)
        failed = run_filters(backend, runs, &log);
    wn_backend_destroy(&backend);
    wn_pool_destroy(&pool);
    wn_log_finish(&log);
    return err ? SKIP : failed != 0;
}
