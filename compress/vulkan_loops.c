/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "vulkan.h"

/* Turns that an invocation's loops take in all; 0: few. n rows come first in the params of kernels
 * that loop over the rows of a segment. */
static int64_t turns_of(const struct wn_plan_call *call)
{
    static const char *const loops[] = {"rank", "pair", "member_count", "member_fill"};
    const char *name = call->kernel->name;
    const int64_t frames = call->params[1], dim = call->params[2], width = call->params[3];

    if (!strcmp(name, "bank")) /* frames of a place; width is its room */
        return frames * (24 + width + 6 * (dim / 64 + 1));
    if (!strcmp(name, "absorb")) /* rows of a frame; width is words of them */
        return 32 * width * (12 + width / 4 + 4 * (dim / 256 + 1));
    if (!strcmp(name, "thin")) {
        const int64_t step = call->params[3];
        int64_t turns = 0;
        for (int64_t n = call->params[4]; n > 0; n -= step)
            turns += (n / 512 + 1) * (n + 4);
        return turns;
    }
    if (!strcmp(name, "alike")) /* words of a row; width */
        return width * 4 * (dim / 64 + 12);
    if (!strcmp(name, "farthest") && call->params[3]) /* rows of a segment twice; params[3]: dim */
        return 2 * (dim + 16) * (dim / 32 + 1) * (width / 64 + 12) + dim / 16;
    if (!strcmp(name, "dpp") && call->params[4]) /* width is how many steps */
        return dim * (call->params[4] / 64 + 12) +
               width * (dim / 32 + 1) * (call->params[4] / 64 + 12 + width / 2) + width * dim / 128;
    if (!strcmp(name, "dpp"))
        return width * (dim / 64 + 2) + (dim / 128 + 1) * width * width / 2;
    if (!strcmp(name, "farthest"))
        return (dim / 128 + 1) * dim * 4;
    if (!strcmp(name, "closest")) /* targets are fewer than rows; width is its slots */
        return (call->params[0] / 8 + width) * (dim / 64 + 12);
    for (int i = 0; i < WN_LEN(loops); i++) {
        if (!strcmp(name, loops[i]))
            return call->params[0];
    }
    return 0;
}

/* llvmpipe ends an invocation's loops after 65535 turns and says nothing. */
int wn_vk_check_loops(struct wn_vulkan *vk, const struct wn_plan_call *call)
{
    const int64_t most = 60000; /* some turns go into finding the segment */

    if (vk->props12.driverID != VK_DRIVER_ID_MESA_LLVMPIPE || turns_of(call) <= most)
        return WN_OK;
    return wn_fail(vk->log, WN_ERR_LIMIT, "%s: %s over %u rows, this driver's loops end after %d",
                   vk->name, call->kernel->name, call->params[0], (int)most);
}
