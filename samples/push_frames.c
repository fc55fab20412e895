/* SPDX-License-Identifier: MIT */
/* An app that draws its own frames and asks about them: push_frames MODEL.gguf "question"
 *
 * The frames show a red circle in the first half and a blue square in the second. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include "winnow.h"

#define SIDE 128
#define FRAMES 8

static void draw(uint8_t *rgb, bool late)
{
    const uint8_t ground[3] = {150, 150, 150}, red[3] = {210, 40, 40}, blue[3] = {40, 70, 210};

    for (int y = 0; y < SIDE; y++)
        for (int x = 0; x < SIDE; x++) {
            int dx = x - SIDE / 2, dy = y - SIDE / 2;
            bool inside = late ? abs(dx) < 20 && abs(dy) < 20 : dx * dx + dy * dy < 22 * 22;
            const uint8_t *color = !inside ? ground : late ? blue : red;
            for (int c = 0; c < 3; c++)
                *rgb++ = color[c];
        }
}

static int push_all(struct wn_source *src)
{
    static uint8_t rgb[SIDE * SIDE * 3];
    int err = WN_OK;

    for (int i = 0; i < FRAMES && !err; i++) {
        draw(rgb, i >= FRAMES / 2);
        err = wn_source_push(src, &(struct wn_image){
            .size = sizeof(struct wn_image),
            .format = WN_RGB24,
            .data = {rgb},
            .stride = {SIDE * 3},
            .width = SIDE,
            .height = SIDE,
            .time = i * 0.5,
        });
    }
    return err ? err : wn_source_push(src, NULL); /* no more */
}

int main(int argc, char **argv)
{
    struct wn_session *s = NULL;
    struct wn_source *src = NULL;
    char *answer = NULL;
    int err;

    if (argc != 3) {
        fprintf(stderr, "usage: push_frames MODEL.gguf \"question\"\n");
        return 2;
    }
    err = wn_open(&s, wn_params(.model = argv[1], .filters = "vtc_cls=keep=32"));
    if (!err)
        err = wn_source_open(&src, s, NULL, NULL);
    if (!err)
        err = push_all(src);
    if (!err)
        err = wn_source_ask(src, argv[2], NULL, &answer);
    if (!err) {
        struct wn_stats stats = {.size = sizeof(stats)};
        wn_source_stats(src, &stats);
        printf("%s\n", answer);
        fprintf(stderr, "%lld frames, %lld -> %lld tokens\n", (long long)stats.frames,
                (long long)stats.tokens_before, (long long)stats.tokens_after);
    } else {
        fprintf(stderr, "push_frames: %s\n", s ? wn_errmsg(s) : wn_strerror(err));
    }
    wn_free(answer);
    wn_source_close(&src);
    wn_close(&s);
    return err ? 1 : 0;
}
