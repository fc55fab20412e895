/* SPDX-License-Identifier: MIT */
/* Rows by importance that somebody else worked out: a network that explains a model, a text tower,
 * a person. It comes in a file, or with the rows: from on_scores of struct wn_source_params, or
 * from the filter before. With everything kept the scores are only set, for a filter that weighs
 * rows by them (cdpruner=relevance=score) or a budget.
 *
 * The file: 4-byte floats, the first byte the lowest, of every row of every frame as the encoder
 * gives them; or of one frame, for all. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "compress/build.h"
#include "compress/filters/options.h"

struct scores {
    const AVClass *class;
    char *file;
    double keep;
    int per;
    float *value; /* of the file */
    int64_t n;
};

static float from_bytes(const unsigned char *b)
{
    const union { uint32_t u; float f; } v = {
        b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24};

    return v.f;
}

static int read_values(struct scores *f, FILE *in, struct wn_log *log)
{
    unsigned char bytes[4];

    f->value = wn_calloc((size_t)f->n, sizeof(*f->value));
    if (!f->value)
        return wn_nomem(log, "scores");
    for (int64_t i = 0; i < f->n; i++) {
        if (fread(bytes, 1, sizeof(bytes), in) != sizeof(bytes))
            return wn_fail(log, WN_ERR_IO, "%s: cannot be read to its end", f->file);
        f->value[i] = from_bytes(bytes);
        if (!isfinite(f->value[i]))
            return wn_fail(log, WN_ERR_DATA, "%s: number %lld is not finite", f->file,
                           (long long)i);
    }
    return WN_OK;
}

static int init(void *priv, struct wn_log *log)
{
    struct scores *f = priv;
    struct stat st;

    if (!f->file)
        return WN_OK;
    if (stat(f->file, &st) || !S_ISREG(st.st_mode))
        return wn_fail(log, WN_ERR_IO, "%s: no such file of scores", f->file);
    if (st.st_size < 4 || st.st_size % 4 || (uint64_t)st.st_size > WN_MAX_BUFFER_BYTES * 8)
        return wn_fail(log, WN_ERR_DATA, "%s: %lld bytes are no list of 4-byte numbers", f->file,
                       (long long)st.st_size);
    FILE *in = fopen(f->file, "rb");
    if (!in)
        return wn_fail(log, WN_ERR_IO, "%s: cannot be opened", f->file);
    f->n = st.st_size / 4;
    const int err = read_values(f, in, log);
    fclose(in);
    return err;
}

static void finish(void *priv)
{
    free(((struct scores *)priv)->value);
}

/* Numbers of this segment's frames, one after the other; at: where those of each begin. */
static float *collect(struct wn_build *b, const struct scores *f, int32_t *at, int32_t *n)
{
    const struct wn_row_frame *frames = b->rows->frames;
    float *table;

    *n = 0;
    for (int32_t i = 0; i < b->in.n_frames; i++) {
        at[i] = *n;
        *n += frames[i].layout->n_rows;
    }
    table = (float *)wn_build_scratch(b, *n);
    for (int32_t i = 0; table && i < b->in.n_frames; i++) {
        const int64_t rows = frames[i].layout->n_rows;
        const int64_t from = f->n == rows ? 0 : frames[i].index * rows;
        if (f->n % rows || from + rows > f->n) {
            wn_plan_fail(b->plan, WN_ERR_DATA, "%s has %lld numbers: they are not of frames of %d "
                         "rows, or frame %d has none", f->file, (long long)f->n, (int)rows,
                         (int)frames[i].index);
            break;
        }
        memcpy(table + at[i], f->value + from, (size_t)rows * sizeof(*table));
    }
    return table;
}

static wn_buf look_up(struct wn_build *b, const struct scores *f)
{
    const wn_buf y = wn_plan_temp(b->plan, "score", b->in.n);
    int32_t *at = wn_build_scratch(b, b->in.n_frames), n = 0;
    float *table = at ? collect(b, f, at, &n) : NULL;

    if (table)
        WN_CALL(b, lookup, (&(struct wn_lookup_params){b->in.n, b->in.n_frames}), b->in.cell,
                b->in.ptr, wn_build_ints(b, "at", at, b->in.n_frames),
                wn_plan_owned(b->plan, "scores", table, n), y);
    free(at);
    free(table);
    return y;
}

static int build(void *priv, struct wn_build *b)
{
    const struct scores *f = priv;

    if (f->value)
        b->in.score = look_up(b, f);
    if (b->in.score == WN_NONE) {
        wn_plan_fail(b->plan, WN_ERR_ARG, "%s has no scores: name a file=, hand them in with "
                     "on_scores, or put a filter before it that leaves some", b->filter);
        return WN_OK;
    }
    wn_build_select(b, &(struct wn_select){
        .key = b->in.score,
        .table = wn_build_keep_table(b, f->keep),
        .global = f->per == WN_PER_SEGMENT,
    });
    return WN_OK;
}

static const AVOption options[] = {
    {"file", "4-byte floats, one for each row of each frame, or of one frame for all",
     offsetof(struct scores, file), AV_OPT_TYPE_STRING, {.str = NULL}, 0, 0, 0, NULL},
    WN_OPT_KEEP(struct scores, keep, "rows that stay, a share below 1", 1e9),
    WN_OPT_PER(struct scores, per),
    {NULL},
};

static const struct wn_token_ops ops = {
    .build = build,
};

const struct wn_filter wn_filter_scores = {
    .name = "scores",
    .brief = "keeps the rows that a file or the caller calls most important",
    .family = WN_QUERY,
    .places = WN_AT_TOKEN,
    .scores = true,
    .options = options,
    .priv_size = sizeof(struct scores),
    .init = init,
    .finish = finish,
    .token = &ops,
};
