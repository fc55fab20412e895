/* SPDX-License-Identifier: MIT */
/* Scores that the caller hands in reach the filters:
 *     scores MODEL MMPROJ VIDEO
 * Uses winnow.h only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/winnow.h"

static const char *video;
static struct wn_session *session;

struct asked {
    int frames, stop_at;
    int32_t next_index;
};

/* Frame f likes rows f, f + 1 and f + 2 best. */
static int give(void *opaque, const struct wn_frame_info *frame, float *scores)
{
    struct asked *asked = opaque;

    assert_int_equal(frame->index, asked->next_index++);
    assert_int_equal(frame->n_rows, frame->grid_h * frame->grid_w);
    for (int32_t i = 0; i < frame->n_rows; i++)
        scores[i] = i < frame->index % 5 ? -1 : (float)-i;
    return ++asked->frames == asked->stop_at;
}

static struct wn_source *open_source(const char *filters, struct asked *asked)
{
    struct wn_source *src = NULL;

    assert_int_equal(wn_source_open(&src, session, video, wn_source_params(
        .filters = filters, .on_scores = asked ? give : NULL, .opaque = asked)), WN_OK);
    return src;
}

static void they_choose_rows(void **state)
{
    struct asked asked = {0};
    struct wn_source *src = open_source("fps=1,scores=keep=1", &asked);
    struct wn_segment *seg = NULL;
    int32_t rows = 0;
    int err;

    while (!(err = wn_source_pull(src, &seg))) {
        struct wn_tokens t = {.size = sizeof(t)};
        wn_segment_tokens(seg, &t);
        for (int32_t i = 0; i < t.n; i++, rows++) {
            struct wn_frame_info info = {.size = sizeof(info)};
            int32_t f = 0;
            assert_int_equal(wn_segment_frame(seg, f, &info), WN_OK);
            while (info.index != t.frame[i])
                assert_int_equal(wn_segment_frame(seg, ++f, &info), WN_OK);
            assert_int_equal(t.source_idx[t.source_ptr[i]], info.row0);
            assert_true(t.score[i] == (info.index % 5 ? -1.0f : 0.0f));
        }
        wn_segment_unref(&seg);
    }
    assert_int_equal(err, WN_EOF);
    assert_true(rows > 0);
    assert_int_equal(rows, asked.frames);
    wn_source_close(&src);
}

static void they_weigh_rows(void **state)
{
    struct asked asked = {0};
    struct wn_source *src = open_source("fps=1,cdpruner=keep=2:relevance=score", &asked);
    struct wn_segment *seg = NULL;

    assert_int_equal(wn_source_pull(src, &seg), WN_OK);
    assert_true(asked.frames > 0);
    wn_segment_unref(&seg);
    wn_source_close(&src);
}

static void they_stop(void **state)
{
    struct asked asked = {.stop_at = 2};
    struct wn_source *src = open_source("fps=1,scores=keep=1", &asked);
    struct wn_segment *seg = NULL;
    int err = WN_OK;

    while (!err) {
        err = wn_source_pull(src, &seg);
        wn_segment_unref(&seg);
    }
    assert_int_equal(err, WN_ERR_ABORTED);
    assert_int_equal(asked.frames, 2);
    wn_source_close(&src);
}

static void without_them_there_is_a_sentence(void **state)
{
    struct wn_source *src = open_source("fps=1,scores=keep=1", NULL);
    struct wn_segment *seg = NULL;

    assert_true(wn_source_pull(src, &seg) < 0);
    assert_non_null(strstr(wn_errmsg(session), "on_scores"));
    wn_source_close(&src);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(they_choose_rows),
        cmocka_unit_test(they_weigh_rows),
        cmocka_unit_test(they_stop),
        cmocka_unit_test(without_them_there_is_a_sentence),
    };

    if (argc != 4)
        return 77;
    video = argv[3];
    if (wn_open(&session, wn_params(.model = argv[1], .mmproj = argv[2], .no_gpu_model = 1,
                                    .device = "cpu")))
        return 1;
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    wn_close(&session);
    return failed;
}
