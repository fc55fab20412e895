/* SPDX-License-Identifier: MIT */
/* Subtitles: files of three kinds, a track inside a video, markup, and what is refused. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/markup.h"

static void write_text(const char *path, const char *text)
{
    FILE *f = fopen(path, "wb");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void check_file(const char *path, const char *text)
{
    struct wn_cue *cue = NULL;
    int n = 0;

    write_text(path, text);
    assert_int_equal(wn_subtitles_read(&cue, &n, "unused.mp4", path, NULL), WN_OK);
    assert_int_equal(n, 2);
    assert_float_equal(cue[0].start, 1, 1e-6);
    assert_float_equal(cue[0].end, 2.5, 1e-6);
    assert_string_equal(cue[0].text, "Hello big world");
    assert_float_equal(cue[1].start, 3, 1e-6);
    assert_string_equal(cue[1].text, "two lines");
    wn_subtitles_free(cue, n);
}

static void files(void **state)
{
    check_file("a.srt", "1\n00:00:03,000 --> 00:00:04,000\n{\\an8}two\nlines\n\n"
                        "2\n00:00:01,000 --> 00:00:02,500\nHello <i>big</i> world\n\n");
    check_file("a.vtt", "WEBVTT\n\n00:01.000 --> 00:02.500 align:start\nHello <b>big</b> world\n\n"
                        "id\n00:03.000 --> 00:04.000\ntwo\nlines\n");
    check_file("a.ass", "[Script Info]\nScriptType: v4.00+\n\n[Events]\n"
               "Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\n"
               "Dialogue: 0,0:00:01.00,0:00:02.50,Default,,0,0,0,,Hello {\\b1}big{\\b0} world\n"
               "Dialogue: 0,0:00:03.00,0:00:04.00,Default,,0,0,0,,two\\Nlines\n");
}

static void plain(const char *markup, const char *text)
{
    char *got = wn_plain_text(markup);

    assert_non_null(got);
    assert_string_equal(got, text);
    free(got);
}

static void markup(void **state)
{
    plain("", "");
    plain("  a \n\t b  ", "a b");
    plain("a < b & c > d", "a < b & c > d");
    plain("<i>x</i><font color=\"red\">y</font>", "xy");
    plain("x < y", "x < y");
    plain("<unclosed", "<unclosed");
    plain("&lt;b&gt; &amp;amp; &nbsp;&bogus;", "<b> &amp; &bogus;");
    plain("{\\an8\\pos(1,2)}top", "top");
    plain("{a}", "{a}");
    plain("{\\p1}m 0 0 l 9 9{\\p0}word", "word");
    plain("{\\an8 never closed", "");
    plain("one\\Ntwo\\nthree\\hfour", "one two three four");
    plain("bad \xff\xfe\x01 bytes", "bad ??? bytes");
    char *event = wn_plain_ass("0,0,Default,,0,0,0,,a, b");
    assert_string_equal(event, "a, b");
    free(event);
    event = wn_plain_ass("0,0,too short");
    assert_string_equal(event, "");
    free(event);
}

static void inside_a_video(void **state)
{
    struct wn_cue *cue = NULL;
    int n = 7;

    MAKE(.path = "with.mkv", .n = 10, .subtitles = "inside <b>it</b>");
    assert_int_equal(wn_subtitles_read(&cue, &n, "with.mkv", "auto", NULL), WN_OK);
    assert_int_equal(n, 1);
    assert_float_equal(cue[0].start, 0.2, 1e-3);
    assert_float_equal(cue[0].end, 0.5, 1e-3);
    assert_string_equal(cue[0].text, "inside it");
    wn_subtitles_free(cue, n);
    MAKE(.path = "without.mkv", .n = 2);
    assert_int_equal(wn_subtitles_read(&cue, &n, "without.mkv", "auto", NULL), WN_OK);
    assert_int_equal(n, 0);
    wn_subtitles_free(cue, n);
}

static void refused(void **state)
{
    struct wn_cue *cue = NULL;
    int n = 7;

    MAKE(.path = "without.mkv", .n = 2);
    assert_int_equal(wn_subtitles_read(&cue, &n, "x", "without.mkv", NULL), WN_ERR_DATA);
    assert_int_equal(wn_subtitles_read(&cue, &n, "x", "missing.srt", NULL), WN_ERR_IO);
    write_text("words.srt", "no subtitles at all, only words\n");
    assert_int_equal(wn_subtitles_read(&cue, &n, "x", "words.srt", NULL), WN_ERR_DATA);
    write_text("list.srt", "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile:///etc/hostname\n");
    assert_int_equal(wn_subtitles_read(&cue, &n, "x", "list.srt", NULL), WN_ERR_UNSUPPORTED);
    assert_int_equal(n, 7);
    assert_null(cue);
}

static void so_many_at_most(void **state)
{
    struct wn_cue *cue = NULL;
    FILE *f = fopen("many.srt", "wb");
    int n = 0;

    assert_non_null(f);
    for (int i = 0; i < 210000; i++)
        fprintf(f, "%d\n%02d:%02d:%02d,%03d --> %02d:%02d:%02d,%03d\nx\n\n", i + 1, i / 36000,
                i / 600 % 60, i / 10 % 60, i % 10 * 100, i / 36000, i / 600 % 60, i / 10 % 60,
                i % 10 * 100 + 50);
    fclose(f);
    assert_int_equal(wn_subtitles_read(&cue, &n, "x", "many.srt", NULL), WN_ERR_LIMIT);
    assert_null(cue);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files),
        cmocka_unit_test(markup),
        cmocka_unit_test(inside_a_video),
        cmocka_unit_test(refused),
        cmocka_unit_test(so_many_at_most),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
