/* SPDX-License-Identifier: MIT */
/* Folders of pictures, and animations, through the same filters as videos. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define MOST 64

static int colour; /* of the picture that is made next */

static void paint_colour(int i, int x, int y, uint8_t rgb[3])
{
    paint_number(colour + i, x, y, rgb);
}

static void write_bytes(const char *path, const char *bytes)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    fputs(bytes, f);
    fclose(f);
}

static void make_picture(const char *path, int number, int width, int height)
{
    colour = number;
    MAKE(.path = path, .codec = "png", .format = AV_PIX_FMT_RGB24, .n = 1, .width = width,
         .height = height, .paint = paint_colour);
}

static void in_the_order_people_count(void **state)
{
    struct seen s[MOST];
    char path[64];

    mkdir("folder", 0755);
    for (int i = 1; i <= 12; i++) {
        snprintf(path, sizeof(path), "folder/f%d.png", i);
        make_picture(path, i, i == 5 ? 32 : 24, 18);
    }
    write_bytes("folder/notes.txt", "no picture");
    write_bytes("folder/.hidden.png", "no picture either");
    assert_int_equal(read_file("folder", "", s, MOST), 12);
    for (int i = 0; i < 12; i++) {
        assert_int_equal(s[i].number, i + 1);
        assert_int_equal(s[i].counted, i);
        assert_float_equal(s[i].time, i, 1e-12);
        assert_int_equal(s[i].width, i == 4 ? 32 : 24);
        assert_true(s[i].key);
    }
    assert_int_equal(read_file("folder", "fps=0.5", s, MOST), 6);
    assert_int_equal(s[1].number, 3);
    assert_int_equal(read_file("folder", "uniform=4", s, MOST), 4);
    assert_int_equal(read_file("folder", "keyframes", s, MOST), 12);
    assert_int_equal(read_file("folder", "scene=method=staged,pick", s, MOST) >= 1, 1);
}

static void the_same_picture_again(void **state)
{
    struct seen s[MOST];
    char path[64];

    mkdir("equal", 0755);
    for (int i = 0; i < 9; i++) {
        snprintf(path, sizeof(path), "equal/%d.png", i);
        make_picture(path, i < 6 ? 7 : 200, 24, 18);
    }
    assert_int_equal(read_file("equal", "dedup", s, MOST), 2);
    assert_int_equal(s[1].counted, 6);
}

static void parts_and_limits(void **state)
{
    struct seen s[MOST];
    struct opened o;

    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){
                                          .url = "folder", .start = 3, .end = 6}, ""), 0);
    assert_int_equal(read_all(&o, s, MOST), 3);
    assert_int_equal(s[0].number, 4);
    struct wn_media media = {.size = sizeof(media)};
    wn_decoder_media(o.decoder, &media);
    assert_false(media.still);
    assert_float_equal(media.duration, 12, 1e-9);
    close_decoder(&o);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){
                                          .url = "folder", .max_frames = 5}, ""), 0);
    assert_int_equal(read_all(&o, s, MOST), WN_ERR_LIMIT);
    close_decoder(&o);
}

static void says_what_is_wrong(void **state)
{
    struct seen s[MOST];
    struct opened o;

    mkdir("empty", 0755);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "empty"}, ""), WN_ERR_IO);
    assert_non_null(strstr(o.log.last_error, "without pictures"));
    close_decoder(&o);
    mkdir("bad", 0755);
    make_picture("bad/a.png", 1, 24, 18);
    write_bytes("bad/b.png", "this is no picture at all");
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "bad"}, ""), 0);
    assert_int_equal(read_all(&o, s, MOST), WN_ERR_DATA);
    assert_non_null(strstr(o.log.last_error, "b.png"));
    close_decoder(&o);
}

static void animations(void **state)
{
    static const char *const path[] = {"anim.gif", "anim.apng"};
    struct seen s[MOST];

    for (int i = 0; i < 2; i++) {
        colour = 0;
        MAKE(.path = path[i], .codec = i ? "apng" : "gif",
             .format = i ? AV_PIX_FMT_RGB24 : AV_PIX_FMT_RGB8, .n = 12, .width = 24, .height = 18,
             .paint = paint_colour);
        const int n = read_file(path[i], "", s, MOST);
        assert_int_equal(n, 12);
        assert_true(read_file(path[i], "fps=5", s, MOST) < n);
        assert_in_range(read_file(path[i], "dedup=cell=30:diff=30", s, MOST), 1, n);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_the_order_people_count),
        cmocka_unit_test(the_same_picture_again),
        cmocka_unit_test(parts_and_limits),
        cmocka_unit_test(says_what_is_wrong),
        cmocka_unit_test(animations),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
