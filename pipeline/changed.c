/* SPDX-License-Identifier: MIT */
#include "frame.h"

#include <string.h>

struct cell { /* bytes of a row, rows */
    int64_t x0, x1, y0, y1;
};

static struct cell cell_of(const struct wn_frame *frame, int32_t rows, int32_t cols, int32_t row,
                           int32_t col)
{
    const int64_t w = frame->width, h = frame->height;

    return (struct cell){
        .x0 = col * w / cols * 3,
        .x1 = (col + 1) * w / cols * 3,
        .y0 = row * h / rows,
        .y1 = (row + 1) * h / rows,
    };
}

static uint64_t squares(const uint8_t *a, const uint8_t *b, int64_t n)
{
    uint64_t sum = 0;

    while (n > 0) {
        const int64_t part = WN_MIN(n, 4096); /* whose squares fit in 32 bits */
        uint32_t some = 0;
        for (int64_t i = 0; i < part; i++)
            some += (uint32_t)((a[i] - b[i]) * (a[i] - b[i]));
        sum += some;
        a += part;
        b += part;
        n -= part;
    }
    return sum;
}

static bool differs(const struct wn_frame *last, const struct wn_frame *frame, struct cell c,
                    double threshold)
{
    const int64_t stride = (int64_t)frame->width * 3;
    const double n = (double)(c.x1 - c.x0) * (double)(c.y1 - c.y0);
    uint64_t sum = 0;

    for (int64_t y = c.y0; y < c.y1; y++)
        sum += squares(last->rgb + y * stride + c.x0, frame->rgb + y * stride + c.x0, c.x1 - c.x0);
    return (double)sum > threshold * threshold * n;
}

int32_t wn_frame_changed(const struct wn_frame *last, const struct wn_frame *frame, int32_t rows,
                         int32_t cols, double threshold, uint8_t *mask)
{
    const bool same_size = last && last->width == frame->width && last->height == frame->height;
    int32_t n = 0;

    for (int32_t row = 0; row < rows; row++) {
        for (int32_t col = 0; col < cols; col++, mask++) {
            *mask = !same_size ||
                    differs(last, frame, cell_of(frame, rows, cols, row, col), threshold);
            n += *mask;
        }
    }
    return n;
}

void wn_frame_update(struct wn_frame *last, const struct wn_frame *frame, int32_t rows,
                     int32_t cols, const uint8_t *mask)
{
    const int64_t stride = (int64_t)frame->width * 3;

    for (int32_t row = 0; row < rows; row++) {
        for (int32_t col = 0; col < cols; col++) {
            const struct cell c = cell_of(frame, rows, cols, row, col);
            for (int64_t y = c.y0; mask[row * cols + col] && y < c.y1; y++)
                memcpy(last->rgb + y * stride + c.x0, frame->rgb + y * stride + c.x0,
                       (size_t)(c.x1 - c.x0));
        }
    }
}
