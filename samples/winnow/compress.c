/* SPDX-License-Identifier: MIT */
/* Rows to a safetensors file. Nothing is held longer than a segment: every tensor is spooled, and
 * the file is put together when all lengths are known. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "row_places.h"
#include "signals.h"
#include "spool.h"
#include "tool.h"

enum tensor {
    EMBEDS, POS, FRAME, CELL, SCENE, T_S, ROW, COL, WEIGHT, SCORE, CSR_PTR, CSR_IDX, CSR_W,
    FRAME_NUMBER, FRAME_SCENE, FRAME_T_S, FRAME_GRID, FRAME_ROW0, PART, PART_TOKENS, N_TENSORS
};

static const struct {
    const char *name, *dtype;
} layout[N_TENSORS] = {
    [EMBEDS]       = {"embeds", "F32"},
    [POS]          = {"pos", "I32"},
    [FRAME]        = {"frame", "I32"},
    [CELL]         = {"cell", "I32"},
    [SCENE]        = {"scene", "I32"},
    [T_S]          = {"t_s", "F32"},
    [ROW]          = {"row", "I16"},
    [COL]          = {"col", "I16"},
    [WEIGHT]       = {"weight", "F32"},
    [SCORE]        = {"score", "F32"},
    [CSR_PTR]      = {"source_csr_ptr", "I64"},
    [CSR_IDX]      = {"source_csr_idx", "I64"},
    [CSR_W]        = {"source_csr_w", "F32"},
    [FRAME_NUMBER] = {"frame_number", "I64"},
    [FRAME_SCENE]  = {"frame_scene", "I32"},
    [FRAME_T_S]    = {"frame_t_s", "F64"},
    [FRAME_GRID]   = {"frame_grid", "I32"},
    [FRAME_ROW0]   = {"frame_row0", "I64"},
    [PART]         = {"part", "I32"},
    [PART_TOKENS]  = {"part_tokens", "I32"},
};

struct output {
    const char *path;
    struct spool spool[N_TENSORS];
    struct spool more_pos[3]; /* y, x and z behind POS's t, with M-RoPE */
    bool mrope;           /* [4][n] positions */
    int64_t next_pos;
    int64_t n_parts, n_part_tokens;
    bool half;            /* embeds as F16 */
    int64_t n;            /* tokens so far */
    int64_t n_before;     /* uncompressed rows of the segments so far */
    int64_t n_sources;
    int64_t n_frames;
    int32_t dim;
    int32_t grid[2];      /* of all frames; -1: they differ */
    bool scored, linear;  /* every segment is */
};

/* ---- values ---- */

static int put(struct output *out, enum tensor t, const void *data, size_t bytes)
{
    return spool_write(&out->spool[t], data, bytes);
}

static int put_i16(struct output *out, enum tensor t, int32_t value)
{
    int16_t v = (int16_t)(value > INT16_MAX ? INT16_MAX : value);
    return put(out, t, &v, sizeof(v));
}

static int put_f32(struct output *out, enum tensor t, double value)
{
    float v = (float)value;
    return put(out, t, &v, sizeof(v));
}

static int put_i64(struct output *out, enum tensor t, int64_t value)
{
    return put(out, t, &value, sizeof(value));
}

static int put_i32(struct output *out, enum tensor t, int32_t value)
{
    return put(out, t, &value, sizeof(value));
}

/* ---- one segment ---- */

static int put_embeds(struct output *out, const struct wn_tokens *tokens)
{
    const size_t n = (size_t)tokens->n * (size_t)tokens->dim;

    return out->half ? spool_write_half(&out->spool[EMBEDS], tokens->data, n)
                     : put(out, EMBEDS, tokens->data, n * sizeof(float));
}

static int put_token(struct output *out, const struct wn_tokens *t, int32_t i, int32_t scene)
{
    int32_t first = t->source_ptr[i], last = t->source_ptr[i + 1];
    int bad = 0;

    bad |= put_i32(out, FRAME, t->frame[i]);
    bad |= put_i32(out, CELL, t->cell[i]);
    bad |= put_i32(out, SCENE, scene);
    bad |= put_f32(out, T_S, t->time[i]);
    bad |= put_i16(out, ROW, t->pos[2 * i]);
    bad |= put_i16(out, COL, t->pos[2 * i + 1]);
    bad |= put_f32(out, WEIGHT, last - first);
    bad |= put_f32(out, SCORE, t->score ? t->score[i] : 0);
    for (int32_t k = first; k < last; k++)
        bad |= put_i64(out, CSR_IDX, out->n_before + t->source_idx[k]);
    bad |= put(out, CSR_W, t->source_weight + first, (size_t)(last - first) * sizeof(float));
    out->n_sources += last - first;
    bad |= put_i64(out, CSR_PTR, out->n_sources);
    return bad;
}

static int put_places(struct output *out, const struct wn_segment *segment,
                      const struct wn_tokens *t)
{
    const size_t n = (size_t)t->n;
    int32_t *all = calloc(4 * n + 1, sizeof(*all));
    int32_t *const pos[4] = {all, all + n, all + 2 * n, all + 3 * n};

    if (!all)
        return -1;
    if (t->n)
        out->mrope = t->place != NULL;
    int bad = row_places(segment, t, &out->next_pos, pos);
    bad |= put(out, POS, pos[0], n * sizeof(*all));
    for (int s = 1; out->mrope && s < 4; s++)
        bad |= spool_write(&out->more_pos[s - 1], pos[s], n * sizeof(*all));
    free(all);
    return bad;
}

static int put_parts(struct output *out, const struct wn_segment *segment, int32_t i)
{
    struct wn_part_info part = {.size = sizeof(part)};
    int bad = 0;

    for (int32_t p = 0; wn_segment_part(segment, i, p, &part) == WN_OK; p++) {
        const int32_t record[] = {(int32_t)out->n_frames, part.row0,       part.n_rows,
                                  part.n_pos,             part.non_causal, part.n_tokens};
        bad |= put(out, PART, record, sizeof(record));
        bad |= put(out, PART_TOKENS, part.tokens, (size_t)part.n_tokens * sizeof(*part.tokens));
        out->n_parts++;
        out->n_part_tokens += part.n_tokens;
    }
    return bad;
}

static int put_frames(struct output *out, const struct wn_segment *segment)
{
    int bad = 0;

    for (int32_t i = 0; i < wn_segment_frames(segment); i++) {
        struct wn_frame_info info = {.size = sizeof(info)};

        wn_segment_frame(segment, i, &info);
        bad |= put_parts(out, segment, i);
        if (out->n_frames++ == 0) {
            out->grid[0] = info.grid_h;
            out->grid[1] = info.grid_w;
        } else if (out->grid[0] != info.grid_h || out->grid[1] != info.grid_w) {
            out->grid[0] = out->grid[1] = -1;
        }
        bad |= put_i64(out, FRAME_NUMBER, info.number);
        bad |= put_i32(out, FRAME_SCENE, info.scene);
        bad |= put(out, FRAME_T_S, &info.time, sizeof(info.time));
        bad |= put_i32(out, FRAME_GRID, info.grid_h);
        bad |= put_i32(out, FRAME_GRID, info.grid_w);
        bad |= put_i64(out, FRAME_ROW0, out->n_before + info.row0);
    }
    return bad;
}

static int put_segment(struct output *out, const struct wn_segment *segment)
{
    struct wn_tokens tokens = {.size = sizeof(tokens)};
    int32_t scene = wn_segment_scene(segment);

    wn_segment_tokens(segment, &tokens);
    if (put_embeds(out, &tokens) < 0 || put_places(out, segment, &tokens) < 0 ||
        put_frames(out, segment) < 0)
        return -1;
    for (int32_t i = 0; i < tokens.n; i++)
        if (put_token(out, &tokens, i, scene) < 0)
            return -1;
    out->scored = out->scored && (tokens.score || tokens.n == 0);
    out->linear = out->linear && tokens.linear;
    out->dim = tokens.dim;
    out->n += tokens.n;
    out->n_before += tokens.n_before;
    return 0;
}

/* ---- what the file says of itself ---- */

#define MAX_META 16

struct meta {
    const char *pair[2 * MAX_META + 1];
    char *text[MAX_META];
    int n;
};

static void meta_add(struct meta *meta, const char *key, const char *fmt, ...) PRINTF(3, 4);
static void meta_add(struct meta *meta, const char *key, const char *fmt, ...)
{
    char text[4096];
    va_list args;

    if (meta->n == MAX_META)
        return;
    va_start(args, fmt);
    vsnprintf(text, sizeof(text), fmt, args);
    va_end(args);
    meta->text[meta->n] = malloc(strlen(text) + 1);
    if (!meta->text[meta->n])
        return;
    memcpy(meta->text[meta->n], text, strlen(text) + 1);
    meta->pair[2 * meta->n] = key;
    meta->pair[2 * meta->n + 1] = meta->text[meta->n];
    meta->n++;
}

/* A model is known by its name and the XXH3-128 of its bytes. */
static void meta_add_model(struct meta *meta, const char *key, const char *hash_key,
                           const char *path)
{
    const char *slash = strrchr(path, '/');
    FILE *file = fopen(path, "rb");
    XXH3_state_t *state = XXH3_createState();
    char name[512];
    static const size_t size = 1 << 20;
    char *buf = malloc(size);
    size_t n;

    meta_add(meta, key, "%s", escape(name, sizeof(name), slash ? slash + 1 : path));
    if (file && state && buf && XXH3_128bits_reset(state) == XXH_OK) {
        while ((n = fread(buf, 1, size, file)) > 0)
            XXH3_128bits_update(state, buf, n);
        XXH128_hash_t hash = XXH3_128bits_digest(state);
        if (!ferror(file))
            meta_add(meta, hash_key, "%016llx%016llx", (unsigned long long)hash.high64,
                     (unsigned long long)hash.low64);
    }
    XXH3_freeState(state);
    free(buf);
    if (file)
        fclose(file);
}

static void describe(struct meta *meta, const struct tool *tool, const struct job *job,
                     const struct output *out)
{
    struct wn_stats stats = {.size = sizeof(stats)};
    struct wn_media media = {.size = sizeof(media)};
    unsigned v = wn_version();
    char name[1024];

    wn_source_stats(job->source, &stats);
    wn_source_media(job->source, &media);
    meta_add(meta, "schema", "winnow-rows/1");
    meta_add(meta, "tool", "winnow %u.%u.%u", v >> 16, v >> 8 & 255, v & 255);
    meta_add(meta, "file", "%s", escape(name, sizeof(name), tool->file));
    meta_add_model(meta, "model", "model_xxh3_128", tool->opt.model);
    if (stats.mmproj)
        meta_add_model(meta, "mmproj", "mmproj_xxh3_128", stats.mmproj);
    meta_add(meta, "filters", "%s", stats.filters ? stats.filters : "");
    meta_add(meta, "device", "%s", stats.device ? stats.device : "");
    if (out->grid[0] >= 0)
        meta_add(meta, "grid_thw", "%lld %d %d", (long long)out->n_frames, (int)out->grid[0],
                 (int)out->grid[1]);
    meta_add(meta, "linear", "%s", out->linear ? "true" : "false");
    meta_add(meta, "rows_before", "%lld", (long long)out->n_before);
    meta_add(meta, "duration_s", "%.6f", media.duration);
    meta_add(meta, "video", "%s", media.still ? "false" : "true");
    meta_add(meta, "partial", "%s", media.partial ? "true" : "false");
    meta->pair[2 * meta->n] = NULL;
}

/* ---- the file ---- */

static void shape_tensor(struct st_entry *t, const struct output *out, enum tensor which)
{
    const struct spool *spool = &out->spool[which];
    int64_t n = which < CSR_PTR ? out->n : which == CSR_PTR ? out->n + 1
              : which <= CSR_W ? out->n_sources : which == FRAME_ROW0 ? out->n_frames + 1
              : which == PART ? out->n_parts : which == PART_TOKENS ? out->n_part_tokens
              : out->n_frames;
    const bool four = which == POS && out->mrope;

    *t = (struct st_entry){
        .name = spool->name,
        .dtype = spool->dtype,
        .n_dims = four ? 2 : 1,
        .shape = {four ? 4 : n, n},
    };
    if (which == EMBEDS || which == FRAME_GRID || which == PART) {
        t->n_dims = 2;
        t->shape[1] = which == EMBEDS ? out->dim : which == PART ? 6 : 2;
    }
}

/* Tensors in falling size of their elements, so that each one is aligned. */
static int order_tensors(const struct output *out, enum tensor *order)
{
    static const char *const digits[] = {"64", "32", "16"};
    int n = 0;

    for (int d = 0; d < 3; d++)
        for (int t = 0; t < N_TENSORS; t++)
            if (strstr(out->spool[t].dtype, digits[d]) && (t != SCORE || out->scored))
                order[n++] = t;
    return n;
}

static int write_file(struct tool *tool, const struct job *job, struct output *out)
{
    const char *path = out->path;
    enum tensor order[N_TENSORS];
    struct st_entry tensor[N_TENSORS];
    struct meta meta = {.n = 0};
    struct st_writer *w = NULL;
    char why[512] = "";
    int n = order_tensors(out, order), bad;

    for (int i = 0; i < n; i++)
        shape_tensor(&tensor[i], out, order[i]);
    describe(&meta, tool, job, out);
    bad = st_write_begin(&w, path, tensor, n, meta.pair, why, sizeof(why));
    errno = 0;
    for (int i = 0; i < n && !bad && !signal_status(tool->signals); i++) {
        bad = spool_copy(&out->spool[order[i]], w);
        for (int s = 0; s < 3 && order[i] == POS && out->mrope && !bad; s++)
            bad = spool_copy(&out->more_pos[s], w);
    }
    for (int i = 0; i < meta.n; i++)
        free(meta.text[i]);
    if (!bad && signal_status(tool->signals)) {
        st_write_abort(&w);
        return job_failed(tool, job, WN_ERR_ABORTED);
    }
    if (w && bad)
        st_write_abort(&w);
    else if (w)
        bad = st_write_end(&w);
    if (bad)
        return tool_fail(tool, STATUS_OUTPUT, "%s: cannot be written: %s", path,
                         *why ? why : errno ? strerror(errno) : "input or output error");
    return STATUS_OK;
}

static int open_output(struct tool *tool, struct output *out, const char *path)
{
    *out = (struct output){
        .path = path,
        .half = tool->opt.dtype && !strcmp(tool->opt.dtype, "f16"),
        .scored = true,
        .linear = true,
    };
    for (int t = 0; t < N_TENSORS; t++) {
        const char *dtype = t == EMBEDS && out->half ? "F16" : layout[t].dtype;
        if (spool_open(&out->spool[t], layout[t].name, dtype, path) < 0)
            return tool_fail(tool, STATUS_OUTPUT, "%s: cannot be written: %s", path,
                             strerror(errno));
    }
    for (int s = 0; s < 3; s++)
        if (spool_open(&out->more_pos[s], "pos", "I32", path) < 0)
            return tool_fail(tool, STATUS_OUTPUT, "%s: cannot be written: %s", path,
                             strerror(errno));
    put_i64(out, CSR_PTR, 0);
    return STATUS_OK;
}

/* Every segment into the spools. */
static int pull_all(struct tool *tool, struct job *job, struct output *out)
{
    struct wn_segment *segment = NULL;
    int err;

    while ((err = wn_source_pull(job->source, &segment)) == WN_OK) {
        int bad = put_segment(out, segment);
        wn_segment_unref(&segment);
        if (bad)
            return tool_fail(tool, STATUS_OUTPUT, "%s: cannot be written: %s", out->path,
                             strerror(errno));
    }
    if (err < 0)
        return job_failed(tool, job, err);
    if (out->n == 0)
        return tool_fail(tool, STATUS_LIMIT, "no token is left to write");
    put_i64(out, FRAME_ROW0, out->n_before);
    return STATUS_OK;
}

static int report(struct tool *tool, struct job *job, const struct output *out)
{
    struct wn_stats stats = {.size = sizeof(stats)};
    struct wn_media media = {.size = sizeof(media)};
    int status = STATUS_OK;

    wn_source_stats(job->source, &stats);
    wn_source_media(job->source, &media);
    if (tool->opt.json) {
        json_t *object = json_result(tool, media.partial ? "partial" : "ok");
        json_set_path(object, "output", tool->opt.output);
        json_set_stats(object, &stats);
        json_object_set_new(object, "width", json_integer(out->dim));
        json_object_set_new(object, "media", json_media(&media));
        status = json_print(tool, object);
    }
    term_note(&tool->term, "%lld -> %lld tokens of %d, %lld frames, %lld scenes; %s",
              (long long)stats.tokens_before, (long long)out->n, (int)out->dim,
              (long long)stats.frames, (long long)stats.scenes, stats.device ? stats.device : "");
    job_warn_partial(tool, &media);
    return status == STATUS_OK ? job_status(tool, job) : status;
}

static void close_output(struct output *out)
{
    for (int t = 0; t < N_TENSORS; t++)
        spool_close(&out->spool[t]);
    for (int s = 0; s < 3; s++)
        spool_close(&out->more_pos[s]);
}

int compress_source(struct tool *tool, struct job *job, const char *path)
{
    struct output out;
    int status = open_output(tool, &out, path);

    if (status == STATUS_OK)
        status = pull_all(tool, job, &out);
    if (status == STATUS_OK)
        status = write_file(tool, job, &out);
    close_output(&out);
    return status;
}

int run_compress(struct tool *tool)
{
    struct output out;
    struct job job = {0};
    int status;

    if (!tool->opt.output)
        return tool_fail(tool, STATUS_USAGE, "no output: name a file with -o ROWS.safetensors");
    status = job_check(tool, JOB_MODEL);
    if (status != STATUS_OK)
        return status;
    status = open_output(tool, &out, tool->opt.output);
    if (status == STATUS_OK)
        status = job_open(&job, tool, JOB_MODEL | JOB_PROGRESS);
    if (status == STATUS_OK)
        status = pull_all(tool, &job, &out);
    if (status == STATUS_OK)
        status = write_file(tool, &job, &out);
    if (status == STATUS_OK)
        status = report(tool, &job, &out);
    job_close(&job, tool);
    close_output(&out);
    return status;
}
