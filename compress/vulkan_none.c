/* SPDX-License-Identifier: MIT */
/* In place of the Vulkan backend in a build without it. */
#include "plan.h"

int wn_backend_vulkan(struct wn_backend **out, const char *device, const char *cache_dir,
                      struct wn_log *log)
{
    return wn_fail(log, WN_ERR_UNSUPPORTED, "this winnow was built without Vulkan");
}

int wn_vulkan_devices(struct wn_device_info *out, int max)
{
    return 0;
}

int wn_vulkan_times(struct wn_backend *backend, int64_t *ns, int max)
{
    return 0;
}
