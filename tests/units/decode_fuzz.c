/* SPDX-License-Identifier: MIT */
/* Damaged files and made-up indexes through the packet index and the staged scenes: any error will
 * do, but what is told must hold. `decode_fuzz FOLDER [ROUNDS [SEED [FILE...]]]`; few rounds in the
 * suite. Files that are named, with their whole paths, are read as they are. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decoder_state.h"
#include "decode/index_parts.h"

static int64_t rounds = 24;
static uint64_t seed = 1;

static uint64_t any(uint64_t below)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed % below;
}

/* ---- what decides, on sizes and looks that no encoder makes ---- */

static struct wn_packets *made_up(int64_t n)
{
    struct wn_packets *x = calloc(1, sizeof(*x));
    struct wn_index_build b = {.x = x};
    int64_t key = 0;

    assert_non_null(x);
    x->base = (AVRational){1, 25};
    x->regular = true;
    for (int64_t i = 0; i < n; i++) {
        if (i == key) {
            assert_int_equal(wn_index_add_key(&b, 0), 0);
            key += 1 + (int64_t)any(any(4) ? 60 : 3);
        }
        const int64_t bytes = (int64_t)any(any(8) ? 3000 : any(8) ? 1 << 20 : 1);
        const int64_t stamp = i % 4 == 1 ? i + 2 : i % 4 == 3 ? i - 2 : i; /* B-frames */
        assert_int_equal(wn_index_add(&b, stamp, bytes, false), 0);
    }
    assert_int_equal(wn_index_finish(&b), 0);
    assert_int_equal(wn_index_sort(x), 0);
    return x;
}

static double some_distance(void)
{
    return any(5) ? (double)any(1600) / 10 : -1;
}

static void verdicts_hold(void **state)
{
    for (int64_t r = 0; r < 4 * rounds; r++) {
        struct wn_packets *x = made_up(4 * (1 + (int64_t)any(200)));
        for (int64_t g = 0; x->regular && g < x->n_gops; g++) {
            const struct wn_gop_look look = {
                .ahead = g + 1 < x->n_gops ? (double)any(1600) / 10 : -1,
                .across = some_distance(),
                .around = some_distance(),
                .flat = !any(5),
                .next_flat = !any(5),
                .longest = 1 + (int64_t)any(70),
                .marks = any(2),
            };
            struct wn_gop_finding f;
            wn_gop_judge(x, g, &look, &f);
            assert_in_range(f.verdict, WN_GOP_QUIET, WN_GOP_OPEN);
            if (f.verdict == WN_GOP_CUT_INSIDE)
                assert_in_range(f.frame, 0, x->n_frames - 1);
            if (f.verdict == WN_GOP_CUT_AT_END || f.ends)
                assert_true(g + 1 < x->n_gops);
        }
        wn_packets_free(&x);
    }
}

/* ---- damaged files ---- */

static uint8_t *slurp(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = NULL;

    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    *size = (size_t)ftell(f);
    rewind(f);
    data = malloc(*size);
    assert_non_null(data);
    assert_int_equal(fread(data, 1, *size, f), *size);
    fclose(f);
    return data;
}

static void spill(const char *path, const uint8_t *data, size_t size)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

/* Flips, runs of one value, and ends cut off; more in the header and the tables at both ends. */
static size_t damage(uint8_t *data, size_t size)
{
    const size_t n = 1 + any(12);

    for (size_t i = 0; i < n; i++) {
        const size_t span = any(2) ? size : WN_MIN(size, 4096);
        const size_t at = any(2) ? any(span) : size - 1 - any(span);
        const size_t run = any(4) ? 1 : WN_MIN(1 + any(16), size - at);
        const uint8_t with = (uint8_t)any(256);
        for (size_t k = 0; k < run; k++)
            data[at + k] = any(2) ? with : (uint8_t)(data[at + k] ^ 1 << any(8));
    }
    return any(6) ? size : 1 + any(size);
}

static void check_scenes(const struct wn_scene *scene, int n)
{
    for (int i = 0; i < n; i++) {
        assert_true(scene[i].end_frame > scene[i].start_frame);
        assert_true(scene[i].end >= scene[i].start);
        if (i)
            assert_true(scene[i].start_frame == scene[i - 1].end_frame);
    }
}

static void stage(const char *path)
{
    struct wn_scene *scene = NULL;
    struct wn_packet_info info = {.size = sizeof(info)};
    struct opened o;
    int n = 0;

    if (open_decoder(&o, &(struct wn_decoder_params){.url = path, .max_frames = 2000},
                     "scene=method=staged") == 0) {
        if (wn_decoder_packets(o.decoder, &info) == WN_OK &&
            wn_decoder_scenes(o.decoder, o.chain->item[0], &scene, &n) == WN_OK)
            check_scenes(scene, n);
        free(scene);
    }
    close_decoder(&o);
}

static void damaged(const char *from, const char *to)
{
    size_t size;
    uint8_t *whole = slurp(from, &size), *copy = malloc(size);

    assert_non_null(copy);
    for (int64_t r = 0; r < rounds; r++) {
        memcpy(copy, whole, size);
        spill(to, copy, damage(copy, size));
        stage(to);
    }
    free(copy);
    free(whole);
}

static char **named;
static int n_named;

static void named_files(void **state)
{
    for (int i = 0; i < n_named; i++) {
        print_message("%s\n", named[i]);
        stage(named[i]);
    }
}

static void paint_moving(int i, int x, int y, uint8_t rgb[3])
{
    const int shot = i / 37;

    for (int k = 0; k < 3; k++)
        rgb[k] = (uint8_t)(shot * 83 + (x + i) * (k + 2) + y * (shot + 1) * 3);
}

static void damaged_files(void **state)
{
    static const struct {
        const char *path, *to, *codec;
    } kind[] = {{"whole.mp4", "bad.mp4", "mpeg4"}, {"whole.mkv", "bad.mkv", "mpeg4"},
                {"whole.avi", "bad.avi", "mpeg4"}, {"whole.ts", "bad.ts", "mpeg2video"}};

    for (int i = 0; i < WN_LEN(kind); i++) {
        MAKE(.path = kind[i].path, .codec = kind[i].codec, .width = 64, .height = 48, .n = 150,
             .fps = 25, .gop = 25, .paint = paint_moving);
        stage(kind[i].path);
        damaged(kind[i].path, kind[i].to);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_hold),
        cmocka_unit_test(damaged_files),
        cmocka_unit_test(named_files),
    };

    if (argc > 2)
        rounds = strtoll(argv[2], NULL, 10);
    if (argc > 3)
        seed = strtoull(argv[3], NULL, 10) | 1;
    if (argc > 4) {
        named = argv + 4;
        n_named = argc - 4;
    }
    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
