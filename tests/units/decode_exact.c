/* SPDX-License-Identifier: MIT */
/* Scenes of GOPs that several threads decode at once are those of reading through: the same cuts,
 * scores and times, whatever the codec, the GOPs and the detector; a wrong index or a damaged file
 * does no harm. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavcodec/avcodec.h>

#include "decode/decoder_state.h"

#if defined(__SANITIZE_ADDRESS__)
# define LEAKS_COUNT 1 /* x265 loses some bytes of its own with each encoder */
#else
# define LEAKS_COUNT 0
#endif

/* Shots of 23 frames, a black stretch, and movement in all of it. */
static void paint_shots(int i, int x, int y, uint8_t rgb[3])
{
    const int shot = i / 23, dark = i >= 60 && i < 80;

    rgb[0] = (uint8_t)(dark ? 3 : (shot * 91 + (x + 2 * i) % 64) % 256);
    rgb[1] = (uint8_t)(dark ? 2 : (shot * 47 + (y + i) % 48 * 2) % 256);
    rgb[2] = (uint8_t)(dark ? 4 : (shot * 173 + x) % 256);
}

struct list {
    struct wn_scene *scene;
    int n;
    bool deceived;    /* the file was read through after all */
};

/* with: the index to use, which is taken; NULL: the file's own. */
static void list_scenes(struct list *out, const char *path, const char *chain, int threads,
                        struct wn_packets *with)
{
    struct wn_pool *pool = NULL;
    struct opened o;

    if (threads > 1)
        assert_int_equal(wn_pool_create(&pool, threads), 0);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){
        .url = path,
        .pool = pool,
        .n_threads = 1, /* how libav's threads share a picture that is damaged is left to chance */
    }, chain), 0);
    o.decoder->packets = with;
    assert_int_equal(wn_decoder_scenes(o.decoder, NULL, &out->scene, &out->n), WN_OK);
    out->deceived = o.decoder->input->no_seek;
    close_decoder(&o);
    wn_pool_destroy(&pool);
}

static void same(const struct list *a, const struct list *b, const char *path, const char *chain)
{
    bool equal = a->n == b->n;

    for (int i = 0; equal && i < a->n; i++) {
        const struct wn_scene *p = &a->scene[i], *q = &b->scene[i];
        equal = p->start_frame == q->start_frame && p->end_frame == q->end_frame &&
                p->start == q->start && p->end == q->end && p->score == q->score;
        if (!equal)
            printf("scene %d: %d to %d, %g; %d to %d, %g\n", i, (int)p->start_frame,
                   (int)p->end_frame, p->score, (int)q->start_frame, (int)q->end_frame, q->score);
    }
    if (!equal)
        fail_msg("%s of %s: %d and %d scenes, or others", chain, path, a->n, b->n);
}

static void threads_change_nothing(void **state)
{
    static const struct {
        const char *path, *codec, *options;
        int gop;
        bool at_once, all; /* of it; all detectors are tried */
    } film[] = {
        {"a.mp4", "mpeg4", "bf=2", 12, true, true},
        {"b.mkv", "mpeg4", NULL, 50, true},
        {"all.mkv", "mjpeg", NULL, 1, true},
        {"vp9.webm", "libvpx-vp9", "deadline=realtime:cpu-used=8", 40, true},
        {"closed.mp4", "libx264", "preset=veryfast:bf=3", 40, true},
        {"open.mp4", "libx264", "preset=veryfast:bf=3:x264-params=open-gop=1", 24, true, true},
        {"refresh.mp4", "libx264", "preset=veryfast:x264-params=intra-refresh=1", 30, false},
        {"one.mp4", "libx264", "preset=veryfast:bf=2:x264-params=scenecut=0", 9999, false},
        {"hevc.mp4", "libx265", "preset=superfast:x265-params=log-level=none", 40, true},
        {"open.mkv", "libx265", "preset=superfast:x265-params=log-level=none\\:open-gop=1", 25,
         true},
        {"stream.ts", "mpeg2video", NULL, 12, true},
        {"stream.avi", "mpeg4", NULL, 12, false},
    };
    static const char *const chain[] = {
        "scene", "scene=detector=adaptive:min_len=4", "scene=edges=1", "scene=detector=hash",
        "scene=detector=histogram", "scene=detector=fade", "scene=max_len=2:min_len=3,fps=1",
    };

    for (int f = 0; f < WN_LEN(film); f++) {
        if (!avcodec_find_encoder_by_name(film[f].codec) ||
            (LEAKS_COUNT && !strcmp(film[f].codec, "libx265")))
            continue;
        MAKE(.path = film[f].path, .codec = film[f].codec, .options = film[f].options, .width = 320,
             .height = 192, .n = 130, .fps = 24, .gop = film[f].gop, .paint = paint_shots,
             .format = strcmp(film[f].codec, "mjpeg") ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUVJ420P);
        const int chains = film[f].all ? WN_LEN(chain) : 1;
        for (int c = 0; c < chains; c++) {
            struct list through, at_once;
            list_scenes(&through, film[f].path, chain[c], 1, NULL);
            assert_true(through.n > 1);
            assert_true(through.deceived);
            for (int threads = 2; threads <= (f ? 2 : 3); threads++) {
                list_scenes(&at_once, film[f].path, chain[c], threads, NULL);
                same(&through, &at_once, film[f].path, chain[c]);
                assert_int_equal(at_once.deceived, !film[f].at_once);
                free(at_once.scene);
            }
            free(through.scene);
        }
        printf("%s: %d chains on several threads are as reading through\n", film[f].path, chains);
    }
}

/* The index of another film, with more frames and with fewer. */
static void a_lying_index(void **state)
{
    struct wn_packets *x = NULL;
    struct list through, lied_to;
    struct wn_log log;

    wn_log_init(&log);
    MAKE(.path = "true.mp4", .codec = "mpeg4", .width = 320, .height = 192, .n = 120, .fps = 24,
         .gop = 12, .paint = paint_shots);
    list_scenes(&through, "true.mp4", "scene", 1, NULL);
    for (int n = 90; n <= 150; n += 30) {
        MAKE(.path = "lie.mp4", .codec = "mpeg4", .width = 320, .height = 192, .n = n, .fps = 24,
             .gop = 12, .paint = paint_shots);
        assert_int_equal(wn_packets_load(&x, &(struct wn_packets_params){
            .url = "lie.mp4",
            .codec = AV_CODEC_ID_MPEG4,
            .log = &log,
        }), 0);
        x->block[0].stamp.first += n == 90 ? 0 : 1;
        list_scenes(&lied_to, "true.mp4", "scene", 2, x);
        if (n > 120) { /* one that promises less is not found out */
            same(&through, &lied_to, "true.mp4", "scene");
            assert_true(lied_to.deceived);
        }
        free(lied_to.scene);
    }
    free(through.scene);
    wn_log_finish(&log);
}

/* Bytes in the middle of the pictures become others: errors, or pictures that are missing. */
static void damage(void **state)
{
    MAKE(.path = "whole.mkv", .codec = "mpeg4", .width = 320, .height = 192, .n = 200, .fps = 24,
         .gop = 20, .paint = paint_shots);
    FILE *f = fopen("whole.mkv", "rb");
    assert_non_null(f);
    fseek(f, 0, SEEK_END);
    const long size = ftell(f);
    uint8_t *bytes = malloc((size_t)size);
    rewind(f);
    assert_int_equal(fread(bytes, 1, (size_t)size, f), size);
    fclose(f);
    for (int round = 0; round < 8; round++) {
        struct list through, at_once;
        uint32_t x = 12345u + (uint32_t)round;
        for (int i = 0; i < 12; i++) {
            x = x * 1664525u + 1013904223u;
            bytes[size / 4 + (long)(x >> 8) % (size / 2)] ^= (uint8_t)(1 + x % 255);
        }
        f = fopen("damaged.mkv", "wb");
        assert_int_equal(fwrite(bytes, 1, (size_t)size, f), size);
        fclose(f);
        list_scenes(&through, "damaged.mkv", "scene", 1, NULL);
        list_scenes(&at_once, "damaged.mkv", "scene", 2, NULL);
        same(&through, &at_once, "damaged.mkv", "scene");
        free(through.scene);
        free(at_once.scene);
    }
    free(bytes);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_change_nothing),
        cmocka_unit_test(a_lying_index),
        cmocka_unit_test(damage),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
