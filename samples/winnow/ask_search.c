/* SPDX-License-Identifier: MIT */
/* A question about a long video: segments are looked at one by one, see wn_source_search(). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ask.h"

#define MAX_PROMPT (1 << 20)

/* ---- prompts ---- */

enum { NOTE, FINAL, SPLIT, N_PROMPTS };

struct prompts {
    char *made[N_PROMPTS]; /* what was read from files */
    const char *text[N_PROMPTS];
};

static char *read_all(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = file ? malloc(MAX_PROMPT + 1) : NULL;
    size_t n = text ? fread(text, 1, MAX_PROMPT, file) : 0;

    if (file && text && (ferror(file) || !feof(file) || memchr(text, '\0', n))) {
        errno = ferror(file) ? errno : EFBIG;
        free(text);
        text = NULL;
    }
    while (text && n && (text[n - 1] == '\n' || text[n - 1] == '\r'))
        n--; /* of the file, not of the prompt */
    if (text)
        text[n] = '\0';
    if (file)
        fclose(file);
    return text;
}

/* "@FILE" stands for what the file holds. */
static int read_prompt(struct tool *tool, const char *option, const char *value, char **made,
                       const char **text)
{
    *text = value;
    if (!value || value[0] != '@')
        return STATUS_OK;
    errno = 0;
    *text = *made = read_all(value + 1);
    if (*made)
        return STATUS_OK;
    return tool_fail(tool, STATUS_INPUT, "%s: %s: %s", option, value + 1,
                     errno == EFBIG ? "no text of at most 1 MB"
                                    : errno ? strerror(errno) : "cannot be read");
}

static int read_prompts(struct tool *tool, struct prompts *p)
{
    const struct options *o = &tool->opt;
    int status = read_prompt(tool, "--note-prompt", o->note_prompt, &p->made[NOTE], &p->text[NOTE]);

    if (status == STATUS_OK)
        status = read_prompt(tool, "--final-prompt", o->final_prompt, &p->made[FINAL],
                             &p->text[FINAL]);
    if (status == STATUS_OK)
        status = read_prompt(tool, "--split-prompt", o->split_prompt, &p->made[SPLIT],
                             &p->text[SPLIT]);
    return status;
}

/* ---- what is told ---- */

static void format_span(char *buf, size_t size, double start, double end)
{
    char a[32], b[32];

    format_time(a, sizeof(a), start);
    format_time(b, sizeof(b), end);
    snprintf(buf, size, "%s - %s", a, b);
}

/* -v: what each segment says, as it is known. */
static int tell_part(void *opaque, const struct wn_search_part *part)
{
    struct tool *tool = opaque;
    char span[80];

    if (!tool->term.verbose)
        return 0;
    format_span(span, sizeof(span), part->start, part->end);
    term_note(&tool->term, "%s  relevance %.2f%s%.200s", span, part->relevance,
              part->note ? "  " : "", part->note ? part->note : "");
    return 0;
}

static json_t *json_span(double start, double end)
{
    json_t *span = json_object();

    json_object_set_new(span, "start_s", json_number(start));
    json_object_set_new(span, "end_s", json_number(end));
    return span;
}

static json_t *json_part(const struct wn_search_part *part)
{
    json_t *object = json_span(part->start, part->end);

    json_object_set_new(object, "index", json_integer(part->index));
    json_object_set_new(object, "relevance", json_number(part->relevance));
    json_object_set_new(object, "support", json_number(part->support));
    json_object_set_new(object, "found", json_boolean(part->found));
    json_object_set_new(object, "cells", json_integer(part->cells));
    json_object_set_new(object, "note", part->note ? json_text(part->note) : json_null());
    return object;
}

static json_t *result(const struct tool *tool, const struct wn_search *r, const struct wn_stats *s,
                      const struct wn_media *media)
{
    json_t *object = json_result(tool, media->partial ? "partial" : "ok");
    json_t *parts = json_array(), *subs = json_array();

    for (int32_t i = 0; i < r->n_parts; i++)
        json_array_append_new(parts, json_part(&r->parts[i]));
    for (int32_t i = 0; i < r->n_subs; i++) {
        json_t *sub = json_object();
        json_object_set_new(sub, "question", json_text(r->subs[i].question));
        json_object_set_new(sub, "answer", json_text(r->subs[i].answer));
        json_array_append_new(subs, sub);
    }
    json_object_set_new(object, "question", json_text(tool->args[1]));
    json_object_set_new(object, "strategy", json_text(tool->opt.strategy));
    json_object_set_new(object, "answer", json_text(r->answer));
    json_object_set_new(object, "time", r->end > 0 ? json_span(r->start, r->end) : json_null());
    json_object_set_new(object, "parts", parts);
    json_object_set_new(object, "sub_questions", subs);
    json_object_set_new(object, "prompts", json_integer(r->prompts));
    json_object_set_new(object, "most_cells", json_integer(r->most_cells));
    json_object_set_new(object, "look_s", json_number(r->look_s));
    json_object_set_new(object, "answer_s", json_number(r->answer_s));
    json_set_stats(object, s);
    json_object_set_new(object, "first_token_s", json_number(s->first_token_s));
    json_object_set_new(object, "prompt_cells", json_integer(s->prompt_cells));
    json_object_set_new(object, "answer_tokens", json_integer(s->answer_tokens));
    json_set_path(object, "model", tool->opt.model);
    json_object_set_new(object, "media", json_media(media));
    return object;
}

static int print_time(struct tool *tool, struct stream *stream, const struct wn_search *r)
{
    char span[80];

    stream_end(stream);
    if (r->end > 0) {
        format_span(span, sizeof(span), r->start, r->end);
        printf("found at %s\n", span);
    } else {
        puts("found nowhere");
    }
    return stdout_status(tool);
}

static int report(struct tool *tool, struct job *job, struct stream *stream,
                  const struct wn_search *r)
{
    struct wn_stats stats = {.size = sizeof(stats)};
    struct wn_media media = {.size = sizeof(media)};

    job_stats(job, &stats);
    job_media(job, &media);
    const int status = tool->opt.json ? json_print(tool, result(tool, r, &stats, &media))
                                      : print_time(tool, stream, r);
    if (status != STATUS_OK)
        return status;
    term_note(&tool->term, "%d segments, %lld frames, %lld tokens; %d prompts of %lld cells at "
              "most; looked for %.2f s, answered in %.2f s; %s", (int)r->n_parts,
              (long long)stats.frames, (long long)stats.tokens_before, (int)r->prompts,
              (long long)r->most_cells, r->look_s, r->answer_s,
              stats.device ? stats.device : "cpu");
    job_warn_partial(tool, &media);
    return job_status(tool, job);
}

/* ---- the whole ---- */

static enum wn_strategy strategy_of(const char *name)
{
    return !strcmp(name, "notes") ? WN_BY_NOTES : !strcmp(name, "split") ? WN_BY_SPLIT
                                                                         : WN_BY_BUDGET;
}

int ask_search(struct tool *tool, struct job *job)
{
    struct stream stream = {.tool = tool};
    const struct wn_ask_params ask = ask_params_of(&stream);
    struct prompts prompts = {.made = {NULL}};
    struct wn_search *found = NULL;
    int err = WN_OK, status = read_prompts(tool, &prompts);

    if (status == STATUS_OK) {
        err = wn_source_search(job->source, tool->args[1], wn_search_params(
            .strategy = strategy_of(tool->opt.strategy),
            .tokens = tool->opt.tokens,
            .look = tool->opt.look,
            .note = prompts.text[NOTE],
            .final = prompts.text[FINAL],
            .split = prompts.text[SPLIT],
            .nothing = tool->opt.nothing,
            .ask = &ask,
            .on_part = tell_part,
            .opaque = tool), &found);
        if (err < 0)
            stream_end(&stream);
        status = stream.status != STATUS_OK ? stream.status
                 : err < 0 ? job_failed(tool, job, err) : report(tool, job, &stream, found);
    }
    wn_search_free(&found);
    for (int i = 0; i < N_PROMPTS; i++)
        free(prompts.made[i]);
    return status;
}
