/* SPDX-License-Identifier: MIT */
/* Hardware decoding where there may be none: the same frames, and a sentence. */
#include "decode_make.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <string.h>

#include "decode/decoder_state.h"
#include "decode/hw.h"

#define MOST 64

static void falls_back_to_software(void **state)
{
    static const char *const kind[] = {"vaapi", "cuda", "vulkan", "auto"};
    static const char *const chain[] = {"", "fps=2", "keyframes"};
    struct seen want[MOST], got[MOST];

    MAKE(.path = "film.mp4", .codec = "mpeg4", .width = 64, .height = 48, .n = 40, .gop = 10);
    for (int i = 0; i < WN_LEN(kind); i++) {
        for (int k = 0; k < WN_LEN(chain); k++) {
            const int n = read_file("film.mp4", chain[k], want, MOST);
            struct opened o;
            const struct wn_decoder_params p = {.url = "film.mp4", .hwaccel = kind[i]};
            assert_int_equal(open_decoder(&o, &p, chain[k]), 0);
            assert_int_equal(read_all(&o, got, MOST), n);
            const bool software = !o.decoder->input->hw;
            if (software)
                assert_non_null(strstr(o.said, "software decodes"));
            for (int f = 0; f < n && software; f++) /* a GPU need not give the same bits */
                assert_true(got[f].hash == want[f].hash);
            close_decoder(&o);
        }
    }
}

static void words(void **state)
{
    struct seen s[MOST];
    struct opened o;

    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "film.mp4",
                                                                 .hwaccel = "abacus"}, ""),
                     WN_ERR_ARG);
    assert_non_null(strstr(o.log.last_error, "abacus"));
    close_decoder(&o);
    assert_int_equal(open_decoder(&o, &(struct wn_decoder_params){.url = "film.mp4",
                                                                 .hwaccel = "none"}, ""), 0);
    assert_int_equal(read_all(&o, s, MOST), 40);
    assert_true(!o.said[0]);
    close_decoder(&o);
}

/* Frames in memory are left alone. */
static void fetching(void **state)
{
    AVFrame *frame = av_frame_alloc();

    frame->format = AV_PIX_FMT_GRAY8;
    frame->width = frame->height = 16;
    assert_int_equal(av_frame_get_buffer(frame, 0), 0);
    const uint8_t *data = frame->data[0];
    assert_int_equal(wn_hw_fetch(frame), 0);
    assert_ptr_equal(frame->data[0], data);
    av_frame_free(&frame);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(falls_back_to_software),
        cmocka_unit_test(words),
        cmocka_unit_test(fetching),
    };

    work_in(argc, argv);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
