/* SPDX-License-Identifier: MIT */
#include "rows_file.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rows_file_places.h"
#include "safetensors.h"

#define MOST_FRAME_ROWS (1 << 20)
#define MOST_GRID (1 << 15)

static int refuse(const struct wn_rows_tensors *f, const char *fmt, ...) WN_PRINTF(2, 3);
static int refuse(const struct wn_rows_tensors *f, const char *fmt, ...)
{
    char why[300];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(why, sizeof(why), fmt, ap);
    va_end(ap);
    return wn_fail(f->log, WN_ERR_DATA, "%s: %s", f->name, why);
}

/* ---- tensors ---- */

/* A copy of tensor `name`, aligned for its type, which is [n] or, with width > 0, [n][width]. */
static int take(const struct wn_rows_tensors *f, const struct safetensors *st, const char *name,
                const char *dtype, int64_t n, int64_t width, void *out)
{
    const struct st_tensor *t = st_find(st, name);
    const bool fits = t && t->n_dims == (width ? 2 : 1) && t->shape[0] == n &&
                      (!width || t->shape[1] == width);

    if (!t)
        return refuse(f, "has no tensor \"%s\"", name);
    if (strcmp(t->dtype, dtype))
        return refuse(f, "tensor \"%s\" is of type %s, not %s", name, t->dtype, dtype);
    if (!fits)
        return refuse(f, "tensor \"%s\" has not the shape of the others", name);
    void *copy = wn_calloc(t->bytes + 1, 1);
    if (!copy)
        return wn_nomem(f->log, "rows");
    memcpy(copy, t->data, t->bytes);
    *(void **)out = copy;
    return WN_OK;
}

static float from_half(uint16_t h)
{
    const int exponent = h >> 10 & 31;
    const float fraction = (float)(h & 1023), sign = h & 0x8000 ? -1.0f : 1.0f;

    if (exponent == 31)
        return NAN; /* infinite ones are refused just so */
    return sign * (exponent ? ldexpf(1024 + fraction, exponent - 25) : ldexpf(fraction, -24));
}

static int take_embeds(struct wn_rows_tensors *f, const struct safetensors *st, int32_t dim)
{
    const struct st_tensor *t = st_find(st, "embeds");
    const bool half = t && !strcmp(t->dtype, "F16");
    uint16_t *halves = NULL;
    int err;

    if (!t || t->n_dims != 2)
        return refuse(f, "has no tensor \"embeds\" of rows");
    if (t->shape[1] != dim)
        return refuse(f, "rows of width %lld do not fit this language model, which takes rows of "
                      "width %d", (long long)t->shape[1], dim);
    if (t->shape[0] < 1 || t->shape[0] > INT32_MAX / 8)
        return refuse(f, "holds %lld rows", (long long)t->shape[0]);
    f->n = (int32_t)t->shape[0];
    f->dim = dim;
    if (!half)
        return take(f, st, "embeds", "F32", f->n, dim, &f->data);
    TRY(take(f, st, "embeds", "F16", f->n, dim, &halves));
    f->data = wn_calloc((size_t)f->n, (size_t)dim * sizeof(*f->data));
    for (size_t i = 0; f->data && i < (size_t)f->n * (size_t)dim; i++)
        f->data[i] = from_half(halves[i]);
    err = f->data ? WN_OK : wn_nomem(f->log, "rows");
fail:
    free(halves);
    return err;
}

static int take_frames(struct wn_rows_tensors *f, const struct safetensors *st)
{
    const struct st_tensor *times = st_find(st, "frame_t_s"), *parts = st_find(st, "part");
    const struct st_tensor *glue = st_find(st, "part_tokens");
    int err;

    if (!times || times->n < 1 || times->n > INT32_MAX / 64)
        return refuse(f, "has no times of frames");
    if (!parts || !glue || parts->n > INT32_MAX || glue->n > INT32_MAX)
        return refuse(f, "has no tensors \"part\" and \"part_tokens\"");
    f->n_frames = (int32_t)times->n;
    f->n_parts = (int32_t)(parts->n / 6);
    f->n_glue = (int32_t)glue->n;
    TRY(take(f, st, "frame_t_s", "F64", f->n_frames, 0, &f->time));
    TRY(take(f, st, "frame_number", "I64", f->n_frames, 0, &f->number));
    TRY(take(f, st, "frame_scene", "I32", f->n_frames, 0, &f->scene));
    TRY(take(f, st, "frame_grid", "I32", f->n_frames, 2, &f->grid));
    TRY(take(f, st, "frame_row0", "I64", (int64_t)f->n_frames + 1, 0, &f->row0));
    TRY(take(f, st, "part", "I32", f->n_parts, 6, &f->part));
    TRY(take(f, st, "part_tokens", "I32", f->n_glue, 0, &f->glue));
fail:
    return err;
}

static int take_rows(struct wn_rows_tensors *f, const struct safetensors *st, bool mrope)
{
    const struct st_tensor *pos = st_find(st, "pos"), *idx = st_find(st, "source_csr_idx");
    int err;

    if (pos && (pos->n_dims == 2) != mrope)
        return refuse(f, mrope ? "positions are not those of M-RoPE, which this model takes"
                               : "positions are those of M-RoPE, which this model does not take");
    TRY(mrope ? take(f, st, "pos", "I32", 4, f->n, &f->pos)
              : take(f, st, "pos", "I32", f->n, 0, &f->pos));
    TRY(take(f, st, "frame", "I32", f->n, 0, &f->frame));
    TRY(take(f, st, "cell", "I32", f->n, 0, &f->cell));
    TRY(take(f, st, "row", "I16", f->n, 0, &f->row));
    TRY(take(f, st, "col", "I16", f->n, 0, &f->col));
    if (st_find(st, "score"))
        TRY(take(f, st, "score", "F32", f->n, 0, &f->score));
    if (idx && idx->n > INT32_MAX)
        return refuse(f, "has %lld sources of rows", (long long)idx->n);
    f->n_sources = idx ? idx->n : 0;
    TRY(take(f, st, "source_csr_ptr", "I64", (int64_t)f->n + 1, 0, &f->ptr));
    TRY(take(f, st, "source_csr_idx", "I64", f->n_sources, 0, &f->idx));
    TRY(take(f, st, "source_csr_w", "F32", f->n_sources, 0, &f->weight));
fail:
    return err;
}

static void drop(struct wn_rows_tensors *f)
{
    void *const all[] = {f->data, f->time, f->number, f->scene, f->grid, f->row0, f->part, f->glue,
                         f->pos, f->frame, f->cell, f->row, f->col, f->score, f->ptr, f->idx,
                         f->weight};

    for (int i = 0; i < WN_LEN(all); i++)
        free(all[i]);
}

/* ---- what the tensors say ---- */

static int check_frames(const struct wn_rows_tensors *f)
{
    if (f->row0[0] != 0)
        return refuse(f, "the first frame does not begin with row 0");
    for (int32_t i = 0; i < f->n_frames; i++) {
        if (!(f->time[i] >= 0 && f->time[i] < 1e12))
            return refuse(f, "frame %d has no time", i);
        if (f->row0[i + 1] < f->row0[i] || f->row0[i + 1] > INT32_MAX ||
            f->row0[i + 1] - f->row0[i] > MOST_FRAME_ROWS)
            return refuse(f, "frame %d has %lld rows", i,
                          (long long)((uint64_t)f->row0[i + 1] - (uint64_t)f->row0[i]));
        for (int s = 0; s < 2; s++)
            if (f->grid[2 * i + s] < 0 || f->grid[2 * i + s] > MOST_GRID)
                return refuse(f, "frame %d has a grid of %d", i, f->grid[2 * i + s]);
    }
    return WN_OK;
}

static int check_row(const struct wn_rows_tensors *f, int32_t i)
{
    const int32_t frame = f->frame[i];
    const float *x = f->data + (size_t)i * (size_t)f->dim;
    float sum = 0;

    if (frame < (i ? f->frame[i - 1] : 0) || frame >= f->n_frames)
        return refuse(f, "row %d is of frame %d, out of order or of range", i, frame);
    if (f->cell[i] < 0 || f->cell[i] >= f->row0[frame + 1] - f->row0[frame])
        return refuse(f, "row %d stands for row %d of its frame, which has %lld", i, f->cell[i],
                      (long long)(f->row0[frame + 1] - f->row0[frame]));
    const bool whole = f->row[i] == -1 && f->col[i] == -1;
    if (!whole && (f->row[i] < 0 || f->row[i] >= f->grid[2 * frame] || f->col[i] < 0 ||
                   f->col[i] >= f->grid[2 * frame + 1]))
        return refuse(f, "row %d stands at %d, %d, outside its frame's grid", i, f->row[i],
                      f->col[i]);
    for (int32_t c = 0; c < f->dim; c++)
        sum += x[c] * 0.0f; /* NaN when any is not finite */
    if (sum != 0.0f || (f->score && !isfinite(f->score[i])))
        return refuse(f, "row %d holds numbers that are not finite", i);
    return WN_OK;
}

static int check_sources(const struct wn_rows_tensors *f)
{
    const int64_t before = f->row0[f->n_frames];

    if (f->ptr[0] != 0 || f->ptr[f->n] != f->n_sources)
        return refuse(f, "its sources do not begin and end with the rows");
    for (int32_t i = 0; i < f->n; i++)
        if (f->ptr[i + 1] < f->ptr[i] || f->ptr[i + 1] > f->n_sources)
            return refuse(f, "the sources of row %d are out of order", i);
    for (int64_t k = 0; k < f->n_sources; k++)
        if (f->idx[k] < 0 || f->idx[k] >= before || !isfinite(f->weight[k]))
            return refuse(f, "source %lld is row %lld of %lld", (long long)k, (long long)f->idx[k],
                          (long long)before);
    return WN_OK;
}

static int check(const struct wn_rows_tensors *f)
{
    int err;

    TRY(check_frames(f));
    for (int32_t i = 0; i < f->n; i++)
        TRY(check_row(f, i));
    TRY(check_sources(f));
fail:
    return err;
}

/* ---- rows ---- */

static int make_sources(const struct wn_rows_tensors *f, bool linear, struct wn_sources *w)
{
    w->ptr = wn_calloc((size_t)f->n + 1, sizeof(*w->ptr));
    w->idx = wn_calloc((size_t)f->n_sources, sizeof(*w->idx));
    w->weight = wn_calloc((size_t)f->n_sources, sizeof(*w->weight));
    if (!w->ptr || !w->idx || !w->weight)
        return wn_nomem(f->log, "the sources of rows");
    for (int32_t i = 0; i <= f->n; i++)
        w->ptr[i] = (int32_t)f->ptr[i];
    for (int64_t k = 0; k < f->n_sources; k++)
        w->idx[k] = (int32_t)f->idx[k];
    memcpy(w->weight, f->weight, (size_t)f->n_sources * sizeof(*w->weight));
    w->n = f->n;
    w->n_src = (int32_t)f->row0[f->n_frames];
    w->linear = linear;
    return WN_OK;
}

static void name_frames(const struct wn_rows_tensors *f, struct wn_row_frame *frames,
                        struct wn_layout *const *layouts)
{
    for (int32_t i = 0; i < f->n_frames; i++)
        frames[i] = (struct wn_row_frame){
            .index = i,
            .number = f->number[i],
            .time = f->time[i],
            .scene = f->scene[i],
            .layout = wn_layout_ref(layouts[i]),
        };
}

static int make_rows(struct wn_rows_tensors *f, bool linear, struct wn_layout *const *layouts,
                     struct wn_rows_file *out)
{
    struct wn_rows *rows = wn_rows_create(f->n, f->dim, f->n_frames);
    struct wn_rows *before = wn_rows_create(0, f->dim, f->n_frames);
    int err;

    TRY(rows && before ? WN_OK : wn_nomem(f->log, "rows"));
    name_frames(f, rows->frames, layouts);
    name_frames(f, before->frames, layouts);
    for (int32_t i = 0; i < f->n; i++)
        rows->frame_ptr[f->frame[i] + 1]++;
    for (int32_t i = 0; i < f->n_frames; i++) {
        rows->frame_ptr[i + 1] += rows->frame_ptr[i];
        before->frame_ptr[i + 1] = (int32_t)f->row0[i + 1];
    }
    before->n = (int32_t)f->row0[f->n_frames];
    memcpy(rows->cell, f->cell, (size_t)f->n * sizeof(*rows->cell));
    TRY(make_sources(f, linear, &rows->w));
    free(rows->data);
    rows->data = f->data;
    rows->score = f->score;
    f->data = f->score = NULL;
    out->rows = rows;
    out->before = before;
    return WN_OK;
fail:
    wn_rows_destroy(&rows);
    wn_rows_destroy(&before);
    return err;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

static int read_all(struct wn_rows_tensors *f, const struct safetensors *st,
                    const struct wn_rows_want *want, struct wn_rows_file *out)
{
    const char *schema = st_meta(st, "schema"), *model = st_meta(st, "model");
    const char *linear = st_meta(st, "linear"), *video = st_meta(st, "video");
    const char *duration = st_meta(st, "duration_s");
    struct wn_layout **layouts = NULL;
    struct wn_rows_file file = {0};
    char name[96];
    int err;

    if (!schema || strcmp(schema, "winnow-rows/1"))
        return refuse(f, "is not of the kind winnow-rows/1 that winnow compress writes");
    TRY(take_embeds(f, st, want->dim));
    TRY(take_frames(f, st));
    TRY(take_rows(f, st, want->mrope));
    TRY(check(f));
    TRY(wn_rows_places(f, want->n_vocab, want->mrope, &layouts));
    TRY(make_rows(f, linear && !strcmp(linear, "true"), layouts, &file));
    file.video = video ? !strcmp(video, "true") : f->n_frames > 1;
    file.duration = duration ? strtod(duration, NULL) : 0;
    if (!(file.duration >= 0 && file.duration < 1e12))
        file.duration = 0;
    if (want->model && model && strcmp(model, base_name(want->model)))
        wn_say(f->log, WN_LOG_WARN, "%s: its rows were made for the model %s", f->name,
               wn_printable(name, sizeof(name), model));
    *out = file;
fail:
    for (int32_t i = 0; layouts && i < f->n_frames; i++)
        wn_layout_unref(&layouts[i]);
    free(layouts);
    return err;
}

int wn_rows_file_read(struct wn_rows_file *out, const char *path, const struct wn_rows_want *want,
                      struct wn_log *log)
{
    struct wn_rows_tensors f = {.log = log};
    struct safetensors st = {0};
    struct stat info;
    char why[400];
    int err;

    wn_printable(f.name, sizeof(f.name), path);
    if (stat(path, &info))
        return wn_fail(log, WN_ERR_IO, "%s: %s", f.name, strerror(errno));
    if (!S_ISREG(info.st_mode))
        return wn_fail(log, WN_ERR_IO, "%s: not a regular file", f.name);
    if (st_read(&st, path, why, sizeof(why)) < 0)
        return refuse(&f, "%s", why);
    err = read_all(&f, &st, want, out);
    st_free(&st);
    drop(&f);
    return err;
}
