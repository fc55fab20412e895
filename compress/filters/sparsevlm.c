/* SPDX-License-Identifier: MIT */
/* Of each frame the rows with the best score stay as they are. Of those that go the best ones, a
 * share and one more, come back as a few: clusters by density peaks, one for every ten rows and
 * one more, each the mean of its rows. The authors score rows inside the language model, by the
 * words of the question that look at pictures; here it is what CLS looks at, or the score that the
 * filter before left, which may be any (`scores=file=NAME,sparsevlm=by=score`). `sparsevlm_merge`
 * is the second half by itself, over all rows.
 */
#include <string.h>

#include "compress/clusters.h"
#include "compress/filters/options.h"
#include "compress/made.h"

enum { ATTENTION, SCORE };

struct sparsevlm {
    const AVClass *class;
    double keep, recycle;
    int by, k;
};

struct params {
    int32_t n, n_frames;
    uint32_t keep[2], recycle[2]; /* doubles */
};

/* What becomes of a row. */
enum { GOES, STAYS, AGAIN };

/* How many of m rows stay, and how many more come back as clusters. */
static void counts(const struct params *p, int32_t m, int32_t *stay, int32_t *again)
{
    double keep, recycle;

    memcpy(&keep, p->keep, sizeof(keep));
    memcpy(&recycle, p->recycle, sizeof(recycle));
    *stay = wn_keep(keep, m);
    *again = recycle > 0 ? WN_MIN((int32_t)((m - *stay) * recycle) + 1, m - *stay) : 0;
}

static int32_t clusters_of(int32_t m, const void *arg)
{
    return WN_MIN(m / 10 + 1, m);
}

/* buf: ptr, ranks by score; then what becomes of each row, those that come back, and where those of
 * a frame begin. */
static void choose(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0], *rank = buf[1];
    int32_t *what = buf[2], *rest = buf[3], *rest_ptr = buf[4], n = 0;

    rest_ptr[0] = 0;
    for (int32_t f = 0; f < p->n_frames; f++) {
        int32_t stay, again;
        counts(p, ptr[f + 1] - ptr[f], &stay, &again);
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) {
            what[i] = rank[i] < stay ? STAYS : rank[i] < stay + again ? AGAIN : GOES;
            if (what[i] == AGAIN)
                rest[n++] = i;
        }
        rest_ptr[f + 1] = n;
    }
}

/* The cluster of `center` among the rest [first, end). */
static void make_cluster(struct wn_maker *m, const int32_t *rest, const int32_t *to, int32_t first,
                         int32_t end, int32_t center)
{
    int32_t count = 0;

    for (int32_t i = first; i < end; i++)
        count += to[i] == center;
    const float share = 1.0f / (float)WN_MAX(count, 1);
    wn_make_entry(m, rest[center], share);
    for (int32_t i = first; i < end; i++) {
        if (to[i] == center && i != center)
            wn_make_entry(m, rest[i], share);
    }
}

/* buf: ptr, what becomes of each row, those that come back and where they begin, which of them are
 * centers, the center of each; then W. */
static void make_rows(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0], *what = buf[1], *rest = buf[2], *rest_ptr = buf[3];
    const int32_t *center = buf[4], *to = buf[5];
    struct wn_maker m = wn_maker(buf + 6);

    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) {
            if (what[i] != STAYS)
                continue;
            wn_make_row(&m, f, i);
            wn_make_entry(&m, i, 1);
        }
        for (int32_t i = rest_ptr[f]; i < rest_ptr[f + 1]; i++) {
            if (!center[i])
                continue;
            wn_make_row(&m, f, rest[i]);
            make_cluster(&m, rest, to, rest_ptr[f], rest_ptr[f + 1], i);
        }
    }
    wn_make_end(&m, p->n_frames);
}

static const struct wn_kernel choose_kernel = {
    .name = "rows of sparsevlm", .n_bufs = 5,
    .access = {WN_READ, WN_READ, WN_WRITE, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct params), .ref = choose, .host = true,
};
static const struct wn_kernel rows_kernel = {
    .name = "clusters of sparsevlm", .n_bufs = 11,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE, WN_WRITE, WN_WRITE,
               WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct params), .ref = make_rows, .host = true,
};

static int needs(void *priv, const struct wn_encoder_info *info, struct wn_needs *needs,
                 struct wn_log *log)
{
    if (((const struct sparsevlm *)priv)->by == ATTENTION)
        wn_need_cls(needs, info, -2, -1);
    return WN_OK;
}

static int build(void *priv, struct wn_build *b)
{
    const struct sparsevlm *f = priv;
    const int32_t n = b->in.n, T = b->in.n_frames;
    struct params p = {.n = n, .n_frames = T};
    struct wn_made made = {.n_out = n, .n_entries = n};
    const wn_buf what = wn_plan_temp(b->plan, "what", n), rest = wn_plan_temp(b->plan, "rest", n);
    const wn_buf ptr = wn_plan_temp(b->plan, "rest ptr", (int64_t)T + 1);
    const wn_buf data = wn_plan_temp(b->plan, "rows again", (int64_t)n * b->in.dim);
    struct wn_clusters c = {
        .n = n,
        .n_segments = T,
        .dim = b->in.dim,
        .width = wn_build_most(b),
        .data = data,
        .ptr = ptr,
        .table = wn_build_table(b, clusters_of, NULL),
        .k = f->k ? f->k : WN_DENSITY_MOST,
        .capped = !f->k,
    };

    memcpy(p.keep, &f->keep, sizeof(f->keep));
    memcpy(p.recycle, &f->recycle, sizeof(f->recycle));
    if (f->by == ATTENTION || b->in.score == WN_NONE)
        b->in.score = wn_build_cls_score(b, -2, -1, true, -1.0f);
    if (b->in.score == WN_NONE)
        return WN_OK;
    wn_build_made(b, &made);
    wn_plan_call(b->plan, &choose_kernel, &p, (const wn_buf[]){
        b->in.ptr, wn_build_rank(b, b->in.score), what, rest, ptr,
    });
    WN_CALL(b, take, (&(struct wn_take_params){n, T, b->in.dim}), b->in.data, rest, ptr, data);
    wn_build_find_clusters(b, &c);
    wn_plan_call(b->plan, &rows_kernel, &p, (const wn_buf[]){
        b->in.ptr, what, rest, ptr, c.keep, c.to, made.ptr, made.base, made.w_ptr, made.w_idx,
        made.w,
    });
    wn_build_rows(b, &made);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct sparsevlm, keep, "rows that stay as they are, a share below 1", 58),
    {"recycle", "share of the others that comes back as clusters; 0: none",
     offsetof(struct sparsevlm, recycle), AV_OPT_TYPE_DOUBLE, {.dbl = 0.3}, 0, 1, 0, NULL},
    {"by", "what tells which rows matter", offsetof(struct sparsevlm, by), AV_OPT_TYPE_INT,
     {.i64 = ATTENTION}, ATTENTION, SCORE, 0, "by"},
    {"attention", "what CLS looks at", 0, AV_OPT_TYPE_CONST, {.i64 = ATTENTION}, 0, 0, 0, "by"},
    {"score", "the score of the filter before", 0, AV_OPT_TYPE_CONST, {.i64 = SCORE}, 0, 0, 0,
     "by"},
    {"k", "neighbours that make a row's density; 0: as many as clusters",
     offsetof(struct sparsevlm, k), AV_OPT_TYPE_INT, {.i64 = 0}, 0, WN_DENSITY_MOST, 0, NULL},
    {NULL},
};

static const struct wn_token_ops ops = {
    .needs = needs,
    .build = build,
};

const struct wn_filter wn_filter_sparsevlm = {
    .name = "sparsevlm",
    .brief = "keeps the best rows, and the best of the others as a few clusters",
    .paper = "SparseVLM with its recycling (arXiv 2410.04417), Gumpest/SparseVLMs @ 26a5f48",
    .family = WN_ATTENTION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_CLS | WN_NEED_HOST,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct sparsevlm),
    .token = &ops,
};
