/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"

static int print_text(void *opaque, const char *utf8, size_t len)
{
    struct stream *stream = opaque;
    char *text = malloc(len + 1);
    size_t n;

    if (!text) {
        stream->status = STATUS_NOMEM;
        return 1;
    }
    term_clear(&stream->tool->term);
    n = strip_controls(text, utf8, len);
    fwrite(text, 1, n, stdout);
    if (n > 0)
        stream->last = text[n - 1];
    free(text);
    stream->status = stdout_status(stream->tool);
    return stream->status != STATUS_OK;
}

static void print_stats(struct tool *tool, const struct wn_stats *s)
{
    term_note(&tool->term,
              "%lld -> %lld tokens, %lld frame%s, %lld scene%s; first token after %.2f s, "
              "%lld tokens answered in %.2f s; %s",
              (long long)s->tokens_before, (long long)s->tokens_after, (long long)s->frames,
              s->frames == 1 ? "" : "s", (long long)s->scenes, s->scenes == 1 ? "" : "s",
              s->first_token_s, (long long)s->answer_tokens, s->generate_s,
              s->device ? s->device : "cpu");
}

static json_t *result(const struct tool *tool, const char *answer, const struct wn_stats *s,
                      const struct wn_media *media, int64_t reused)
{
    json_t *object = json_result(tool, media->partial ? "partial" : "ok");

    json_object_set_new(object, "question", json_text(tool->args[1]));
    json_object_set_new(object, "answer", json_text(answer));
    json_set_stats(object, s);
    json_object_set_new(object, "first_token_s", json_number(s->first_token_s));
    json_object_set_new(object, "prompt_cells", json_integer(s->prompt_cells));
    json_object_set_new(object, "reused_cells", json_integer(reused));
    json_object_set_new(object, "answer_tokens", json_integer(s->answer_tokens));
    json_set_path(object, "model", tool->opt.model);
    json_object_set_new(object, "media", json_media(media));
    return object;
}

static int report(struct tool *tool, struct job *job, struct stream *stream, const char *answer,
                  const struct wn_ask_stats *asked)
{
    struct wn_stats stats = {.size = sizeof(stats)};
    struct wn_media media = {.size = sizeof(media)};
    int status;

    job_stats(job, &stats);
    job_media(job, &media);
    if (tool->opt.json) {
        status = json_print(tool, result(tool, answer, &stats, &media, asked->reused_cells));
    } else {
        if (stream->last != '\n')
            putchar('\n');
        status = stdout_status(tool);
    }
    if (status != STATUS_OK)
        return status;
    print_stats(tool, &stats);
    job_warn_partial(tool, &media);
    return job_status(tool, job);
}

/* What the run would take, without decoding a frame. */
static int dry_run(struct tool *tool, const struct job *job)
{
    struct wn_forecast f = {.size = sizeof(f)};
    struct wn_stats stats = {.size = sizeof(stats)};
    struct wn_media media = {.size = sizeof(media)};
    char kv[32];
    int err = wn_source_forecast(job->source, &f);

    if (err < 0)
        return job_failed(tool, job, err);
    job_stats(job, &stats);
    job_media(job, &media);
    if (tool->opt.json) {
        json_t *object = json_result(tool, "dry-run");
        json_object_set_new(object, "frames", f.frames ? json_integer(f.frames) : json_null());
        json_object_set_new(object, "frame_cells", json_integer(f.frame_cells));
        json_object_set_new(object, "cells", json_integer(f.cells));
        json_object_set_new(object, "kv_bytes", json_integer(f.kv_bytes));
        json_object_set_new(object, "filters", json_text(stats.filters));
        json_object_set_new(object, "media", json_media(&media));
        return json_print(tool, object);
    }
    printf("filters   %s\n", *stats.filters ? stats.filters : "none");
    if (f.frames)
        printf("frames    %lld at most\n", (long long)f.frames);
    else
        puts("frames    not known before decoding");
    printf("tokens    %lld at most, %lld a whole frame\n", (long long)f.cells,
           (long long)f.frame_cells);
    printf("KV cache  %s at most\n", format_bytes(kv, sizeof(kv), (double)f.kv_bytes));
    return stdout_status(tool);
}

struct wn_ask_params ask_params_of(struct stream *stream)
{
    const struct options *o = &stream->tool->opt;

    return *wn_ask_params(
        .max_tokens = (int)o->max_tokens,
        .temperature = o->temp,
        .top_k = (int)o->top_k,
        .top_p = o->top_p,
        .seed = (uint32_t)o->seed,
        .system = o->system,
        .on_text = o->json ? NULL : print_text,
        .opaque = stream);
}

void stream_end(struct stream *stream)
{
    if (stream->last && stream->last != '\n')
        putchar('\n');
}

static int ask(struct tool *tool, struct job *job)
{
    struct stream stream = {.tool = tool};
    struct wn_ask_stats asked = {.size = sizeof(asked)};
    struct wn_ask_params params = ask_params_of(&stream);
    char *answer = NULL;
    int status;

    params.stats = &asked;
    int err = job_ask(job, tool->args[1], &params, &answer);

    if (err < 0)
        stream_end(&stream); /* what there is of the answer */
    if (stream.status != STATUS_OK)
        status = stream.status;
    else
        status = err < 0 ? job_failed(tool, job, err) : report(tool, job, &stream, answer, &asked);
    wn_free(answer);
    return status;
}

int run_ask(struct tool *tool)
{
    struct job job;
    const bool search = tool->opt.strategy && strcmp(tool->opt.strategy, "once") != 0;
    int status = job_open(&job, tool, JOB_MODEL | JOB_PROGRESS | (search ? JOB_SEARCH : JOB_ROWS));

    if (status == STATUS_OK)
        status = tool->opt.dry_run ? dry_run(tool, &job)
                 : search ? ask_search(tool, &job) : ask(tool, &job);
    job_close(&job, tool);
    return status;
}
