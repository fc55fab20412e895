/* SPDX-License-Identifier: MIT */
#include "vulkan.h"

#include <stdlib.h>

int wn_vk_reserve_queries(struct wn_vulkan *vk, uint32_t n)
{
    const VkQueryPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO,
        .queryType = VK_QUERY_TYPE_TIMESTAMP,
        .queryCount = n + n / 2,
    };
    int err = WN_OK;

    if (!vk->timestamp_bits || n <= vk->max_queries)
        return WN_OK;
    vkDestroyQueryPool(vk->device, vk->queries, NULL);
    vk->queries = VK_NULL_HANDLE;
    vk->max_queries = 0;
    VK(vkCreateQueryPool(vk->device, &info, NULL, &vk->queries));
    vk->max_queries = info.queryCount;
fail:
    return err;
}

int wn_vk_read_times(struct wn_vulkan *vk, int n)
{
    const uint64_t mask = vk->timestamp_bits < 64 ? (UINT64_C(1) << vk->timestamp_bits) - 1
                                                  : UINT64_MAX;
    uint64_t *t = NULL;
    int err = WN_OK;

    vk->n_ns = 0;
    if (!vk->queries || !n)
        return WN_OK;
    t = wn_calloc((size_t)n + 1, sizeof(*t));
    if (!t)
        return wn_nomem(vk->log, "timestamps");
    if (n > vk->max_ns) {
        int64_t *ns = wn_regrow(vk->ns, (size_t)n, sizeof(*ns));
        if (!ns) {
            err = wn_nomem(vk->log, "timestamps");
            goto fail;
        }
        vk->ns = ns;
        vk->max_ns = n;
    }
    VK(vkGetQueryPoolResults(vk->device, vk->queries, 0, (uint32_t)n + 1,
                             ((size_t)n + 1) * sizeof(*t), t, sizeof(*t), VK_QUERY_RESULT_64_BIT));
    for (int i = 0; i < n; i++)
        vk->ns[i] = (int64_t)((double)((t[i + 1] - t[i]) & mask)
                              * (double)vk->props.limits.timestampPeriod);
    vk->n_ns = n;
fail:
    free(t);
    return err;
}
