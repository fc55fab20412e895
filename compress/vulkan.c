/* SPDX-License-Identifier: MIT */
#include "vulkan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *result_name(VkResult result)
{
    switch (result) {
#define NAME(r) case r: return #r
    NAME(VK_TIMEOUT);
    NAME(VK_ERROR_OUT_OF_HOST_MEMORY);
    NAME(VK_ERROR_OUT_OF_DEVICE_MEMORY);
    NAME(VK_ERROR_INITIALIZATION_FAILED);
    NAME(VK_ERROR_DEVICE_LOST);
    NAME(VK_ERROR_MEMORY_MAP_FAILED);
    NAME(VK_ERROR_LAYER_NOT_PRESENT);
    NAME(VK_ERROR_EXTENSION_NOT_PRESENT);
    NAME(VK_ERROR_FEATURE_NOT_PRESENT);
    NAME(VK_ERROR_INCOMPATIBLE_DRIVER);
    NAME(VK_ERROR_TOO_MANY_OBJECTS);
    NAME(VK_ERROR_FRAGMENTED_POOL);
    NAME(VK_ERROR_OUT_OF_POOL_MEMORY);
    NAME(VK_ERROR_FRAGMENTATION);
    NAME(VK_ERROR_UNKNOWN);
#undef NAME
    default:
        return NULL;
    }
}

static int error_of(VkResult result)
{
    switch (result) {
    case VK_ERROR_OUT_OF_HOST_MEMORY:
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
    case VK_ERROR_MEMORY_MAP_FAILED:
    case VK_ERROR_TOO_MANY_OBJECTS:
    case VK_ERROR_FRAGMENTED_POOL:
    case VK_ERROR_OUT_OF_POOL_MEMORY:
    case VK_ERROR_FRAGMENTATION:
        return WN_ERR_NOMEM;
    case VK_ERROR_LAYER_NOT_PRESENT:
    case VK_ERROR_EXTENSION_NOT_PRESENT:
    case VK_ERROR_FEATURE_NOT_PRESENT:
    case VK_ERROR_INCOMPATIBLE_DRIVER:
        return WN_ERR_UNSUPPORTED;
    default:
        return WN_ERR_DEVICE;
    }
}

int wn_vk_check(struct wn_vulkan *vk, VkResult result, const char *call)
{
    const char *name = result_name(result);
    char number[32];

    if (result >= 0 && result != VK_TIMEOUT)
        return WN_OK;
    snprintf(number, sizeof(number), "VkResult %d", (int)result);
    return wn_fail(vk->log, error_of(result), "%s: %.*s gave %s",
                   vk->name[0] ? vk->name : "vulkan", (int)strcspn(call, "("), call,
                   name ? name : number);
}

bool wn_vk_injected(struct wn_vulkan *vk)
{
    return ++vk->n_calls == vk->options.fail_at;
}

void wn_vk_destroy(struct wn_vulkan **out)
{
    struct wn_vulkan *vk = *out;

    if (!vk)
        return;
    *out = NULL;
    if (vk->hung && vkWaitForFences(vk->device, 1, &vk->fence, VK_TRUE, 1000000000) == VK_TIMEOUT) {
        wn_say(vk->log, WN_LOG_WARN, "%s is still busy: what it uses is not freed", vk->name);
        return;
    }
    if (vk->device) {
        vkDeviceWaitIdle(vk->device);
        wn_vk_save_cache(vk);
        wn_vk_arena_free(vk, &vk->arena);
        wn_vk_arena_free(vk, &vk->staging);
    }
    wn_vk_free_pipelines(vk);
    wn_vk_close_device(vk);
    free(vk->ns);
    free(vk);
}

static int backend_run(struct wn_backend *backend, const struct wn_plan *plan)
{
    struct wn_vulkan *vk = (struct wn_vulkan *)backend;
    const char *why = NULL;
    const int err = wn_plan_error(plan, &why);

    if (err < 0)
        return wn_fail(vk->log, err, "%s", why);
    return wn_vk_run(vk, plan);
}

static void backend_destroy(struct wn_backend *backend)
{
    struct wn_vulkan *vk = (struct wn_vulkan *)backend;

    wn_vk_destroy(&vk);
}

/* Where host and device share memory, buffers are written in place; elsewhere they lie in the
 * device's own memory and are copied. */
static void choose_memory(struct wn_vulkan *vk)
{
    const VkMemoryPropertyFlags shared = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT
                                       | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
                                       | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    const VkPhysicalDeviceType type = vk->props.deviceType;
    const bool own = type != VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU
                  && type != VK_PHYSICAL_DEVICE_TYPE_CPU;

    for (uint32_t i = 0; i < vk->memory.memoryTypeCount; i++)
        vk->unified |= (vk->memory.memoryTypes[i].propertyFlags & shared) == shared;
    vk->unified = vk->unified && !own && !vk->options.force_staging;
    vk->arena.name = "buffers";
    vk->arena.need = vk->unified ? shared : 0;
    vk->arena.like = vk->unified ? VK_MEMORY_PROPERTY_HOST_CACHED_BIT
                                 : VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
    vk->arena.avoid = vk->unified ? 0 : VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT;
    vk->staging.name = "staging";
    vk->staging.need = VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT;
    vk->staging.like = VK_MEMORY_PROPERTY_HOST_CACHED_BIT;
    vk->staging.avoid = VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT;
}

static int open_all(struct wn_vulkan *vk)
{
    int err;

    TRY(wn_vk_open_instance(vk));
    TRY(wn_vk_choose(vk));
    TRY(wn_vk_open_device(vk));
    TRY(wn_vk_open_cache(vk, vk->options.cache_dir));
    choose_memory(vk);
    if (!vk->options.no_self_test)
        TRY(wn_vk_self_test(vk));
fail:
    return err;
}

int wn_vk_open(struct wn_vulkan **out, const struct wn_vk_options *options, struct wn_log *log)
{
    struct wn_vulkan *vk = wn_calloc(1, sizeof(*vk));
    unsigned saved;
    int err;

    if (!vk)
        return wn_nomem(log, "the Vulkan backend");
    vk->options = *options;
    if (!vk->options.device)
        vk->options.device = "vulkan";
    vk->log = log;
    vk->backend = (struct wn_backend){
        .name = vk->name,
        .run = backend_run,
        .destroy = backend_destroy,
    };
    /* The threads that software Vulkan computes on inherit how the one that makes them treats
     * denormals. */
    if (options->keep_denormals) {
        err = open_all(vk);
    } else {
        saved = wn_flush_enter();
        err = open_all(vk);
        wn_flush_leave(saved);
    }
    if (err < 0) {
        wn_vk_destroy(&vk);
        return err;
    }
    vk->options.device = vk->options.cache_dir = NULL;
    wn_say(log, WN_LOG_DEBUG, "vulkan: %s, %s, subgroups of %u%s", vk->name,
           vk->props12.driverInfo, vk->props11.subgroupSize, vk->unified ? ", shared memory" : "");
    *out = vk;
    return WN_OK;
}

int wn_backend_vulkan(struct wn_backend **out, const char *device, const char *cache_dir,
                      struct wn_log *log)
{
    const struct wn_vk_options options = {.device = device, .cache_dir = cache_dir};
    struct wn_vulkan *vk = NULL;
    int err;

    TRY(wn_vk_open(&vk, &options, log));
    *out = &vk->backend;
    return WN_OK;
fail:
    return err;
}

int wn_vulkan_times(struct wn_backend *backend, int64_t *ns, int max)
{
    const struct wn_vulkan *vk = (struct wn_vulkan *)backend;

    if (backend->run != backend_run)
        return 0;
    for (int i = 0; i < WN_MIN(max, vk->n_ns); i++)
        ns[i] = vk->ns[i];
    return vk->n_ns;
}

/* ---- devices ---- */

static bool is_exact(uint32_t place)
{
    const struct wn_vk_options options = {.place = place};
    struct wn_vulkan *vk = NULL;
    const bool exact = wn_vk_open(&vk, &options, NULL) == WN_OK;

    wn_vk_destroy(&vk);
    return exact;
}

static void describe(struct wn_vulkan *vk, VkPhysicalDevice physical, uint32_t place,
                     struct wn_device_info *out)
{
    char driver[VK_MAX_DRIVER_NAME_SIZE + VK_MAX_DRIVER_INFO_SIZE];

    wn_vk_describe(vk, physical);
    memset(out, 0, sizeof(*out));
    wn_printable(out->name, sizeof(out->name), vk->name);
    snprintf(driver, sizeof(driver), "%s %s", vk->props12.driverName, vk->props12.driverInfo);
    wn_printable(out->driver, sizeof(out->driver), driver);
    out->software = vk->props.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    out->exact = is_exact(place);
    out->subgroup = (int32_t)vk->props11.subgroupSize;
    for (uint32_t i = 0; i < vk->memory.memoryHeapCount; i++) {
        if (vk->memory.memoryHeaps[i].flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT)
            out->memory = WN_MAX(out->memory, (int64_t)vk->memory.memoryHeaps[i].size);
    }
}

int wn_vulkan_devices(struct wn_device_info *out, int max)
{
    struct wn_vulkan *vk = wn_calloc(1, sizeof(*vk));
    VkPhysicalDevice *list = NULL;
    uint32_t n = 0;
    int err;

    if (!vk)
        return 0;
    TRY(wn_vk_open_instance(vk));
    TRY(wn_vk_list(vk, &list, &n));
    for (uint32_t i = 0; i < n && (int)i < max; i++)
        describe(vk, list[i], i + 1, &out[i]);
fail:
    free(list);
    wn_vk_destroy(&vk);
    return (int)n;
}
