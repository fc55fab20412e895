/* SPDX-License-Identifier: MIT */
/* Rows in half the bytes. An input whose numbers are all exactly numbers of 16 bits (rows that were
 * rounded to f16 before they came) goes to the device as f16, where every kernel that reads it has
 * a form for that: it reads f16 and computes in f32 what it would have computed, so nothing can be
 * decided differently. Other inputs stay as they are. */
#include <stdlib.h>
#include <string.h>

#include "kernels.h"
#include "vulkan.h"

enum { LEAST = 1 << 16 }; /* elements that are worth looking at */

/* 0 or a normal number of f16. Devices may flush the denormal ones. */
static bool fits(uint32_t bits)
{
    const uint32_t e = bits >> 23 & 255;

    return !(bits & 0x7fffffffu) || (e >= 113 && e <= 142 && !(bits & 0x1fff));
}

static bool all_fit(const uint32_t *x, int64_t n)
{
    for (int64_t i = 0; i < n;) {
        const int64_t end = WN_MIN(i + 256, n);
        bool good = true;
        for (; i < end; i++)
            good &= fits(x[i]);
        if (!good)
            return false;
    }
    return true;
}

void wn_vk_write_half(void *to, const void *from, int64_t n)
{
    const uint32_t *x = from;
    uint16_t *y = to;

    for (int64_t i = 0; i < n; i++) {
        const uint32_t sign = x[i] >> 16 & 0x8000, rest = x[i] & 0x7fffffffu;
        y[i] = (uint16_t)(sign | (rest ? (rest - (112u << 23)) >> 13 : 0));
    }
}

/* Whether calls read it first among their buffers, and all of them have the form for f16. */
static bool readers_can(const struct wn_plan_call *call, int n, wn_buf b)
{
    for (int c = 0; c < n; c++) {
        for (int k = 0; k < call[c].kernel->n_bufs; k++) {
            if (call[c].buf[k] == b && (k || !wn_vk_has_half(call[c].kernel)))
                return false;
        }
    }
    return true;
}

static int test(struct wn_vulkan *vk);

bool wn_vk_wants_half(struct wn_vulkan *vk, const struct wn_plan_buffer *buf, wn_buf b,
                      const struct wn_plan_call *call, int n_calls)
{
    const struct wn_plan_buffer *x = &buf[b];

    if (!vk->has_half || vk->options.no_half || x->n < LEAST || !x->input || x->output ||
        x->first < 0 || !readers_can(call, n_calls, b) || !all_fit(x->input, x->n))
        return false;
    if (vk->half_test == WN_VK_UNTESTED)
        vk->half_test = test(vk) == WN_OK ? WN_VK_PASSED : WN_VK_FAILED;
    return vk->half_test != WN_VK_FAILED;
}

/* Every number that f16 has for us, there and back. */
static int test(struct wn_vulkan *vk)
{
    const int32_t ptr[1] = {LEAST}, n = LEAST;
    const struct wn_take_params p = {.n = n, .n_frames = 0, .width = 1};
    uint32_t *x = wn_calloc((size_t)n, 2 * sizeof(*x)), *y = x + n;
    int32_t *idx = wn_calloc((size_t)n, sizeof(*idx));
    struct wn_plan *plan = NULL;
    int err = WN_ERR_NOMEM;

    if (!x || !idx || wn_plan_create(&plan) < 0)
        goto fail;
    for (int32_t i = 0; i < n; i++) {
        const uint32_t rest = (uint32_t)i & 0x7fff, e = rest >> 10;
        idx[i] = i;
        if (e && e < 31)
            x[i] = ((uint32_t)i & 0x8000) << 16 | ((rest << 13) + (112u << 23));
        else
            x[i] = ((uint32_t)i & 0x8000) << 16;
    }
    const wn_buf out = wn_plan_temp(plan, "out", n);
    wn_plan_call(plan, &wn_kernel_take, &p, (const wn_buf[]){
        wn_plan_input(plan, "half", x, n), wn_plan_input(plan, "idx", idx, n),
        wn_plan_owned(plan, "ptr", ptr, 1), out,
    });
    wn_plan_output(plan, out, y);
    vk->half_test = WN_VK_PASSED; /* while it runs */
    err = wn_vk_run(vk, plan);
    if (!err && (vk->n_half != 1 || memcmp(x, y, (size_t)n * 4))) {
        wn_say(vk->log, WN_LOG_DEBUG, "%s: numbers of 16 bits come back changed: not used",
               vk->name);
        err = WN_ERR_UNSUPPORTED;
    }
fail:
    wn_plan_destroy(&plan);
    free(idx);
    free(x);
    return err;
}
