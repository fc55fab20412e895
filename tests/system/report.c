/* SPDX-License-Identifier: MIT */
/* A report whose captions and names are hostile: report MODEL OUT.html
 *
 * The pictures and the rows are a model's own; what is said of them stands here. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "samples/winnow/caption_out.h"

#define SIDE 96
#define FRAMES 4

static const char *const said[] = {
    "<script>document.title='caught'</script><img src=x onerror=\"document.title='caught'\">",
    "\"><svg onload=alert(1)> & '</p></section></body>' <a href=javascript:alert(1)>a</a>",
    "]]> --> <!-- </title></rect></a> <style>body{display:none}</style> \x01\xff\xc3 end",
    "plain",
};

int captions_count(const struct captions *captions)
{
    return captions ? FRAMES : 0;
}

const struct caption *captions_at(const struct captions *captions, int i)
{
    static struct caption list[FRAMES]; /* a test's own */

    list[i] = (struct caption){.index = i, .scene = i, .start = i, .end = i + 1, .text = said[i],
                               .frames = 1, .tokens_before = 64, .tokens_after = 16,
                               .decode_s = 0.5, .encode_s = 1, .prefill_s = 2, .generate_s = 0.1};
    return captions ? &list[i] : NULL;
}

const char *captions_summary(const struct captions *captions)
{
    return captions ? said[0] : NULL;
}

const char *file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static int push_frame(struct wn_source *src, int i)
{
    uint8_t *rgb = malloc(SIDE * SIDE * 3);
    int err = rgb ? WN_OK : WN_ERR_NOMEM;

    for (int k = 0; rgb && k < SIDE * SIDE; k++) {
        rgb[3 * k] = (uint8_t)(k % SIDE * 2);
        rgb[3 * k + 1] = (uint8_t)(k / SIDE * 2);
        rgb[3 * k + 2] = (uint8_t)(60 * i);
    }
    if (!err)
        err = wn_source_push(src, &(struct wn_image){
            .size = sizeof(struct wn_image), .format = WN_RGB24, .data = {rgb},
            .stride = {SIDE * 3}, .width = SIDE, .height = SIDE, .time = i});
    free(rgb);
    return err;
}

static int write_report(struct wn_source *src, FILE *f)
{
    const struct wn_stats stats = {.filters = said[1]};
    const struct wn_media media = {.width = SIDE, .height = SIDE};
    const struct caption_film film = {.file = said[0], .stats = &stats, .media = &media,
                                      .captions = (const struct captions *)(const void *)&stats,
                                      .seconds = 4};
    struct wn_segment *seg = NULL;
    int n = 0, err;

    html_begin(f, &film);
    while (n < FRAMES && (err = wn_source_pull(src, &seg)) == WN_OK) {
        err = html_add(f, &film, captions_at(film.captions, n++), seg);
        wn_segment_unref(&seg);
        if (err)
            return err;
    }
    return n == FRAMES ? html_end(f, &film) : -1;
}

int main(int argc, char **argv)
{
    struct wn_session *s = NULL;
    struct wn_source *src = NULL;
    FILE *f = argc == 3 ? fopen(argv[2], "w") : NULL;
    int err;

    if (!f)
        return 2;
    err = wn_open(&s, wn_params(.model = argv[1], .device = "cpu", .n_threads = 1));
    if (!err)
        err = wn_source_open(&src, s, NULL, wn_source_params(
            .filters = "vtc_cls=keep=16", .max_segment = 1, .keep_frames = 1));
    for (int i = 0; i < FRAMES && !err; i++)
        err = push_frame(src, i);
    if (!err)
        err = wn_source_push(src, NULL);
    if (!err)
        err = write_report(src, f);
    if (err)
        fprintf(stderr, "report: %s\n", wn_errmsg(s));
    fclose(f);
    wn_source_close(&src);
    wn_close(&s);
    return err ? 1 : 0;
}
