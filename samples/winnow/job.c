/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "signals.h"
#include "tool.h"

const char *status_word(int status)
{
    switch (status) {
    case STATUS_USAGE:       return "usage";
    case STATUS_INPUT:       return "input";
    case STATUS_DATA:        return "data";
    case STATUS_UNSUPPORTED: return "unsupported";
    case STATUS_LIMIT:       return "limit";
    case STATUS_MODEL:       return "model";
    case STATUS_DEVICE:      return "device";
    case STATUS_NOMEM:       return "memory";
    case STATUS_OUTPUT:      return "output";
    case STATUS_INTERRUPTED: return "interrupted";
    case STATUS_TERMINATED:  return "terminated";
    default:                 return "internal";
    }
}

#define DEFAULT_CACHE ((int64_t)2 << 30)

static int status_of(int err)
{
    switch (err) {
    case WN_ERR_ARG:         return STATUS_USAGE;
    case WN_ERR_NOMEM:       return STATUS_NOMEM;
    case WN_ERR_IO:          return STATUS_INPUT;
    case WN_ERR_DATA:        return STATUS_DATA;
    case WN_ERR_UNSUPPORTED: return STATUS_UNSUPPORTED;
    case WN_ERR_DEVICE:      return STATUS_DEVICE;
    case WN_ERR_MODEL:       return STATUS_MODEL;
    case WN_ERR_LIMIT:       return STATUS_LIMIT;
    default:                 return STATUS_BUG;
    }
}

static int fail_with(struct tool *tool, const char *file, int status, const char *sentence)
{
    if (tool->said) {
        snprintf(tool->said, 1024, "%s", sentence);
        return status;
    }
    term_error(&tool->term, file, sentence);
    if (tool->opt.json && status != STATUS_USAGE && status != STATUS_OUTPUT) {
        json_t *object = json_result(tool, "error");
        json_t *error = json_object();
        json_object_set_new(error, "code", json_string(status_word(status)));
        json_object_set_new(error, "exit", json_integer(status));
        json_object_set_new(error, "message", json_text(sentence));
        json_object_set_new(object, "error", error);
        json_print(tool, object);
    }
    return status;
}

int tool_fail(struct tool *tool, enum status status, const char *fmt, ...)
{
    char sentence[1024];
    va_list args;

    va_start(args, fmt);
    vsnprintf(sentence, sizeof(sentence), fmt, args);
    va_end(args);
    /* Of these the video is innocent. */
    bool other = status == STATUS_OUTPUT || status == STATUS_USAGE;
    return fail_with(tool, other ? NULL : tool->file, status, sentence);
}

/* Whether msg begins with the name of the file; the library writes '?' for odd bytes. */
static bool names_file(const char *msg, const char *file)
{
    size_t n = strlen(file);

    if (strlen(msg) <= n || msg[n] != ':')
        return false;
    for (size_t i = 0; i < n; i++)
        if (msg[i] != file[i] && msg[i] != '?')
            return false;
    return true;
}

static int failed(struct tool *tool, const struct job *job, int err, int status)
{
    const char *msg = job->session ? wn_errmsg(job->session) : "";
    const char *file = tool->file;
    int signal = signal_status(tool->signals);

    if (err == WN_ERR_ABORTED && signal)
        return fail_with(tool, file, signal,
                         signal == STATUS_INTERRUPTED ? "interrupted" : "terminated");
    if (!*msg)
        msg = wn_strerror(err);
    if (status == STATUS_MODEL || status == STATUS_USAGE)
        file = NULL; /* not the video's fault */
    else if (file && names_file(msg, file))
        msg += strlen(file) + 1 + strspn(msg + strlen(file) + 1, " ");
    return fail_with(tool, file, status, msg);
}

int job_failed(struct tool *tool, const struct job *job, int err)
{
    return failed(tool, job, err, status_of(err));
}

static int open_session(struct job *job, struct tool *tool, unsigned flags)
{
    const struct options *o = &tool->opt;
    const bool model = flags & JOB_MODEL && !job->models_of;
    int err = wn_open(&job->session, wn_params(
        .model = model ? o->model : NULL,
        .mmproj = flags & JOB_ROWS ? "" : model ? o->mmproj : NULL,
        .models_of = job->models_of,
        .isolate = o->isolate,
        .isolate_memory = o->item_memory,
        .isolate_seconds = o->item_timeout,
        .device = o->device,
        .filters = o->filters,
        .tokens = o->tokens,
        .n_threads = (int)o->threads,
        .n_ctx = (int)o->ctx,
        .chat_template = o->chat_template,
        .frame_label = o->frame_label,
        .no_gpu_model = o->cpu,
        .fast_resize = o->fast_resize,
        .encoder = o->encoder,
        .hwaccel = o->hwaccel,
        .subtitles = o->subtitles,
        .max_pixels = o->max_pixels,
        .max_duration = o->max_duration,
        .max_frames = o->max_frames,
        .window = o->window,
        .row_cache = o->no_cache ? -1 : o->cache_size > 0 ? o->cache_size : DEFAULT_CACHE,
        .keep_kv = tool->command->bit == CMD_ASK || tool->command->bit == CMD_CHAT,
        .log = term_log,
        .log_level = tool->term.verbose >= 2 ? WN_LOG_DEBUG
                   : tool->term.verbose >= 1 ? WN_LOG_INFO : WN_LOG_WARN,
        .opaque = &tool->term));

    if (err < 0) /* a model that is not there is the model's trouble, not the video's */
        return failed(tool, job, err, err == WN_ERR_IO ? STATUS_MODEL : status_of(err));
    return STATUS_OK;
}

int job_session(struct job *job, struct tool *tool, unsigned flags)
{
    const int status = open_session(job, tool, flags);

    if (status == STATUS_OK)
        signals_watch(tool->signals, job->session);
    return status;
}

int job_check(struct tool *tool, unsigned flags)
{
    struct stat st;

    if (flags & JOB_MODEL && !tool->opt.model)
        return tool_fail(tool, STATUS_USAGE,
                         "no model: name one with -m MODEL.gguf or in WINNOW_MODEL");
    if (!strcmp(tool->file, "-"))
        return tool_fail(tool, STATUS_USAGE,
                         "- (standard input) cannot be read: give a file's name");
    if (stat(tool->file, &st) != 0)
        return tool_fail(tool, STATUS_INPUT, "cannot be opened: %s", strerror(errno));
    return STATUS_OK;
}

/* Of any length: the budget must not be cut to fit the first one. */
static int64_t room_for_questions(const struct job *job)
{
    const int64_t context = wn_context_cells(job->session);

    return context - (context / 4 < 768 ? context / 4 : 768);
}

int job_open(struct job *job, struct tool *tool, unsigned flags)
{
    const struct options *o = &tool->opt;
    int status, err;

    *job = (struct job){0};
    const bool rows = flags & JOB_ROWS && rows_named(tool->file);
    if (!rows)
        flags &= ~(unsigned)JOB_ROWS;
    status = job_check(tool, flags);
    if (status == STATUS_OK && rows)
        status = rows_check(tool);
    if (status == STATUS_OK)
        status = job_session(job, tool, flags);
    if (status != STATUS_OK || rows)
        return status == STATUS_OK ? rows_open(job, tool) : status;
    err = wn_source_open(&job->source, job->session, tool->file, wn_source_params(
        .start = o->start,
        .end = o->end,
        .stream = (int)o->stream,
        .allow_cover = o->allow_cover,
        .keep_frames = flags & JOB_IMAGES ? options_thumb(o) : 0,
        .tokens = flags & JOB_ROOM && !o->tokens ? room_for_questions(job) : 0,
        .search = flags & JOB_SEARCH,
        .max_segment = flags & JOB_SEARCH ? o->segment : 0,
        .on_progress = flags & JOB_PROGRESS ? term_progress : NULL,
        .opaque = &tool->term));
    return err < 0 ? job_failed(tool, job, err) : STATUS_OK;
}

void job_close(struct job *job, struct tool *tool)
{
    signals_forget(tool->signals, job->session);
    wn_source_close(&job->source);
    wn_segment_unref(&job->rows);
    wn_close(&job->session);
}

int job_status(struct tool *tool, const struct job *job)
{
    struct wn_media media = {.size = sizeof(media)};

    job_media(job, &media);
    return media.partial && tool->opt.strict ? STATUS_PARTIAL : STATUS_OK;
}

void job_warn_partial(struct tool *tool, const struct wn_media *media)
{
    char text[160];

    if (!media->partial)
        return;
    snprintf(text, sizeof(text), "damaged: %lld decoding errors, %lld frames decoded",
             (long long)media->decode_errors, (long long)media->frames_decoded);
    term_warn(&tool->term, tool->file, text);
}
