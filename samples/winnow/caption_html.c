/* SPDX-License-Identifier: MIT */
/* The report: one file without scripts that needs nothing from elsewhere. Segments are written as
 * they come; what is known only at the end is put before them by its style. */
#include <png.h>
#include <stdlib.h>
#include <string.h>

#include "caption_out.h"
#include "fates.h"

static const char style[] =
    "body{display:flex;flex-direction:column;max-width:60rem;margin:2rem auto;padding:0 1rem;"
    "font:16px/1.5 sans-serif;color:#222;background:#fff}"
    "h1{order:-2;font-size:1.4rem;overflow-wrap:anywhere}.whole{order:-1}"
    ".seg{display:flex;gap:1rem;padding:1rem 0;border-top:1px solid #ddd}"
    ".pic{position:relative;flex:none;align-self:flex-start;line-height:0}"
    ".pic svg{position:absolute;left:0;top:0;width:100%;height:100%}"
    ".drop{fill:url(#off)}.merge{fill:#06c;fill-opacity:.4}.text{flex:1;min-width:0}"
    "p{margin:.2rem 0;overflow-wrap:anywhere}.n{color:#666;font-size:.85rem}"
    ".strip{display:block;width:100%;height:2.5rem}.strip rect{stroke:#fff;stroke-width:.0015}"
    ".sc0{fill:#3d6fb0}.sc1{fill:#8fb4de}.strip a:hover rect{fill:#e08a2c}"
    ".axis{display:flex;justify-content:space-between;color:#666;font-size:.8rem}"
    ".bar{display:flex;height:.6rem;margin:.4rem 0;background:#eee}"
    ".st0{background:#4e79a7}.st1{background:#f28e2b}.st2{background:#59a14f}"
    ".st3{background:#b07aa1}.st4{background:#edc948}"
    "th i{display:inline-block;width:.7rem;height:.7rem;margin-right:.4rem}"
    "td,th{text-align:left;padding:.1rem 1.5rem .1rem 0;font-weight:normal}th{color:#666}";

/* Patches that were left out: dark with light stripes, to be seen on any picture. */
static const char pattern[] =
    "<svg width=\"0\" height=\"0\" style=\"position:absolute\"><defs><pattern id=\"off\" "
    "width=\".25\" height=\".25\" patternUnits=\"userSpaceOnUse\" "
    "patternTransform=\"rotate(45)\"><rect width=\".25\" height=\".25\" fill-opacity=\".6\"/>"
    "<rect width=\".05\" height=\".25\" fill=\"#fff\" fill-opacity=\".5\"/></pattern></defs>"
    "</svg>\n";

enum { N_STAGES = 5 };
static const char *const stages[N_STAGES] = {"decode", "encode", "compress", "prefill",
                                             "generate"};

static void write_escaped(FILE *f, const char *s)
{
    for (size_t left = strlen(s), n; left > 0; s += n, left -= n) {
        n = utf8_length(s, left);
        const char *as = n == 0     ? "\xEF\xBF\xBD"
                         : *s == '&' ? "&amp;"
                         : *s == '<' ? "&lt;"
                         : *s == '>' ? "&gt;"
                         : *s == '"' ? "&quot;"
                         : *s == '\'' ? "&#39;" : NULL;
        n = n ? n : 1;
        if (as)
            fputs(as, f);
        else if ((unsigned char)*s >= 0x20 || *s == '\n' || *s == '\t')
            fwrite(s, 1, n, f);
    }
}

static void write_span(FILE *f, double start, double end)
{
    char a[32], b[32];

    fprintf(f, "%s &ndash; %s", format_time(a, sizeof(a), start), format_time(b, sizeof(b), end));
}

static void write_base64(FILE *f, const uint8_t *data, size_t n)
{
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

    for (size_t i = 0; i < n; i += 3) {
        const uint32_t v = (uint32_t)data[i] << 16 | (i + 1 < n ? (uint32_t)data[i + 1] << 8 : 0) |
                           (i + 2 < n ? data[i + 2] : 0);
        putc(digit[v >> 18], f);
        putc(digit[v >> 12 & 63], f);
        putc(i + 1 < n ? digit[v >> 6 & 63] : '=', f);
        putc(i + 2 < n ? digit[v & 63] : '=', f);
    }
}

static int write_picture(FILE *f, const struct wn_image *picture)
{
    png_image image = {
        .version = PNG_IMAGE_VERSION,
        .format = PNG_FORMAT_RGB,
        .width = (png_uint_32)picture->width,
        .height = (png_uint_32)picture->height,
    };
    png_alloc_size_t size = PNG_IMAGE_PNG_SIZE_MAX(image);
    uint8_t *data = malloc(size);

    if (!data || !png_image_write_to_memory(&image, data, &size, 0, picture->data[0],
                                            (png_int_32)picture->stride[0], NULL)) {
        free(data);
        return -1;
    }
    fprintf(f, "<img alt=\"\" width=\"%d\" height=\"%d\" src=\"data:image/png;base64,",
            (int)picture->width, (int)picture->height);
    write_base64(f, data, size);
    fputs("\">", f);
    free(data);
    return 0;
}

/* How the time went, a stage a piece. */
static void write_bar(FILE *f, const double seconds[N_STAGES])
{
    fputs("<div class=\"bar\">", f);
    for (int i = 0; i < N_STAGES; i++)
        if (seconds[i] > 0)
            fprintf(f, "<i class=\"st%d\" style=\"flex:%.3f 0 0\" title=\"%s %.2f s\"></i>", i,
                    1000 * seconds[i], stages[i], seconds[i]);
    fputs("</div>\n", f);
}

/* The cells of one fate, a run of neighbours as one piece of the path. */
static void write_cells(FILE *f, const char *class, const uint8_t *grid, int h, int w,
                        uint8_t fate)
{
    fprintf(f, "<path class=\"%s\" d=\"", class);
    for (int y = 0; y < h; y++)
        for (int x = 0, n; x < w; x += n) {
            for (n = 0; x + n < w && grid[y * w + x + n] == fate; n++)
                continue;
            if (n)
                fprintf(f, "M%d %dh%dv1h-%dz", x, y, n, n);
            n += !n;
        }
    fputs("\"/>", f);
}

/* Which patches of frame i went on: the others are dark, merged ones tinted. */
static int write_map(FILE *f, const struct wn_segment *segment, int32_t i)
{
    struct wn_tokens tokens = {.size = sizeof(tokens)};
    struct fates fates;
    uint8_t *grid = NULL;

    wn_segment_tokens(segment, &tokens);
    int bad = fates_init(&fates, segment, &tokens);
    const struct wn_frame_info *info = bad ? NULL : &fates.info[i];
    const int h = bad ? 0 : info->grid_h, w = bad ? 0 : info->grid_w;
    if (!bad)
        grid = calloc((size_t)h * (size_t)w + 1, 1);
    bad |= !grid;
    for (int32_t r = 0; !bad && r < info->n_rows; r++) {
        const int32_t row = info->row0 + r, y = fates.cell[2 * row], x = fates.cell[2 * row + 1];
        if (y >= 0 && y < h && x >= 0 && x < w)
            grid[y * w + x] = fates.fate[row];
    }
    if (!bad && h > 0 && w > 0) {
        fprintf(f, "<svg viewBox=\"0 0 %d %d\" preserveAspectRatio=\"none\">", w, h);
        write_cells(f, "drop", grid, h, w, FATE_DROPPED);
        write_cells(f, "merge", grid, h, w, FATE_MERGED);
        fputs("</svg>", f);
    }
    free(grid);
    fates_finish(&fates);
    return bad ? -1 : 0;
}

void html_begin(FILE *f, const struct caption_film *film)
{
    fputs("<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
          "img-src data:; style-src 'unsafe-inline'\">\n<title>", f);
    write_escaped(f, file_name(film->file));
    fprintf(f, "</title>\n<style>%s</style></head><body>\n%s<h1>", style, pattern);
    write_escaped(f, file_name(film->file));
    fputs("</h1>\n", f);
}

int html_add(FILE *f, const struct caption_film *film, const struct caption *c,
             const struct wn_segment *segment)
{
    struct wn_image picture = {.size = sizeof(picture)};
    const int32_t i = wn_segment_frames(segment) / 2;
    int bad = 0;

    fprintf(f, "<section class=\"seg\" id=\"s%d\"><div class=\"pic\">", c->index + 1);
    if (wn_segment_image(segment, i, &picture) == WN_OK)
        bad = write_picture(f, &picture) < 0 || write_map(f, segment, i) < 0;
    fputs("</div><div class=\"text\"><p class=\"n\">", f);
    write_span(f, c->start, c->end);
    fprintf(f, ", scene %d</p>\n<p>", c->scene + 1);
    write_escaped(f, c->text);
    const double seconds[] = {c->decode_s, c->encode_s, c->compress_s, c->prefill_s,
                              c->generate_s};
    fprintf(f, "</p>\n<p class=\"n\">%lld frame%s, %lld &rarr; %lld tokens", (long long)c->frames,
            c->frames == 1 ? "" : "s", (long long)c->tokens_before, (long long)c->tokens_after);
    for (int s = 0; s < N_STAGES; s++)
        fprintf(f, "%s%s %.2f s", s ? ", " : "; ", stages[s], seconds[s]);
    fputs("</p>", f);
    write_bar(f, seconds);
    fputs("</div></section>\n", f);
    return bad ? -1 : 0;
}

static void write_strip(FILE *f, const struct captions *captions)
{
    const int n = captions_count(captions);
    const double end = n ? captions_at(captions, n - 1)->end : 0;

    if (end <= 0)
        return;
    fputs("<svg class=\"strip\" viewBox=\"0 0 1 1\" preserveAspectRatio=\"none\">\n", f);
    for (int i = 0; i < n; i++) {
        const struct caption *c = captions_at(captions, i);
        fprintf(f, "<a href=\"#s%d\"><rect class=\"sc%d\" x=\"%.6f\" y=\"0\" width=\"%.6f\" "
                "height=\"1\"><title>", i + 1, c->scene % 2, c->start / end,
                (c->end - c->start) / end);
        write_span(f, c->start, c->end);
        fputs(": ", f);
        write_escaped(f, c->text);
        fputs("</title></rect></a>\n", f);
    }
    fputs("</svg>\n<div class=\"axis\">", f);
    for (int i = 0; i <= 4; i++) {
        char time[32];
        fprintf(f, "<span>%.8s</span>", format_time(time, sizeof(time), end * i / 4));
    }
    fputs("</div>\n", f);
}

/* The i-th thing to know of the whole, with what begins a row. */
static void write_fact(FILE *f, const struct caption_film *film, int i)
{
    const struct wn_stats *s = film->stats;

    fputs("<tr><th>", f);
    if (i == 0)
        fprintf(f, "segments</th><td>%d in %lld scenes", captions_count(film->captions),
                (long long)s->scenes);
    else if (i == 1)
        fprintf(f, "frames</th><td>%lld", (long long)s->frames);
    else if (i == 2)
        fprintf(f, "tokens</th><td>%lld &rarr; %lld", (long long)s->tokens_before,
                (long long)s->tokens_after);
    else if (i == 3)
        fprintf(f, "size</th><td>%d &times; %d", (int)film->media->width,
                (int)film->media->height);
    else
        fprintf(f, "together</th><td>%.2f s", film->seconds);
    fputs("</td>", f);
}

int html_end(FILE *f, const struct caption_film *film)
{
    const char *summary = captions_summary(film->captions);
    const struct wn_stats *s = film->stats;

    fputs("<section class=\"whole\">\n", f);
    if (summary) {
        fputs("<p>", f);
        write_escaped(f, summary);
        fputs("</p>\n", f);
    }
    write_strip(f, film->captions);
    const double seconds[] = {s->decode_s, s->encode_s, s->compress_s, s->prefill_s,
                              s->generate_s};
    write_bar(f, seconds);
    fputs("<table>", f);
    for (int i = 0; i < N_STAGES; i++) {
        write_fact(f, film, i);
        fprintf(f, "<th><i class=\"st%d\"></i>%s</th><td>%.2f s</td></tr>\n", i, stages[i],
                seconds[i]);
    }
    fputs("</table>\n", f);
    fputs("<p class=\"n\">", f);
    write_escaped(f, s->filters ? s->filters : "");
    fputs("; striped patches were left out, blue ones merged into others</p></section>\n"
          "</body></html>\n", f);
    return 0;
}
