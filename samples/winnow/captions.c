/* SPDX-License-Identifier: MIT */
#include "captions.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DEFAULT_PROMPT "describe the video."
#define DEFAULT_SUMMARY_PROMPT                                                                     \
    "These are descriptions of the parts of a video, in order of time:\n\n{captions}\n"            \
    "Describe the whole video in a few sentences."
#define DEFAULT_TOKENS 4096 /* more makes a caption slow and hardly better */
#define DEFAULT_SEGMENT 30.0
#define DEFAULT_ANSWER 512
#define SPARE_CELLS 64 /* of the template, and of counting texts apart that are asked together */

struct captions {
    struct captions_params p;
    struct caption *list;
    int n, cap;
    char *summary;
};

/* ---- templates ---- */

static const char *place_value(const char *at, const char *const *pairs, size_t *len)
{
    for (; at[0] == '{' && pairs[0]; pairs += 2) {
        const size_t n = strlen(pairs[0]);
        if (!strncmp(at + 1, pairs[0], n) && at[1 + n] == '}') {
            *len = n + 2;
            return pairs[1];
        }
    }
    return NULL;
}

char *fill_template(const char *text, const char *const *pairs)
{
    size_t size = 1, len;

    for (const char *p = text; *p;) {
        const char *value = place_value(p, pairs, &len);
        size += value ? strlen(value) : 1;
        p += value ? len : 1;
    }
    char *out = malloc(size), *to = out;
    for (const char *p = text; out && *p;) {
        const char *value = place_value(p, pairs, &len);
        if (value) {
            memcpy(to, value, strlen(value));
            to += strlen(value);
            p += len;
        } else {
            *to++ = *p++;
        }
    }
    if (out)
        *to = '\0';
    return out;
}

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

/* ---- sources ---- */

static int64_t answer_cells(const struct options *opt)
{
    return opt->max_tokens > 0 ? opt->max_tokens : DEFAULT_ANSWER;
}

int64_t captions_budget(struct wn_session *session, const struct options *opt)
{
    const int64_t context = wn_context_cells(session);
    const int64_t text = wn_text_cells(session, opt->prompt ? opt->prompt : DEFAULT_PROMPT);
    int64_t beside = (text > 0 ? text : 0) + answer_cells(opt) + 4 * SPARE_CELLS;

    if (opt->tokens > 0)
        return opt->tokens;
    if (beside > context / 2) /* a short context: the answer gets shorter, too */
        beside = context / 2;
    return context - beside < DEFAULT_TOKENS ? context - beside : DEFAULT_TOKENS;
}

struct wn_source_params captions_source(struct wn_session *session, const struct options *opt)
{
    return (struct wn_source_params){
        .size = sizeof(struct wn_source_params),
        .start = opt->start,
        .end = opt->end,
        .stream = (int)opt->stream,
        .allow_cover = opt->allow_cover,
        .tokens = captions_budget(session, opt),
        .per_segment = 1,
        .max_segment = opt->segment > 0 ? opt->segment : DEFAULT_SEGMENT,
    };
}

/* ---- one caption ---- */

static struct wn_ask_params ask_params(const struct options *opt, struct wn_ask_stats *stats)
{
    return (struct wn_ask_params){
        .size = sizeof(struct wn_ask_params),
        .max_tokens = (int)opt->max_tokens,
        .temperature = opt->temp,
        .top_k = (int)opt->top_k,
        .top_p = opt->top_p,
        .seed = (uint32_t)opt->seed,
        .system = opt->system,
        .stats = stats,
    };
}

static char *prompt_of(const struct captions *c, const struct caption *caption)
{
    const char *text = c->p.opt->prompt ? c->p.opt->prompt : DEFAULT_PROMPT;
    char start[32], end[32], length[32], number[16];

    format_time(start, sizeof(start), caption->start);
    format_time(end, sizeof(end), caption->end);
    snprintf(length, sizeof(length), "%.1f", caption->end - caption->start);
    snprintf(number, sizeof(number), "%d", caption->index + 1);
    return fill_template(text, (const char *const[]){
        "start", start, "end", end, "seconds", length, "index", number,
        "file", base_name(c->p.file), "previous", c->n ? c->list[c->n - 1].text : "", NULL});
}

/* White space at both ends goes. */
static void trim(char *text)
{
    size_t n = strlen(text), first = strspn(text, " \t\r\n");

    while (n > first && strchr(" \t\r\n", text[n - 1]))
        n--;
    memmove(text, text + first, n - first);
    text[n - first] = '\0';
}

static int keep(struct captions *c, const struct caption *caption)
{
    if (c->n == c->cap) {
        const int cap = c->cap ? 2 * c->cap : 64;
        struct caption *list = realloc(c->list, (size_t)cap * sizeof(*list));
        if (!list)
            return STATUS_NOMEM;
        c->list = list;
        c->cap = cap;
    }
    c->list[c->n++] = *caption;
    return STATUS_OK;
}

/* What the stages took between two looks at a source's figures. */
static void set_figures(struct caption *caption, const struct wn_stats *before,
                        const struct wn_stats *after)
{
    caption->frames = after->frames - before->frames;
    caption->tokens_before = after->tokens_before - before->tokens_before;
    caption->tokens_after = after->tokens_after - before->tokens_after;
    caption->decode_s = after->decode_s - before->decode_s;
    caption->encode_s = after->encode_s - before->encode_s;
    caption->compress_s = after->compress_s - before->compress_s;
}

static int ask(struct captions *c, struct wn_segment *segment, struct caption *caption, int *err)
{
    struct wn_ask_stats stats = {.size = sizeof(stats)};
    struct wn_ask_params ask = ask_params(c->p.opt, &stats);
    struct wn_media media = {.size = sizeof(media)};
    char *prompt = prompt_of(c, caption), *text = NULL;

    if (!prompt)
        return STATUS_NOMEM;
    wn_source_media(c->p.source, &media);
    *err = wn_ask_segments(c->p.session, &segment, 1, !media.still, prompt, &ask, &text);
    free(prompt);
    if (*err < 0)
        return STATUS_BUG;
    text[strip_controls(text, text, strlen(text))] = '\0';
    trim(text);
    caption->text = text;
    caption->prompt_cells = stats.prompt_cells;
    caption->answer_tokens = stats.answer_tokens;
    caption->prefill_s = stats.prefill_s;
    caption->generate_s = stats.generate_s;
    caption->done_s = now_seconds() - c->p.opened;
    return STATUS_OK;
}

static int caption_one(struct captions *c, struct wn_segment *segment,
                       const struct wn_stats *before, int *err)
{
    struct wn_stats after = {.size = sizeof(after)};
    struct caption caption = {.index = c->n, .scene = wn_segment_scene(segment)};

    wn_source_stats(c->p.source, &after);
    set_figures(&caption, before, &after);
    wn_segment_times(segment, &caption.start, &caption.end);
    int status = ask(c, segment, &caption, err);
    if (status != STATUS_OK)
        return status;
    status = keep(c, &caption);
    if (status != STATUS_OK)
        wn_free((void *)caption.text);
    else if (c->p.on_caption)
        status = c->p.on_caption(c->p.opaque, &caption, segment);
    return status;
}

/* ---- the summary ---- */

struct line {
    char *text;
    int64_t cells;
    double start, end;
};

struct lines {
    struct line *line;
    int n;
};

static void lines_finish(struct lines *l)
{
    for (int i = 0; i < l->n; i++)
        free(l->line[i].text);
    free(l->line);
    *l = (struct lines){0};
}

static int lines_init(struct lines *l, int cap)
{
    *l = (struct lines){.line = calloc((size_t)cap + 1, sizeof(*l->line))};
    return l->line ? STATUS_OK : STATUS_NOMEM;
}

/* A line that takes no more than half of the room, so that at least two go together. */
static int add_line(struct lines *l, struct wn_session *s, double start, double end,
                    const char *text, int64_t room)
{
    struct line line = {.start = start, .end = end};
    char a[32], b[32];
    int n = (int)strlen(text);
    const size_t size = (size_t)n + 80;

    line.text = malloc(size);
    if (!line.text)
        return STATUS_NOMEM;
    format_time(a, sizeof(a), start);
    format_time(b, sizeof(b), end);
    for (;; n /= 2) {
        while (n > 0 && ((unsigned char)text[n] & 0xC0) == 0x80)
            n--; /* at a whole character */
        snprintf(line.text, size, "[%s - %s] %.*s\n", a, b, n, text);
        line.cells = wn_text_cells(s, line.text);
        if (line.cells <= room / 2 || n == 0)
            break;
    }
    l->line[l->n++] = line;
    return STATUS_OK;
}

static char *join_lines(const struct line *line, int n)
{
    size_t size = 1, at = 0;

    for (int i = 0; i < n; i++)
        size += strlen(line[i].text);
    char *text = malloc(size);
    for (int i = 0; text && i < n; i++) {
        memcpy(text + at, line[i].text, strlen(line[i].text));
        at += strlen(line[i].text);
    }
    if (text)
        text[at] = '\0';
    return text;
}

static const char *summary_prompt(const struct captions *c)
{
    return c->p.opt->summary_prompt ? c->p.opt->summary_prompt : DEFAULT_SUMMARY_PROMPT;
}

static int summarise(struct captions *c, const struct line *line, int n, char **out, int *err)
{
    struct wn_ask_params ask = ask_params(c->p.opt, NULL);
    char *captions = join_lines(line, n);
    char *prompt = captions ? fill_template(summary_prompt(c), (const char *const[]){
        "captions", captions, "file", base_name(c->p.file), NULL}) : NULL;

    if (prompt)
        *err = wn_ask_segments(c->p.session, NULL, 0, 0, prompt, &ask, out);
    free(captions);
    const int status = !prompt ? STATUS_NOMEM : *err < 0 ? STATUS_BUG : STATUS_OK;
    free(prompt);
    if (status != STATUS_OK)
        return status;
    (*out)[strip_controls(*out, *out, strlen(*out))] = '\0';
    trim(*out);
    return STATUS_OK;
}

/* Cells that the captions can have beside the prompt around them and the summary. */
static int64_t summary_room(const struct captions *c)
{
    struct wn_session *s = c->p.session;
    const int64_t context = wn_context_cells(s), text = wn_text_cells(s, summary_prompt(c));
    const int64_t room = context - (text > 0 ? text : 0) - answer_cells(c->p.opt) - SPARE_CELLS;

    return room > context / 4 ? room : context / 4;
}

/* Lines that do not fit one prompt become fewer: each run that does becomes one. */
static int condense(struct captions *c, const struct lines *in, struct lines *out, int64_t room,
                    int *err)
{
    int status = lines_init(out, in->n);

    for (int i = 0, next; i < in->n && status == STATUS_OK; i = next) {
        int64_t cells = 0;
        char *text = NULL;
        for (next = i; next < in->n && (next == i || cells + in->line[next].cells <= room); next++)
            cells += in->line[next].cells;
        status = summarise(c, in->line + i, next - i, &text, err);
        if (status == STATUS_OK)
            status = add_line(out, c->p.session, in->line[i].start, in->line[next - 1].end, text,
                              room);
        wn_free(text);
    }
    return status;
}

static int64_t sum_cells(const struct lines *lines)
{
    int64_t cells = 0;

    for (int i = 0; i < lines->n; i++)
        cells += lines->line[i].cells;
    return cells;
}

static int make_summary(struct captions *c, int *err)
{
    const int64_t room = summary_room(c);
    struct lines lines;
    int status = lines_init(&lines, c->n);
    bool more = true;

    for (int i = 0; i < c->n && status == STATUS_OK; i++)
        status = add_line(&lines, c->p.session, c->list[i].start, c->list[i].end, c->list[i].text,
                          room);
    while (status == STATUS_OK && more && sum_cells(&lines) > room) {
        struct lines fewer;
        status = condense(c, &lines, &fewer, room, err);
        more = fewer.n < lines.n;
        lines_finish(&lines);
        lines = fewer;
    }
    if (status == STATUS_OK && c->n > 0)
        status = summarise(c, lines.line, lines.n, &c->summary, err);
    lines_finish(&lines);
    return status;
}

/* ---- the whole ---- */

int captions_run(struct captions **out, const struct captions_params *params, int *err)
{
    struct captions *c = calloc(1, sizeof(*c));
    struct wn_segment *segment = NULL;
    struct wn_stats before = {.size = sizeof(before)};
    int status = STATUS_OK;

    *err = WN_OK;
    *out = c;
    if (!c)
        return STATUS_NOMEM;
    c->p = *params;
    wn_source_stats(c->p.source, &before);
    while (status == STATUS_OK && (*err = wn_source_pull(c->p.source, &segment)) == WN_OK) {
        status = caption_one(c, segment, &before, err);
        wn_segment_unref(&segment);
        wn_source_stats(c->p.source, &before);
    }
    if (status == STATUS_OK && *err < 0)
        status = STATUS_BUG;
    if (status == STATUS_OK && c->p.opt->summary)
        status = make_summary(c, err);
    return status;
}

void captions_free(struct captions **captions)
{
    struct captions *c = *captions;

    if (!c)
        return;
    for (int i = 0; i < c->n; i++)
        wn_free((void *)c->list[i].text);
    free(c->list);
    wn_free(c->summary);
    free(c);
    *captions = NULL;
}

int captions_count(const struct captions *c)
{
    return c->n;
}

const struct caption *captions_at(const struct captions *c, int i)
{
    return &c->list[i];
}

const char *captions_summary(const struct captions *c)
{
    return c->summary;
}
