/* SPDX-License-Identifier: MIT */
/* What became of each patch: contact sheets for the eye, inspect.json for programs. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fates.h"
#include "sheet.h"
#include "tool.h"

struct inspection {
    struct tool *tool;
    struct sheet *sheet;
    json_t *frames;
    int64_t fates[FATE_DROPPED + 1];
    int64_t n, n_before;
    struct patch *patch; /* of the frame being drawn */
    size_t n_patch;
};

/* ---- one frame ---- */

static json_t *score_json(const struct wn_tokens *t, int32_t index)
{
    double least = 0, most = 0, sum = 0;
    int32_t n = 0;
    json_t *object;

    for (int32_t i = 0; t->score && i < t->n; i++) {
        if (t->frame[i] != index)
            continue;
        least = n == 0 || t->score[i] < least ? t->score[i] : least;
        most = n == 0 || t->score[i] > most ? t->score[i] : most;
        sum += t->score[i];
        n++;
    }
    if (n == 0)
        return json_null();
    object = json_object();
    json_object_set_new(object, "min", json_number(least));
    json_object_set_new(object, "mean", json_number(sum / n));
    json_object_set_new(object, "max", json_number(most));
    return object;
}

/* What W says of the tokens of a frame: sources a token, and the sum of their weights. */
static json_t *sources_json(const struct wn_tokens *t, int32_t index)
{
    int32_t tokens = 0, most = 0;
    int64_t sources = 0;
    double weight = 0;
    json_t *object = json_object();

    for (int32_t i = 0; i < t->n; i++) {
        int32_t n = t->source_ptr[i + 1] - t->source_ptr[i];
        if (t->frame[i] != index)
            continue;
        tokens++;
        sources += n;
        most = n > most ? n : most;
        for (int32_t k = t->source_ptr[i]; k < t->source_ptr[i + 1]; k++)
            weight += t->source_weight[k];
    }
    json_object_set_new(object, "tokens", json_integer(tokens));
    json_object_set_new(object, "rows_in", json_integer(sources));
    json_object_set_new(object, "most_rows_in_a_token", json_integer(most));
    json_object_set_new(object, "weight_sum", json_number(weight));
    return object;
}

static json_t *frame_json(const struct sheet_frame *frame, const struct wn_frame_info *info,
                          const struct wn_tokens *tokens)
{
    json_t *object = json_object();

    json_object_set_new(object, "index", json_integer(info->index));
    json_object_set_new(object, "number", json_integer(info->number));
    json_object_set_new(object, "t_s", json_number(info->time));
    json_object_set_new(object, "scene", json_integer(info->scene));
    json_object_set_new(object, "grid", json_pack("[i,i]", (int)info->grid_h, (int)info->grid_w));
    json_object_set_new(object, "rows", json_integer(info->n_rows));
    json_object_set_new(object, "kept", json_integer(frame->fates[FATE_KEPT]));
    json_object_set_new(object, "centers", json_integer(frame->fates[FATE_CENTER]));
    json_object_set_new(object, "merged", json_integer(frame->fates[FATE_MERGED]));
    json_object_set_new(object, "dropped", json_integer(frame->fates[FATE_DROPPED]));
    json_object_set_new(object, "score", score_json(tokens, info->index));
    json_object_set_new(object, "sources", sources_json(tokens, info->index));
    return object;
}

/* Room for the patches of a frame, all without a row. */
static int clear_patches(struct inspection *in, size_t n)
{
    if (n > in->n_patch) {
        struct patch *more = realloc(in->patch, n * sizeof(*more));
        if (!more)
            return -1;
        in->patch = more;
        in->n_patch = n;
    }
    if (n > 0)
        memset(in->patch, 0, n * sizeof(*in->patch));
    return 0;
}

static int add_frame(struct inspection *in, const struct wn_segment *segment, int32_t i,
                     const struct fates *f, const struct wn_tokens *tokens)
{
    const struct wn_frame_info *info = &f->info[i];
    struct sheet_frame frame = {
        .image = {.size = sizeof(frame.image)},
        .index = info->index,
        .scene = info->scene,
        .time = info->time,
        .grid_h = info->grid_h,
        .grid_w = info->grid_w,
    };

    if (clear_patches(in, (size_t)info->grid_h * (size_t)info->grid_w) < 0)
        return tool_fail(in->tool, STATUS_NOMEM, "out of memory for a frame");
    for (int32_t r = info->row0; r < info->row0 + info->n_rows; r++) {
        int32_t y = f->cell[2 * r], x = f->cell[2 * r + 1];
        frame.fates[f->fate[r]]++;
        in->fates[f->fate[r]]++;
        if (y >= 0 && y < info->grid_h && x >= 0 && x < info->grid_w)
            in->patch[y * info->grid_w + x] = (struct patch){f->fate[r], f->token[r]};
    }
    frame.patch = in->patch;
    json_array_append_new(in->frames, frame_json(&frame, info, tokens));
    if (wn_segment_image(segment, i, &frame.image) < 0)
        return tool_fail(in->tool, STATUS_BUG, "frame %d has no picture", (int)info->index);
    if (sheet_add(in->sheet, &frame) < 0)
        return tool_fail(in->tool, STATUS_OUTPUT, "%s: cannot be written: %s",
                         in->tool->opt.output, sheet_error(in->sheet));
    return STATUS_OK;
}

static int add_segment(struct inspection *in, const struct wn_segment *segment)
{
    struct wn_tokens tokens = {.size = sizeof(tokens)};
    struct fates f;
    int status = STATUS_OK;

    wn_segment_tokens(segment, &tokens);
    if (fates_init(&f, segment, &tokens) < 0)
        status = tool_fail(in->tool, STATUS_NOMEM, "out of memory for a segment");
    for (int32_t i = 0; i < f.n_frames && status == STATUS_OK; i++)
        status = add_frame(in, segment, i, &f, &tokens);
    in->n += tokens.n;
    in->n_before += tokens.n_before;
    fates_finish(&f);
    return status;
}

/* ---- the whole ---- */

static json_t *summary(const struct inspection *in, const struct job *job)
{
    struct wn_stats stats = {.size = sizeof(stats)};
    struct wn_media media = {.size = sizeof(media)};
    json_t *object;

    wn_source_stats(job->source, &stats);
    wn_source_media(job->source, &media);
    object = json_result(in->tool, media.partial ? "partial" : "ok");
    json_set_stats(object, &stats);
    json_object_set_new(object, "sheets", json_integer(sheet_pages(in->sheet)));
    json_object_set_new(object, "kept", json_integer(in->fates[FATE_KEPT]));
    json_object_set_new(object, "centers", json_integer(in->fates[FATE_CENTER]));
    json_object_set_new(object, "merged", json_integer(in->fates[FATE_MERGED]));
    json_object_set_new(object, "dropped", json_integer(in->fates[FATE_DROPPED]));
    json_object_set_new(object, "media", json_media(&media));
    return object;
}

/* inspect.json: the summary and all frames. */
static int write_numbers(struct inspection *in, const struct job *job)
{
    json_t *object = summary(in, job);
    char path[4200], part[4210];
    int bad;

    json_object_set(object, "per_frame", in->frames);
    snprintf(path, sizeof(path), "%s/inspect.json", in->tool->opt.output);
    snprintf(part, sizeof(part), "%s.part", path);
    errno = 0;
    bad = json_dump_file(object, part, JSON_INDENT(1) | JSON_REAL_PRECISION(9));
    json_decref(object);
    if (!bad)
        bad = rename(part, path);
    if (!bad)
        return STATUS_OK;
    bad = errno;
    remove(part);
    return tool_fail(in->tool, STATUS_OUTPUT, "%s: cannot be written: %s", path,
                     bad ? strerror(bad) : "input or output error");
}

static int draw_all(struct inspection *in, struct job *job)
{
    struct wn_segment *segment = NULL;
    int status = STATUS_OK, err = WN_EOF;

    while (status == STATUS_OK && (err = wn_source_pull(job->source, &segment)) == WN_OK) {
        status = add_segment(in, segment);
        wn_segment_unref(&segment);
    }
    if (status == STATUS_OK && err < 0)
        return job_failed(in->tool, job, err);
    if (status == STATUS_OK && sheet_end(in->sheet) < 0)
        return tool_fail(in->tool, STATUS_OUTPUT, "%s: cannot be written: %s",
                         in->tool->opt.output, sheet_error(in->sheet));
    return status == STATUS_OK ? write_numbers(in, job) : status;
}

static int report(struct inspection *in, struct job *job)
{
    struct wn_media media = {.size = sizeof(media)};
    struct tool *tool = in->tool;
    int status = STATUS_OK;

    wn_source_media(job->source, &media);
    if (tool->opt.json)
        status = json_print(tool, summary(in, job));
    term_note(&tool->term, "%lld -> %lld tokens: %lld patches kept, %lld merged, %lld dropped; "
              "%d sheet%s", (long long)in->n_before, (long long)in->n,
              (long long)(in->fates[FATE_KEPT] + in->fates[FATE_CENTER]),
              (long long)in->fates[FATE_MERGED], (long long)in->fates[FATE_DROPPED],
              sheet_pages(in->sheet), sheet_pages(in->sheet) == 1 ? "" : "s");
    job_warn_partial(tool, &media);
    return status == STATUS_OK ? job_status(tool, job) : status;
}

static int make_folder(struct tool *tool)
{
    const char *path = tool->opt.output;
    struct stat st;

    if (strlen(path) > 4096)
        return tool_fail(tool, STATUS_OUTPUT, "the output folder's name is too long");
    if (mkdir(path, 0777) == 0 || (stat(path, &st) == 0 && S_ISDIR(st.st_mode)))
        return STATUS_OK;
    return tool_fail(tool, STATUS_OUTPUT, "%s: cannot be made: %s", path, strerror(errno));
}

static int create_sheet(struct inspection *in, const struct job *job)
{
    const struct options *o = &in->tool->opt;
    struct wn_stats stats = {.size = sizeof(stats)};
    const char *slash = strrchr(in->tool->file, '/');

    wn_source_stats(job->source, &stats);
    in->frames = json_array();
    if (!in->frames || sheet_create(&in->sheet, &(struct sheet_params){
            .folder = o->output,
            .title = slash ? slash + 1 : in->tool->file,
            .chain = stats.filters ? stats.filters : "",
            .columns = o->columns ? (int)o->columns : 6,
            .thumb = options_thumb(o),
            .per_page = o->per_page ? (int)o->per_page : 48,
        }) < 0)
        return tool_fail(in->tool, STATUS_NOMEM, "out of memory for a sheet");
    return STATUS_OK;
}

int run_inspect(struct tool *tool)
{
    struct inspection in = {.tool = tool};
    struct job job = {0};
    int status;

    if (!tool->opt.output)
        return tool_fail(tool, STATUS_USAGE, "no output: name a folder with -o DIR");
    status = job_check(tool, JOB_MODEL);
    if (status == STATUS_OK)
        status = make_folder(tool);
    if (status == STATUS_OK)
        status = job_open(&job, tool, JOB_MODEL | JOB_IMAGES | JOB_PROGRESS);
    if (status == STATUS_OK)
        status = create_sheet(&in, &job);
    if (status == STATUS_OK)
        status = draw_all(&in, &job);
    if (status == STATUS_OK)
        status = report(&in, &job);
    sheet_destroy(&in.sheet);
    json_decref(in.frames);
    free(in.patch);
    job_close(&job, tool);
    return status;
}
