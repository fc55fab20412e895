/* SPDX-License-Identifier: MIT */
/* The formats that are text: each says how it escapes what a model wrote. */
#include "caption_out.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash && slash[1] ? slash + 1 : path;
}

/* ---- pieces ---- */

/* Writes text as one line; `change` may write something else for the character at p: then it gives
 * how many bytes of p that was for. */
static void write_line(FILE *f, const char *text, size_t (*change)(FILE *f, const char *p))
{
    bool blank = false, any = false;

    for (const char *p = text; *p;) {
        if (strchr(" \t\r\n", *p)) {
            blank = any;
            p++;
            continue;
        }
        if (blank)
            putc(' ', f);
        blank = false;
        any = true;
        const size_t n = change ? change(f, p) : 0;
        if (!n)
            putc(*p, f);
        p += n ? n : 1;
    }
    if (!any)
        fputs("\xE2\x80\xA6", f); /* an ellipsis: readers drop empty cues */
}

static void write_time(FILE *f, double seconds, char point)
{
    char text[32];

    format_time(text, sizeof(text), seconds);
    char *dot = strrchr(text, '.');
    if (dot)
        *dot = point;
    fputs(text, f);
}

/* A cue that lasts no time is shown by nobody. */
static double cue_end(const struct caption *c)
{
    return c->end >= c->start + 0.001 ? c->end : c->start + 0.001;
}

/* ---- SubRip: no escapes exist, so what readers take for markup is pulled apart ---- */

static size_t srt_char(FILE *f, const char *p)
{
    if (!strncmp(p, "-->", 3)) {
        fputs("->", f);
        return 3;
    }
    if ((*p == '<' && (p[1] == '/' || isalpha((unsigned char)p[1]))) ||
        (*p == '{' && p[1] == '\\')) {
        fprintf(f, "%c ", *p);
        return 1;
    }
    return 0;
}

static int srt_add(FILE *f, const struct caption_film *film, const struct caption *c,
                   const struct wn_segment *segment)
{
    fprintf(f, "%d\n", c->index + 1);
    write_time(f, c->start, ',');
    fputs(" --> ", f);
    write_time(f, cue_end(c), ',');
    putc('\n', f);
    write_line(f, c->text, srt_char);
    fputs("\n\n", f);
    return 0;
}

/* ---- WebVTT ---- */

static size_t markup_char(FILE *f, const char *p)
{
    const char *as = *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : *p == '>' ? "&gt;" : NULL;

    if (as)
        fputs(as, f);
    return as ? 1 : 0;
}

static void vtt_begin(FILE *f, const struct caption_film *film)
{
    fputs("WEBVTT\n\n", f);
}

static int vtt_add(FILE *f, const struct caption_film *film, const struct caption *c,
                   const struct wn_segment *segment)
{
    fprintf(f, "%d\n", c->index + 1);
    write_time(f, c->start, '.');
    fputs(" --> ", f);
    write_time(f, cue_end(c), '.');
    putc('\n', f);
    write_line(f, c->text, markup_char);
    fputs("\n\n", f);
    return 0;
}

/* In a comment block there is no way to escape "-->". */
static int vtt_end(FILE *f, const struct caption_film *film)
{
    const char *summary = captions_summary(film->captions);

    if (summary) {
        fputs("NOTE ", f);
        write_line(f, summary, markup_char);
        fputs("\n", f);
    }
    return 0;
}

/* ---- plain text: with times for the eye, without them beside a clip ---- */

static int text_add(FILE *f, const struct caption_film *film, const struct caption *c,
                    const struct wn_segment *segment)
{
    putc('[', f);
    write_time(f, c->start, '.');
    fputs(" - ", f);
    write_time(f, c->end, '.');
    fputs("] ", f);
    write_line(f, c->text, NULL);
    putc('\n', f);
    return 0;
}

static int text_end(FILE *f, const struct caption_film *film)
{
    const char *summary = captions_summary(film->captions);

    if (summary) {
        putc('\n', f);
        write_line(f, summary, NULL);
        putc('\n', f);
    }
    return 0;
}

static int txt_end(FILE *f, const struct caption_film *film)
{
    const struct captions *c = film->captions;
    const char *summary = captions_summary(c);

    for (int i = 0; i < (summary ? 1 : captions_count(c)); i++) {
        write_line(f, summary ? summary : captions_at(c, i)->text, NULL);
        putc('\n', f);
    }
    return 0;
}

/* ---- Markdown ---- */

static size_t md_char(FILE *f, const char *p)
{
    if (markup_char(f, p))
        return 1;
    if (!strchr("\\`*_{}[]()#|~!", *p))
        return 0;
    fprintf(f, "\\%c", *p);
    return 1;
}

static void md_begin(FILE *f, const struct caption_film *film)
{
    fputs("# ", f);
    write_line(f, file_name(film->file), md_char);
    fputs("\n\n| start | end | what is seen |\n|---|---|---|\n", f);
}

static int md_add(FILE *f, const struct caption_film *film, const struct caption *c,
                  const struct wn_segment *segment)
{
    fputs("| ", f);
    write_time(f, c->start, '.');
    fputs(" | ", f);
    write_time(f, c->end, '.');
    fputs(" | ", f);
    write_line(f, c->text, md_char);
    fputs(" |\n", f);
    return 0;
}

static int md_end(FILE *f, const struct caption_film *film)
{
    const char *summary = captions_summary(film->captions);
    const struct wn_stats *s = film->stats;

    if (summary) {
        putc('\n', f);
        write_line(f, summary, md_char);
        putc('\n', f);
    }
    fprintf(f, "\n%lld segments, %lld frames, %lld tokens of %lld.\n", (long long)s->segments,
            (long long)s->frames, (long long)s->tokens_after, (long long)s->tokens_before);
    return 0;
}

/* ---- JSON ---- */

json_t *caption_json(const struct caption *c)
{
    json_t *object = json_object(), *timing = json_object();

    json_object_set_new(object, "index", json_integer(c->index));
    json_object_set_new(object, "scene", json_integer(c->scene));
    json_object_set_new(object, "start_s", json_number(c->start));
    json_object_set_new(object, "end_s", json_number(c->end));
    json_object_set_new(object, "caption", json_text(c->text));
    json_object_set_new(object, "frames", json_integer(c->frames));
    json_object_set_new(object, "tokens_before", json_integer(c->tokens_before));
    json_object_set_new(object, "tokens_after", json_integer(c->tokens_after));
    json_object_set_new(object, "prompt_cells", json_integer(c->prompt_cells));
    json_object_set_new(object, "answer_tokens", json_integer(c->answer_tokens));
    json_object_set_new(timing, "decode_s", json_number(c->decode_s));
    json_object_set_new(timing, "encode_s", json_number(c->encode_s));
    json_object_set_new(timing, "compress_s", json_number(c->compress_s));
    json_object_set_new(timing, "prefill_s", json_number(c->prefill_s));
    json_object_set_new(timing, "generate_s", json_number(c->generate_s));
    json_object_set_new(timing, "done_s", json_number(c->done_s));
    json_object_set_new(object, "timing", timing);
    return object;
}

/* One line; frees object. */
static int dump_line(FILE *f, json_t *object)
{
    const int bad = !object || json_dumpf(object, f, JSON_COMPACT | JSON_REAL_PRECISION(10));

    json_decref(object);
    putc('\n', f);
    return bad && !ferror(f) ? -1 : 0;
}

static json_t *film_json(const struct caption_film *film)
{
    const char *summary = captions_summary(film->captions);
    json_t *object = json_result(film->tool, film->media->partial ? "partial" : "ok");

    if (summary)
        json_object_set_new(object, "summary", json_text(summary));
    json_set_stats(object, film->stats);
    json_object_set_new(object, "seconds", json_number(film->seconds));
    json_set_path(object, "model", film->tool->opt.model);
    json_object_set_new(object, "media", json_media(film->media));
    return object;
}

static int jsonl_add(FILE *f, const struct caption_film *film, const struct caption *c,
                     const struct wn_segment *segment)
{
    json_t *object = caption_json(c);

    json_object_set_new(object, "schema", json_string("winnow/1"));
    json_object_set_new(object, "type", json_string("segment"));
    json_set_path(object, "file", film->file);
    return dump_line(f, object);
}

static int jsonl_end(FILE *f, const struct caption_film *film)
{
    json_t *object = film_json(film);

    json_object_set_new(object, "type", json_string("video"));
    return dump_line(f, object);
}

static int json_end(FILE *f, const struct caption_film *film)
{
    json_t *object = film_json(film), *list = json_array();

    json_object_set_new(object, "captions", list);
    for (int i = 0; i < captions_count(film->captions); i++)
        json_array_append_new(list, caption_json(captions_at(film->captions, i)));
    return dump_line(f, object);
}

const struct caption_format caption_formats[] = {
    {.name = "text", .many = true, .add = text_add, .end = text_end},
    {.name = "txt", .many = true, .end = txt_end},
    {.name = "srt", .add = srt_add},
    {.name = "vtt", .begin = vtt_begin, .add = vtt_add, .end = vtt_end},
    {.name = "jsonl", .many = true, .add = jsonl_add, .end = jsonl_end},
    {.name = "json", .many = true, .end = json_end},
    {.name = "md", .begin = md_begin, .add = md_add, .end = md_end},
    {.name = "html", .pictures = true, .begin = html_begin, .add = html_add, .end = html_end},
    {.name = NULL},
};
