/* SPDX-License-Identifier: MIT */
/* Rows whose numbers are f16's go to a device as such, and every filter leaves the same bits as
 * when they go as they are. Exit 77 without the device.
 *
 *     compress_half DEVICE [staging]      staging: copied to it through memory of the host */
#include <stdio.h>
#include <string.h>

#include "compress/vulkan.h"
#include "tests/units/compress_make.h"

static void round_to_half(float *x, int64_t n)
{
    for (int64_t i = 0; x && i < n; i++) {
        union { float f; uint32_t u; } v = {x[i]};
        const uint32_t e = v.u >> 23 & 255;
        v.u &= e < 113 || e > 142 ? 0x80000000u : 0xffffe000u;
        x[i] = v.f;
    }
}

static int failures, halves, refused;

static void check(const char *name, const struct wn_rows *rows, bool rounded,
                  struct wn_vulkan *const vk[2], struct wn_log *log)
{
    struct wn_rows *out[2] = {0};
    const char *what;

    for (int i = 0; i < 2; i++) {
        out[i] = copy_rows(rows);
        if (run_chain(&out[i], name, false, &vk[i]->backend, log) < 0) {
            refused++;
            goto end;
        }
    }
    halves += vk[0]->n_half;
    if (vk[1]->n_half || (!rounded && vk[0]->n_half)) {
        printf("%s: %d and %d buffers of f16\n", name, vk[0]->n_half, vk[1]->n_half);
        failures++;
    }
    if (!same_rows(out[0], out[1], &what)) {
        printf("%s: %s differs\n", name, what);
        failures++;
    }
end:
    wn_rows_destroy(&out[0]);
    wn_rows_destroy(&out[1]);
}

int main(int argc, char **argv)
{
    const struct make shape = {
        .seed = 7, .n_frames = 3, .grid_h = 15, .grid_w = 15, .dim = 100, .keys = true,
        .attn = true,
    };
    const struct wn_vk_options options[2] = {{.device = argv[1], .force_staging = argc > 2},
                                             {.device = argv[1], .no_half = true}};
    struct wn_vulkan *vk[2] = {0};
    struct wn_rows *rows = make_rows(&shape);
    struct wn_log log;

    wn_log_init(&log);
    if (argc < 2 || wn_vk_open(&vk[0], &options[0], &log) ||
        wn_vk_open(&vk[1], &options[1], &log)) {
        printf("skipped: %s\n", log.last_error);
        return 77;
    }
    if (!vk[0]->has_half) {
        printf("skipped: %s does not read f16\n", vk[0]->name);
        return 77;
    }
    check("stride", rows, false, vk, &log);
    round_to_half(rows->data, (int64_t)rows->n * rows->dim);
    round_to_half(rows->keys, (int64_t)rows->n * rows->keys_layers * rows->keys_heads *
                              rows->keys_dim);
    for (int i = 0; wn_token_filters[i]; i++) {
        const struct wn_filter *f = wn_token_filters[i];
        if (f->token && f->places & WN_AT_TOKEN)
            check(f->name, rows, true, vk, &log);
    }
    printf("%d failures, %d buffers of f16, %d refused\n", failures, halves, refused);
    wn_vk_destroy(&vk[0]);
    wn_vk_destroy(&vk[1]);
    wn_rows_destroy(&rows);
    wn_log_finish(&log);
    return failures || halves < 20 || refused > 2;
}
