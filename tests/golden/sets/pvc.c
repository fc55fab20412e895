/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode/select/select.h"
#include "tests/golden/golden.h"

static void check_index(struct golden_case *c, const char *name)
{
    double fps;
    int last, n, begin = -100000, end = 100000;

    if (sscanf(name, "out.index_fps%lf_max%d_n%d_b%d_%d", &fps, &last, &n, &begin, &end) < 3) {
        golden_fail(c, "%s is no name of an index", name);
        return;
    }
    int32_t *list = wn_calloc((size_t)n, sizeof(*list));
    if (list) {
        wn_select_pvc((int32_t)fmax(0, nearbyint(begin * fps)),
                      (int32_t)fmin(nearbyint(end * fps), last), n, list);
        golden_expect_i32(c, name, list, n);
    }
    free(list);
}

/* Boxes of the tiles in raster order, and their count with the thumbnail. */
static void check_boxes(struct golden_case *c, const char *name, int32_t side)
{
    int w, h, most;
    int32_t cols, rows, box[64][4], n = 0;
    char count[64];

    if (sscanf(name, "out.boxes_%dx%d_max%d", &w, &h, &most) < 3 || most > 64) {
        golden_fail(c, "%s is no name of boxes", name);
        return;
    }
    wn_select_tiles(w, h, side, most, &cols, &rows);
    for (; n < cols * rows; n++) {
        const int32_t x = n % cols * side, y = n / cols * side;
        box[n][0] = x;
        box[n][1] = y;
        box[n][2] = x + side;
        box[n][3] = y + side;
    }
    golden_expect_i32(c, name, box[0], 4 * n);
    n += n > 1;
    snprintf(count, sizeof(count), "out.count_%s", name + strlen("out.boxes_"));
    golden_expect_i32(c, count, &n, 1);
}

static void run(struct golden_case *c)
{
    const int32_t side = (int32_t)golden_int(c, "image_size");

    for (int i = 0; i < c->file->n && !c->failed; i++) {
        const char *name = c->file->tensor[i].name;
        if (!strncmp(name, "out.index_", 10))
            check_index(c, name);
        if (!strncmp(name, "out.boxes_", 10))
            check_boxes(c, name, side);
    }
}

const struct golden_set golden_pvc = {
    .name = "pvc",
    .run = run,
};
