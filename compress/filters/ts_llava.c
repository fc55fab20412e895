/* SPDX-License-Identifier: MIT */
/* Rows of all frames at even distances, as one list. A picture made of several frames (`tile`)
 * keeps its own, so that "uniform=50,tile,ts_llava" is the authors' default. A long video has
 * several segments, and each its share. Rows without a place count like others. */
#include "compress/filters/options.h"
#include "compress/made.h"

struct ts_llava {
    const AVClass *class;
    double keep;
};

struct params {
    const struct wn_rows *rows; /* its frames' numbers are read */
    int32_t n, n_frames;
    uint32_t keep[2]; /* a double */
};

static bool is_whole(const struct params *p, int32_t f)
{
    return p->rows->frames[f].number == WN_FRAME_MADE;
}

/* buf: ptr; then flags, the rows that are sampled and the places of those that stay. */
static void sample(const void *params, void *const *buf)
{
    const struct params *p = params;
    const int32_t *ptr = buf[0];
    int32_t *keep = buf[1], *row = buf[2], *list = buf[3], m = 0;
    union { uint32_t u[2]; double d; } share = {{p->keep[0], p->keep[1]}};

    for (int32_t f = 0; f < p->n_frames; f++) {
        for (int32_t i = ptr[f]; i < ptr[f + 1]; i++) {
            keep[i] = is_whole(p, f);
            if (!keep[i])
                row[m++] = i;
        }
    }
    const int32_t n = wn_keep(share.d, m);
    wn_linspace(m, n, list);
    for (int32_t k = 0; k < n; k++)
        keep[row[list[k]]] = 1;
}

static const struct wn_kernel kernel = {
    .name = "ts_llava",
    .n_bufs = 4,
    .access = {WN_READ, WN_WRITE, WN_WRITE, WN_WRITE},
    .params_size = sizeof(struct params),
    .ref = sample,
    .host = true,
};

static int build(void *priv, struct wn_build *b)
{
    const union { double d; uint32_t u[2]; } keep = {((const struct ts_llava *)priv)->keep};
    const int32_t n = b->in.n;
    const struct params p = {b->rows, n, b->in.n_frames, {keep.u[0], keep.u[1]}};
    struct wn_list list = {
        .keep = wn_plan_temp(b->plan, "keep", n),
        .rank = WN_NONE,
        .n_out = n,
    };

    wn_plan_call(b->plan, &kernel, &p, (const wn_buf[]){
        b->in.ptr, list.keep, wn_plan_temp(b->plan, "sampled", n),
        wn_plan_temp(b->plan, "places", n),
    });
    wn_build_compact(b, &list);
    return WN_OK;
}

static const AVOption options[] = {
    WN_OPT_KEEP(struct ts_llava, keep, "rows of a segment that stay, a share below 1", 0.1),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_ts_llava = {
    .name = "ts_llava",
    .brief = "keeps rows of all frames at even distances, and a picture that `tile` made whole",
    .paper = "TS-LLaVA (arXiv 2411.11066), tingyu215/TS-LLaVA @ 03cdeae",
    .family = WN_TRANSFORMATION,
    .places = WN_AT_TOKEN,
    .needs = WN_NEED_HOST,
    .options = options,
    .priv_size = sizeof(struct ts_llava),
    .token = &ops,
};
