/* SPDX-License-Identifier: MIT */
/* Products of rows with rows in strips leave the same bits as stored ones, and frames of more rows
 * than are ever stored are filtered, or a filter says why not.
 *
 *     compress_strips [DEVICE]      the same on a Vulkan device */
#include <stdio.h>
#include <string.h>

#include "tests/units/compress_make.h"

static int failures, refused;

static void fail(const char *filter, const char *what, const struct make *m)
{
    printf("%s, %d frames of %dx%d: %s\n", filter, m->n_frames, m->grid_h, m->grid_w, what);
    failures++;
}

/* Those that say that they need all products at once. */
static bool may_refuse(const char *name)
{
    return !strncmp(name, "vispruner", 9);
}

static const char *const more[] = {
    "prumerge=plus=1:k=3", "prumerge=keep=0.3:order=paper", "dpc=keep=0.2:k=1",
    "chatunivi=keep=9:second=4:third=2", "ficoco_v=keep=7:window=3:order=paper",
    "sparsevlm_merge=noise=lot:seed=3:keep=4", "repeat_cls=tau=0.2:k=1", "divprune=keep=0.5",
    "cdpruner=keep=0.4:relevance=score", "dcode=keep=0.7:threshold=0:order=paper",
    "vtc_cls=keep=0.6,dpc", "vispruner=keep=7:step=1", "stride=keep=0.5,prumerge,divprune=keep=0.5",
};

static const char *item(int i)
{
    int n = 0;

    for (; wn_token_filters[n]; n++) {
        if (n == i)
            return wn_token_filters[n]->name;
    }
    return i - n < WN_LEN(more) ? more[i - n] : NULL;
}

static bool is_plan(int i)
{
    for (int n = 0; wn_token_filters[n]; n++) {
        if (n == i) /* `scores` needs a filter before it */
            return wn_token_filters[n]->token && wn_token_filters[n]->places & WN_AT_TOKEN &&
                   strcmp(wn_token_filters[n]->name, "scores");
    }
    return true;
}

/* Strips of few rows, parts of few frames, nothing stored. */
static void compare(const char *text, const struct make *m, struct wn_backend *backend, bool brief,
                    struct wn_log *log)
{
    static const struct wn_limits limits[] = {{0, 300}, {0, 64}, {2048, 300}, {20, 2000}};
    struct wn_rows *rows = make_rows(m), *stored = copy_rows(rows);
    const bool ok = run_chain(&stored, text, m->cls, backend, log) == WN_OK;
    const char *what;

    for (int i = 0; ok && i < (brief ? 1 : WN_LEN(limits)); i++) {
        struct wn_rows *strips = copy_rows(rows);
        if (run_limited(&strips, text, m->cls, backend, &limits[i], log) < 0) {
            refused++;
            if (!may_refuse(text) || limits[i].rows > 100)
                fail(text, log->last_error, m);
        } else if (!same_rows(stored, strips, &what)) {
            fail(text, what, m);
        }
        wn_rows_destroy(&strips);
    }
    wn_rows_destroy(&stored);
    wn_rows_destroy(&rows);
}

/* No buffer of all products of a frame. */
static bool is_bounded(const struct wn_plan *plan, int64_t rows)
{
    int n;
    const struct wn_plan_buffer *b = wn_plan_buffers(plan, &n);

    for (int i = 0; i < n; i++) {
        if (b[i].n >= rows * rows)
            return false;
    }
    return true;
}

static void large(const char *text, const struct make *m, struct wn_backend *backend,
                  struct wn_log *log)
{
    const struct wn_clip clip = {0};
    struct wn_rows *rows = make_rows(m);
    struct wn_segment_plan *plan = NULL;
    struct wn_chain *chain = NULL;
    int err = wn_chain_parse(&chain, text, &clip, log);

    if (!err)
        err = wn_segment_plan_create(&plan, chain->item, chain->n, rows, m->cls, log);
    if (!err && !is_bounded(wn_segment_plan_get(plan), (int64_t)m->grid_h * m->grid_w))
        fail(text, "stores all products", m);
    if (!err)
        err = backend->run(backend, wn_segment_plan_get(plan));
    if (!err)
        err = wn_segment_plan_finish(plan, rows);
    if (err && may_refuse(text) && strstr(log->last_error, "stores how alike any two are"))
        refused++;
    else if (err)
        fail(text, log->last_error, m);
    wn_segment_plan_destroy(&plan);
    wn_chain_destroy(&chain);
    wn_rows_destroy(&rows);
}

int main(int argc, char **argv)
{
    static const struct make small[] = {
        {.seed = 1, .n_frames = 3, .grid_h = 5, .grid_w = 7, .dim = 20, .keys = true, .attn = true},
        {.seed = 2, .n_frames = 5, .grid_h = 6, .grid_w = 4, .dim = 65, .attn = true,
         .received = true, .mixed = true},
        {.seed = 3, .n_frames = 4, .grid_h = 4, .grid_w = 5, .dim = 9, .keys = true, .attn = true,
         .kind = TIES, .cls = true},
        {.seed = 4, .n_frames = 2, .grid_h = 1, .grid_w = 1, .dim = 3, .keys = true, .attn = true},
    };
    static const struct make big[] = {
        {.seed = 5, .n_frames = 1, .grid_h = 48, .grid_w = 48, .dim = 8, .keys = true,
         .attn = true},
        {.seed = 6, .n_frames = 1, .grid_h = 64, .grid_w = 64, .dim = 8, .keys = true,
         .attn = true, .kind = TIES},
    };
    struct wn_backend *backend[2] = {0};
    struct wn_pool *pool = NULL;
    struct wn_log log;
    int err;

    wn_log_init(&log);
    TRY(wn_pool_create(&pool, 2));
    if (argc > 1) {
        if (wn_backend_vulkan(&backend[0], argv[1], NULL, &log) < 0) {
            printf("skipped: %s\n", log.last_error);
            return 77;
        }
    } else {
        TRY(wn_backend_cpu(&backend[0], pool, WN_CPU_AUTO, &log));
        TRY(wn_backend_cpu(&backend[1], pool, WN_CPU_REF, &log));
    }
    for (int i = 0; item(i); i++) {
        if (!is_plan(i))
            continue;
        for (int s = 0; s < WN_LEN(small); s++) {
            for (int k = 0; k < 2 && backend[k]; k++)
                compare(item(i), &small[s], backend[k], argc > 1, &log);
        }
        for (int s = 0; s < WN_LEN(big) && argc == 1 && !strchr(item(i), '='); s++)
            large(item(i), &big[s], backend[0], &log);
    }
    printf("%d failures, %d refused\n", failures, refused);
fail:
    wn_backend_destroy(&backend[0]);
    wn_backend_destroy(&backend[1]);
    wn_pool_destroy(&pool);
    wn_log_finish(&log);
    return err < 0 || failures || !refused;
}
