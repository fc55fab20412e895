/* SPDX-License-Identifier: MIT */
/* Scenes without decoding everything: joins in thumbs, what packet sizes tell, whole files. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "decode/decoder_state.h"
#include "decode/staged_state.h"
#include "decode/index_parts.h"
#include "decode/detect/joins.h"

#define N 120
#define MOST 600

/* ---- joins ---- */

/* A smooth texture of its own for each seed, with a contrast of some 40 levels; dx shifts it. */
static uint8_t texture(int seed, int k, double x, double y)
{
    const double s = seed * 1.7 + k * 0.9;

    return (uint8_t)(128 + 35 * sin(x / 2.3 + s) + 35 * cos(y / 2.9 + 2 * s) +
                     25 * sin((x + y) / 1.9 + 3 * s));
}

static void fill(struct wn_thumb *t, int seed, double dx, double light)
{
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < WN_THUMB_CELLS; i++)
            t->plane[k][i] = (uint8_t)(k ? 128 + (texture(seed, k, i % 32 + dx, i / 32.0) - 128) / 4
                                         : light * texture(seed, k, i % 32 + dx, i / 32.0));
}

static void mix(struct wn_thumb *t, const struct wn_thumb *other, double share)
{
    for (int k = 0; k < 3; k++)
        for (int i = 0; i < WN_THUMB_CELLS; i++)
            t->plane[k][i] =
                (uint8_t)(t->plane[k][i] * (1 - share) + other->plane[k][i] * share + 0.5);
}

static struct wn_thumb strip[N];

static int joins_of(struct wn_join *out)
{
    return wn_joins_find(strip, N, out, 16);
}

static void cuts_are_found(void **state)
{
    struct wn_join j[16];

    for (int i = 0; i < N; i++)
        fill(&strip[i], i < 40 ? 1 : i < 41 + 30 ? 2 : 3, 0.1 * i, 1);
    assert_int_equal(joins_of(j), 2);
    assert_int_equal(j[0].at, 40);
    assert_int_equal(j[1].at, 71);
    assert_int_equal(j[0].kind, WN_JOIN_CUT);
    for (int i = 0; i < N; i++) /* all in motion */
        fill(&strip[i], i < 60 ? 4 : 5, 0.8 * i, 1);
    assert_int_equal(joins_of(j), 1);
    assert_int_equal(j[0].at, 60);
}

static void what_moves_is_no_cut(void **state)
{
    struct wn_join j[16];

    for (int i = 0; i < N; i++) /* a pan that jerks */
        fill(&strip[i], 6, i < 50 ? 0 : i < 53 ? (i - 49) * 1.2 : 4.8, 1);
    assert_int_equal(joins_of(j), 0);
    for (int i = 0; i < N; i++) /* light that grows */
        fill(&strip[i], 6, 0, 0.5 + i / 300.0);
    assert_int_equal(joins_of(j), 0);
    for (int i = 0; i < N; i++) { /* one flash and another of two pictures */
        fill(&strip[i], 7, 0.1 * i, 1);
        if (i == 30 || i == 80 || i == 81)
            memset(strip[i].plane[0], 250, WN_THUMB_CELLS);
    }
    assert_int_equal(joins_of(j), 0);
}

static void dissolves_and_fades_are_found(void **state)
{
    struct wn_join j[16];
    struct wn_thumb other;

    for (int length = 8; length <= 40; length += 8) {
        for (int i = 0; i < N; i++) {
            const double share = fmin(1, fmax(0, (i - 40) / (double)length));
            fill(&strip[i], 8, 0.05 * i, 1);
            fill(&other, 9, 0.05 * i, 1);
            mix(&strip[i], &other, share);
        }
        if (joins_of(j) != 1)
            fail_msg("a dissolve of %d pictures: %d joins", length, joins_of(j));
        assert_int_equal(j[0].kind, WN_JOIN_DISSOLVE);
        assert_in_range(j[0].at, 38, 42 + length);
    }
    memset(&other, 0, sizeof(other));
    memset(other.plane[1], 128, 2 * WN_THUMB_CELLS);
    memset(other.plane[0], 16, WN_THUMB_CELLS);
    for (int i = 0; i < N; i++) { /* black from 52 to 55 */
        fill(&strip[i], i < 54 ? 10 : 11, 0, 1);
        mix(&strip[i], &other, i < 54 ? fmin(1, fmax(0, (i - 40) / 12.0))
                                      : fmin(1, fmax(0, (67 - i) / 12.0)));
    }
    assert_int_equal(joins_of(j), 1);
    assert_int_equal(j[0].kind, WN_JOIN_FADE);
    assert_in_range(j[0].at, 50, 57);
}

static void strips_of_nearly_nothing(void **state)
{
    struct wn_join j[16];

    memset(strip, 0, sizeof(strip));
    assert_int_equal(wn_joins_find(strip, 0, j, 16), 0);
    assert_int_equal(wn_joins_find(strip, 1, j, 16), 0);
    assert_int_equal(wn_joins_find(strip, N, j, 16), 0);
    for (int i = 0; i < N; i++)
        fill(&strip[i], i / 12, 0, 1);
    assert_int_equal(wn_joins_find(strip, N, j, 3), 3); /* no more than there is room for */
}

/* ---- pictures that were left out ---- */

static enum wn_staged_kind kind[N];

/* All but every `step`-th picture is left out, and what it showed is gone. */
static void leave_out(int step)
{
    for (int i = 0; i < N; i++) {
        kind[i] = i % step ? WN_STAGED_HELD : WN_STAGED_SEEN;
        if (i % step)
            memset(&strip[i], 77, sizeof(strip[i]));
    }
    wn_staged_fill(strip, kind, N);
}

static void what_is_left_out_is_made_up(void **state)
{
    static struct wn_thumb all[N];
    struct wn_join j[16];
    struct wn_thumb other;
    double mean, most;

    for (int step = 2; step <= 5; step++) { /* cuts stay sharp, and near */
        for (int i = 0; i < N; i++)
            fill(&strip[i], i < 40 ? 1 : i < 41 + 30 ? 2 : 3, 0.1 * i, 1);
        leave_out(step);
        assert_int_equal(joins_of(j), 2);
        assert_true(abs((int)j[0].at - 40) < step && abs((int)j[1].at - 71) < step);
        assert_int_equal(j[0].kind, WN_JOIN_CUT);
    }
    for (int i = 0; i < N; i++) { /* motion goes on, a dissolve stays one */
        fill(&strip[i], 8, 0.05 * i, 1);
        fill(&other, 9, 0.05 * i, 1);
        mix(&strip[i], &other, fmin(1, fmax(0, (i - 40) / 20.0)));
    }
    memcpy(all, strip, sizeof(all));
    leave_out(3);
    assert_int_equal(joins_of(j), 1);
    assert_int_equal(j[0].kind, WN_JOIN_DISSOLVE);
    for (int i = 0; i < N - 3; i++) {
        wn_thumb_difference(&all[i], &strip[i], &mean, &most);
        assert_true(mean < 4);
        assert_int_equal(kind[i], i % 3 ? WN_STAGED_MIXED : WN_STAGED_SEEN);
    }
    for (int i = 0; i < N; i++) { /* flashes are no longer than they were seen */
        fill(&strip[i], 7, 0.1 * i, 1);
        if (i == 30 || i == 80 || i == 81)
            memset(strip[i].plane[0], 250, WN_THUMB_CELLS);
    }
    leave_out(4);
    assert_int_equal(joins_of(j), 0);
    wn_thumb_difference(&strip[79], &strip[78], &mean, &most);
    assert_true(mean < 1);
    memset(kind, 0, sizeof(kind)); /* nothing known behind the first, nothing at all */
    for (int i = 1; i < N; i++)
        kind[i] = WN_STAGED_HELD;
    wn_staged_fill(strip, kind, N);
    assert_memory_equal(&strip[0], &strip[N - 1], sizeof(strip[0]));
    kind[0] = WN_STAGED_HELD;
    wn_staged_fill(strip, kind, N);
    wn_staged_fill(strip, kind, 0);
}

/* Where encoders drop frames that are like the one before, time tells how long a scene is. */
static void scenes_are_as_long_as_they_last(void **state)
{
    static const struct wn_staged_cut cut[] = {{12, 5.5, 60}, {7, 3, 50}, {13, 5.9, 70}};
    struct wn_staged out = {.frames = 30, .end = 9};
    int room = 0;

    for (int i = 0; i < WN_LEN(cut); i++)
        assert_int_equal(wn_staged_add(&out, &room, &cut[i]), WN_OK);
    assert_int_equal(wn_staged_tidy(&out, &room, NULL, 1.0 / 24,
                                    &(struct wn_staged_rule){.min_len = 15}), WN_OK);
    assert_int_equal(out.n, 2);
    assert_int_equal(out.cut[0].frame, 7);
    assert_int_equal(out.cut[1].frame, 13);
    free(out.cut);
}

/* ---- packet sizes ---- */

struct made {
    int n;                   /* packets of a GOP */
    int64_t size[2 * N];
};

/* Two GOPs of n packets, P pictures of 1000 bytes, key frames of 5000. */
static void make_packets(struct made *m, int n)
{
    m->n = n;
    for (int i = 0; i < 2 * n; i++)
        m->size[i] = i % n ? 900 + i * 37 % 200 : 5000;
}

static enum wn_gop_verdict judge_gop(const struct made *m, int64_t gop,
                                     const struct wn_gop_look *look, int64_t *frame)
{
    struct wn_packets *x = calloc(1, sizeof(*x));
    struct wn_index_build b = {.x = x};

    assert_non_null(x);
    x->base = (AVRational){1, 10};
    x->regular = true;
    for (int i = 0; i < 2 * m->n; i++) {
        if (i % m->n == 0)
            assert_int_equal(wn_index_add_key(&b, 0), 0);
        assert_int_equal(wn_index_add(&b, i, m->size[i], false), 0);
    }
    assert_int_equal(wn_index_finish(&b), 0);
    assert_int_equal(wn_index_sort(x), 0);
    struct wn_gop_finding found;
    wn_gop_judge(x, gop, look, &found);
    wn_packets_free(&x);
    *frame = found.frame;
    return found.verdict;
}

static enum wn_gop_verdict judge(const struct made *m, double ahead, double around,
                                 int64_t longest, int64_t *frame)
{
    return judge_gop(m, 0, &(struct wn_gop_look){
        .ahead = ahead, .across = ahead, .around = around, .longest = longest,
    }, frame);
}

static void sizes_tell_where_a_cut_is(void **state)
{
    struct made m;
    int64_t frame = -1;

    make_packets(&m, 60);
    assert_int_equal(judge(&m, 3, 3, 60, &frame), WN_GOP_QUIET);
    assert_int_equal(judge(&m, 80, 5, 60, &frame), WN_GOP_OPEN);  /* somewhere */
    assert_int_equal(judge(&m, 80, 5, 250, &frame), WN_GOP_CUT_AT_END); /* ended early */
    assert_int_equal(judge(&m, 30, 25, 60, &frame), WN_GOP_QUIET); /* as its neighbours */
    m.size[33] = 6000;
    assert_int_equal(judge(&m, 80, 5, 60, &frame), WN_GOP_CUT_INSIDE);
    assert_int_equal(frame, 33);
    assert_int_equal(judge(&m, 3, 3, 60, &frame), WN_GOP_QUIET);  /* a flash */
    m.size[50] = 6000;
    assert_int_equal(judge(&m, 3, 3, 60, &frame), WN_GOP_OPEN);   /* there and back */
    assert_int_equal(judge(&m, 80, 5, 60, &frame), WN_GOP_OPEN);  /* which of both? */
    assert_int_equal(judge(&m, 80, 60, 60, &frame), WN_GOP_OPEN); /* all of it moves */
    assert_int_equal(judge_gop(&m, 1, &(struct wn_gop_look){.ahead = -1}, &frame), WN_GOP_QUIET);
    make_packets(&m, 1);
    assert_in_range(judge(&m, 80, 80, 1, &frame), WN_GOP_QUIET, WN_GOP_OPEN);
}

/* ---- files ---- */

/* Shots of 100, 62, 138 and 100 frames with textures of their own, drifting slowly. */
static const int cut[] = {100, 162, 300};

static int shot_of(int i)
{
    int shot = 0;

    while (shot < WN_LEN(cut) && i >= cut[shot])
        shot++;
    return shot;
}

static void paint_shots(int i, int x, int y, uint8_t rgb[3])
{
    const int shot = shot_of(i);

    for (int k = 0; k < 3; k++)
        rgb[k] = (uint8_t)(texture(3 * shot + 1, k, (x + 0.1 * i) / 2, y / 2.0) / 2 + 60 +
                           30 * ((shot + k) % 3));
}

static struct wn_instance *scene_of(struct opened *o)
{
    return o->chain->item[0];
}

static void check_list(const char *path, const char *chain, bool some, int most_off)
{
    struct wn_scene *scene = NULL;
    struct opened o;
    int n = 0;

    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = path}, chain), 0);
    assert_int_equal(wn_decoder_scenes(o.decoder, scene_of(&o), &scene, &n), WN_OK);
    if (n != 4)
        fail_msg("%s of %s: %d scenes", chain, path, n);
    for (int i = 0; i < n; i++) {
        const int64_t start = i ? cut[i - 1] : 0;
        assert_true(llabs(scene[i].start_frame - start) <= most_off);
        assert_float_equal(scene[i].start, scene[i].start_frame / 25.0, 1e-6);
        assert_int_equal(scene[i].end_frame, i < 3 ? scene[i + 1].start_frame : 400);
        assert_true(i ? scene[i].score > 10 : scene[i].score <= 0);
    }
    assert_float_equal(scene[3].end, 16, 1e-6);
    if (some)
        assert_in_range(o.decoder->staged.decoded, 1, 320);
    else
        assert_int_equal(o.decoder->staged.decoded, 400);
    assert_true(some == !o.decoder->staged.whole);
    free(scene);
    close_decoder(&o);
}

static void make_shots(const char *path, const char *codec, int gop)
{
    MAKE(.path = path, .codec = codec, .width = 96, .height = 64, .n = 400, .fps = 25, .gop = gop,
         .paint = paint_shots);
}

static void few_frames_are_enough(void **state)
{
    make_shots("gop40.mp4", "mpeg4", 40);
    check_list("gop40.mp4", "scene=method=staged", true, 2);
    make_shots("gop25.mkv", "mpeg4", 25);
    check_list("gop25.mkv", "scene=method=staged", true, 2);
    make_shots("gop25.ts", "mpeg2video", 25);
    check_list("gop25.ts", "scene=method=staged", true, 2);
}

static void where_it_is_no_use_all_are_read(void **state)
{
    make_shots("keys.mp4", "mpeg4", 1);
    check_list("keys.mp4", "scene=method=staged", false, 0);
    make_shots("short.mp4", "mpeg4", 5);
    check_list("short.mp4", "scene=method=staged", false, 0);
    make_shots("one.mp4", "mpeg4", 600);
    check_list("one.mp4", "scene=method=staged", false, 0);
    make_shots("noindex.avi", "mpeg4", 25);
    check_list("noindex.avi", "scene=method=staged", false, 0);
}

/* In a chain it marks, and does not hinder choosing by the index. */
static void a_chain_decodes_what_it_needs(void **state)
{
    static struct seen s[MOST];
    struct opened o;

    make_shots("gop40.mp4", "mpeg4", 40);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "gop40.mp4"},
                                  "scene=method=staged,fps=1"), 0);
    assert_int_equal(read_all(&o, s, MOST), 16);
    for (int i = 0; i < 16; i++) {
        assert_float_equal(s[i].time, i, 1e-6);
        assert_int_equal(s[i].scene, shot_of(25 * i));
    }
    assert_true(s[4].score > 10 && s[5].score <= 0);
    close_decoder(&o);
    assert_int_equal(read_file("gop40.mp4", "scene=method=staged", s, MOST), 400);
    for (int i = 0; i < 400; i++)
        assert_true(abs(s[i].scene - shot_of(i)) <= (i - cut[WN_MAX(0, shot_of(i) - 1)] < 3));
    /* no index, and pushed frames: the detector looks at every picture */
    make_shots("one.mp4", "mpeg4", 600);
    assert_int_equal(read_file("one.mp4", "scene=method=staged,fps=1", s, MOST), 16);
    for (int i = 0; i < 16; i++)
        assert_int_equal(s[i].scene, shot_of(25 * i));
}

static void long_scenes_become_windows(void **state)
{
    static const char *const chain[] = {"scene=max_len=2", "scene=method=staged:max_len=2"};
    struct wn_scene *scene = NULL;
    struct opened o;
    int n = 0;

    make_shots("gop40.mp4", "mpeg4", 40);
    for (int k = 0; k < WN_LEN(chain); k++) {
        assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "gop40.mp4"},
                                      chain[k]), 0);
        assert_int_equal(wn_decoder_scenes(o.decoder, scene_of(&o), &scene, &n), WN_OK);
        assert_int_equal(n, 2 + 2 + 3 + 2); /* 4, 2.48, 5.52 and 4 seconds */
        for (int i = 0; i < n; i++)
            assert_true(scene[i].end - scene[i].start < 2.1);
        assert_float_equal(scene[1].start, 2, 1e-6);
        assert_true(scene[1].score <= 0 && scene[2].score > 10);
        free(scene);
        close_decoder(&o);
    }
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cuts_are_found),
        cmocka_unit_test(what_moves_is_no_cut),
        cmocka_unit_test(dissolves_and_fades_are_found),
        cmocka_unit_test(strips_of_nearly_nothing),
        cmocka_unit_test(what_is_left_out_is_made_up),
        cmocka_unit_test(scenes_are_as_long_as_they_last),
        cmocka_unit_test(sizes_tell_where_a_cut_is),
        cmocka_unit_test(few_frames_are_enough),
        cmocka_unit_test(where_it_is_no_use_all_are_read),
        cmocka_unit_test(a_chain_decodes_what_it_needs),
        cmocka_unit_test(long_scenes_become_windows),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
