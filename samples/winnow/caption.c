/* SPDX-License-Identifier: MIT */
/* Captions of videos, in any formats at once. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "caption_out.h"
#include "file_out.h"
#include "signals.h"

#define MAX_OUTS 16

struct out {
    const struct caption_format *format;
    struct file_out file;
    char *path; /* NULL: stdout */
    bool beside; /* the clip, see --sidecar */
};

struct run { /* of all videos */
    struct tool *tool;
    struct job job;
    struct out out[MAX_OUTS];
    int n;
    struct caption_film film; /* the one at hand */
    bool folder;              /* -o names one */
    int failed;               /* videos that did */
};

/* ---- which outputs ---- */

static int add_formats(struct run *run, const char *list, bool beside)
{
    char name[32], shown[64];

    while (list && *list) {
        const size_t n = strcspn(list, ",");
        const struct caption_format *f = caption_formats;
        snprintf(name, sizeof(name), "%.*s", (int)(n < 31 ? n : 31), list);
        while (f->name && strcmp(f->name, name))
            f++;
        if (!f->name)
            return tool_fail(run->tool, STATUS_USAGE, "%s: \"%s\" is none of text, txt, srt, vtt, "
                             "jsonl, json, md, html", beside ? "--sidecar" : "--format",
                             escape(shown, sizeof(shown), name));
        for (int i = 0; i < run->n; i++)
            if (run->out[i].format == f && run->out[i].beside == beside)
                return tool_fail(run->tool, STATUS_USAGE, "%s: %s stands twice",
                                 beside ? "--sidecar" : "--format", name);
        if (run->n == MAX_OUTS)
            return tool_fail(run->tool, STATUS_USAGE, "too many formats");
        run->out[run->n++] = (struct out){.format = f, .beside = beside};
        list += n + (list[n] == ',');
    }
    return STATUS_OK;
}

static bool is_folder(const char *path)
{
    struct stat st;
    const size_t n = strlen(path);

    return (n && path[n - 1] == '/') || (stat(path, &st) == 0 && S_ISDIR(st.st_mode));
}

static int choose_outputs(struct run *run)
{
    const struct options *o = &run->tool->opt;
    const bool many = run->tool->n_args > 1;
    int n = 0, status = add_formats(run, o->format, false);

    if (status == STATUS_OK)
        status = add_formats(run, o->sidecar, true);
    if (status == STATUS_OK && !o->format && (!o->sidecar || o->output))
        status = add_formats(run, "text", false);
    if (status != STATUS_OK)
        return status;
    for (int i = 0; i < run->n; i++)
        n += !run->out[i].beside;
    run->folder = o->output && (many || is_folder(o->output));
    if (!o->output && n > 1)
        return tool_fail(run->tool, STATUS_USAGE,
                         "several formats at once need -o PREFIX or a folder");
    if (!o->output && many && n && !run->out[0].format->many)
        return tool_fail(run->tool, STATUS_USAGE, "%s of several videos needs -o DIR",
                         run->out[0].format->name);
    if (run->folder && mkdir(o->output, 0777) != 0 && errno != EEXIST)
        return tool_fail(run->tool, STATUS_OUTPUT, "%s: cannot be made: %s", o->output,
                         strerror(errno));
    return STATUS_OK;
}

/* Length of a path without its file's ending. */
static int stem(const char *path)
{
    const char *name = file_name(path), *dot = strrchr(name, '.');

    return (int)(dot && dot > name ? dot - path : (ptrdiff_t)strlen(path));
}

/* A pipe or a device is meant itself. */
static bool is_special(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 && !S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode);
}

/* Where this video's captions of one format go; NULL: to stdout. -1: out of memory. */
static int make_path(const struct run *run, struct out *out)
{
    const char *file = run->tool->file, *to = run->tool->opt.output, *ending = out->format->name;
    const size_t size = strlen(file) + (to ? strlen(to) : 0) + 16;
    const char *dot = to ? strrchr(file_name(to), '.') : NULL;

    if (!out->beside && !to)
        return 0;
    out->path = malloc(size);
    if (!out->path)
        return -1;
    if (out->beside)
        snprintf(out->path, size, "%.*s.%s", stem(file), file, ending);
    else if (run->folder)
        snprintf(out->path, size, "%s/%.*s.%s", to, stem(file_name(file)), file_name(file),
                 ending);
    else if (is_special(to) || (dot && !strcmp(dot + 1, ending))) /* the file itself was named */
        snprintf(out->path, size, "%s", to);
    else
        snprintf(out->path, size, "%s.%s", to, ending);
    return 0;
}

/* ---- one video ---- */

static int output_failed(struct run *run, const struct out *out)
{
    return tool_fail(run->tool, STATUS_OUTPUT, "%s: cannot be written: %s",
                     out->path ? out->path : "standard output",
                     errno ? strerror(errno) : "input or output error");
}

static int open_outputs(struct run *run)
{
    for (int i = 0; i < run->n; i++) {
        struct out *out = &run->out[i];
        if (make_path(run, out) < 0)
            return tool_fail(run->tool, STATUS_NOMEM, "out of memory");
        errno = 0;
        if (file_out_open(&out->file, out->path) < 0)
            return output_failed(run, out);
        if (out->format->begin)
            out->format->begin(out->file.file, &run->film);
    }
    return STATUS_OK;
}

/* What stdout holds is a result even when the video's rest fails; a file is not. */
static int end_outputs(struct run *run, int status)
{
    for (int i = 0; i < run->n; i++) {
        struct out *out = &run->out[i];
        errno = 0;
        if (status == STATUS_OK && out->format->end &&
            out->format->end(out->file.file, &run->film) < 0)
            status = tool_fail(run->tool, STATUS_NOMEM, "out of memory for the captions");
        if (status == STATUS_OK && !out->path)
            status = stdout_status(run->tool);
        if (status == STATUS_OK && file_out_end(&out->file) < 0)
            status = output_failed(run, out);
        file_out_abort(&out->file);
        free(out->path);
        out->path = NULL;
    }
    return status;
}

static int on_caption(void *opaque, const struct caption *caption,
                      const struct wn_segment *segment)
{
    struct run *run = opaque;

    term_clear(&run->tool->term);
    for (int i = 0; i < run->n; i++) {
        struct out *out = &run->out[i];
        errno = 0;
        if (out->format->add &&
            out->format->add(out->file.file, &run->film, caption, segment) < 0)
            return tool_fail(run->tool, STATUS_NOMEM, "out of memory for a caption");
        if (!out->path && out->format->add) {
            const int status = stdout_status(run->tool);
            if (status != STATUS_OK)
                return status;
        } else if (ferror(out->file.file)) {
            return output_failed(run, out);
        }
    }
    return STATUS_OK;
}

static bool wants_pictures(const struct run *run)
{
    bool wants = false;

    for (int i = 0; i < run->n; i++)
        wants |= run->out[i].format->pictures;
    return wants;
}

static int open_source(struct run *run)
{
    struct tool *tool = run->tool;
    struct wn_source_params params = captions_source(run->job.session, &tool->opt);

    params.keep_frames = wants_pictures(run) ? options_thumb(&tool->opt) : 0;
    params.on_progress = term_progress;
    params.opaque = &tool->term;
    const int err = wn_source_open(&run->job.source, run->job.session, tool->file, &params);
    return err < 0 ? job_failed(tool, &run->job, err) : STATUS_OK;
}

static int caption_all(struct run *run, double opened)
{
    struct tool *tool = run->tool;
    struct wn_stats stats = {.size = sizeof(stats)};
    struct wn_media media = {.size = sizeof(media)};
    struct captions *captions = NULL;
    int err;
    int status = captions_run(&captions, &(struct captions_params){
        .opt = &tool->opt,
        .file = tool->file,
        .session = run->job.session,
        .source = run->job.source,
        .opened = opened,
        .on_caption = on_caption,
        .opaque = run,
    }, &err);

    if (status == STATUS_BUG && err < 0)
        status = job_failed(tool, &run->job, err);
    else if (status == STATUS_NOMEM)
        status = tool_fail(tool, STATUS_NOMEM, "out of memory for the captions");
    wn_source_stats(run->job.source, &stats);
    wn_source_media(run->job.source, &media);
    for (int i = 0; captions && i < captions_count(captions); i++) {
        stats.prefill_s += captions_at(captions, i)->prefill_s;
        stats.generate_s += captions_at(captions, i)->generate_s;
    }
    run->film.stats = &stats;
    run->film.media = &media;
    run->film.captions = captions;
    run->film.seconds = now_seconds() - opened;
    status = end_outputs(run, status);
    if (status == STATUS_OK) {
        term_note(&tool->term, "%d captions, %lld -> %lld tokens, %lld frames; first after %.2f s, "
                  "all after %.2f s", captions_count(captions), (long long)stats.tokens_before,
                  (long long)stats.tokens_after, (long long)stats.frames,
                  captions_count(captions) ? captions_at(captions, 0)->done_s : 0,
                  run->film.seconds);
        job_warn_partial(tool, &media);
        status = job_status(tool, &run->job);
    }
    captions_free(&captions);
    return status;
}

static int caption_video(struct run *run, char *file)
{
    struct tool *tool = run->tool;
    const double opened = now_seconds();

    tool->file = tool->term.file = file;
    tool->term.done = 0;
    tool->term.began = opened;
    run->film = (struct caption_film){.tool = tool, .file = file};
    int status = job_check(tool, JOB_MODEL);
    if (status == STATUS_OK)
        status = open_source(run);
    if (status == STATUS_OK) {
        status = open_outputs(run);
        status = status == STATUS_OK ? caption_all(run, opened) : end_outputs(run, status);
    }
    wn_source_close(&run->job.source);
    return status;
}

/* What concerns one video alone: the others go on. */
static bool goes_on(int status)
{
    return status == STATUS_INPUT || status == STATUS_DATA || status == STATUS_UNSUPPORTED ||
           status == STATUS_LIMIT || status == STATUS_PARTIAL;
}

int run_caption(struct tool *tool)
{
    struct run run = {.tool = tool};
    const int n = tool->n_args;
    int status = choose_outputs(&run);

    if (status == STATUS_OK && (n == 1 || !tool->opt.model))
        status = job_check(tool, JOB_MODEL);
    if (status == STATUS_OK)
        status = job_session(&run.job, tool, JOB_MODEL);
    for (int i = 0; i < n && status == STATUS_OK; i++) {
        status = caption_video(&run, tool->args[i]);
        if (n > 1 && goes_on(status)) {
            run.failed++;
            status = STATUS_OK;
        }
    }
    job_close(&run.job, tool);
    return status == STATUS_OK && run.failed ? STATUS_SOME : status;
}
