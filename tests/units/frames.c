/* SPDX-License-Identifier: MIT */
/* Decoded pictures by themselves: which cells changed, and what was last seen of each. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "pipeline/frame.h"

#define W 37
#define H 23
#define ROWS 4
#define COLS 5

static struct wn_frame *gray(int32_t w, int32_t h, uint8_t level)
{
    struct wn_frame *f = NULL;

    assert_int_equal(wn_frame_create(&f, w, h), WN_OK);
    memset(f->rgb, level, (size_t)w * (size_t)h * 3);
    return f;
}

static void cells_tile_the_picture(void **state)
{
    uint8_t mask[ROWS * COLS];

    for (int32_t y = 0; y < H; y++) {
        for (int32_t x = 0; x < W; x++) {
            struct wn_frame *a = gray(W, H, 90), *b = gray(W, H, 90);
            b->rgb[(y * W + x) * 3 + 1] = 91; /* one byte of one pixel is in one cell */
            assert_int_equal(wn_frame_changed(a, b, ROWS, COLS, 0, mask), 1);
            int32_t row = 0, col = 0;
            while ((row + 1) * H / ROWS <= y)
                row++;
            while ((col + 1) * W / COLS <= x)
                col++;
            assert_int_equal(mask[row * COLS + col], 1);
            wn_frame_unref(&a);
            wn_frame_unref(&b);
        }
    }
}

static void threshold_is_a_root_mean_square(void **state)
{
    struct wn_frame *a = gray(8, 8, 100), *b = gray(8, 8, 103);
    uint8_t mask[1];

    assert_int_equal(wn_frame_changed(a, b, 1, 1, 3, mask), 0); /* above, not at */
    assert_int_equal(wn_frame_changed(a, b, 1, 1, 2.999, mask), 1);
    memcpy(b->rgb, a->rgb, 8 * 8 * 3);
    for (int i = 0; i < 3; i++) /* one of 64 pixels by 40 levels: 40 / 8 */
        b->rgb[i] = 140;
    assert_int_equal(wn_frame_changed(a, b, 1, 1, 5, mask), 0);
    assert_int_equal(wn_frame_changed(a, b, 1, 1, 4.999, mask), 1);
    wn_frame_unref(&a);
    wn_frame_unref(&b);
}

static void other_sizes_are_all_new(void **state)
{
    struct wn_frame *a = gray(8, 8, 0), *b = gray(8, 9, 0), *large = gray(5000, 3, 0),
                    *white = gray(5000, 3, 255), *one = gray(1, 1, 7);
    uint8_t mask[ROWS * COLS];

    assert_int_equal(wn_frame_changed(a, b, ROWS, COLS, 255, mask), ROWS * COLS);
    assert_int_equal(wn_frame_changed(NULL, b, ROWS, COLS, 255, mask), ROWS * COLS);
    assert_int_equal(wn_frame_changed(large, white, 1, 1, 254.9, mask), 1); /* no sum overflows */
    assert_int_equal(wn_frame_changed(large, white, 1, 1, 255, mask), 0);
    assert_int_equal(wn_frame_changed(one, one, ROWS, COLS, 0, mask), 0); /* empty cells */
    wn_frame_unref(&a);
    wn_frame_unref(&b);
    wn_frame_unref(&large);
    wn_frame_unref(&white);
    wn_frame_unref(&one);
}

/* A level a frame is under the threshold each time, and still is seen after a while. */
static void drift_is_seen(void **state)
{
    struct wn_frame *last = gray(W, H, 0);
    uint8_t mask[ROWS * COLS];
    int refreshed = 0;

    for (int i = 1; i <= 20; i++) {
        struct wn_frame *f = gray(W, H, (uint8_t)i);
        const int32_t n = wn_frame_changed(last, f, ROWS, COLS, 3, mask);
        refreshed += n == ROWS * COLS;
        mask[7] = 0; /* this cell was not encoded */
        wn_frame_update(last, f, ROWS, COLS, mask);
        wn_frame_unref(&f);
    }
    assert_int_equal(refreshed, 5);
    assert_int_equal(last->rgb[0], 20);
    assert_int_equal(last->rgb[((H / ROWS) * W + 2 * W / COLS) * 3], 0);
    wn_frame_unref(&last);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cells_tile_the_picture),
        cmocka_unit_test(threshold_is_a_root_mean_square),
        cmocka_unit_test(other_sizes_are_all_new),
        cmocka_unit_test(drift_is_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
