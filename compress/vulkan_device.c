/* SPDX-License-Identifier: MIT */
#include "vulkan.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LAYER "VK_LAYER_KHRONOS_validation"

static VKAPI_ATTR VkBool32 VKAPI_CALL on_message(VkDebugUtilsMessageSeverityFlagBitsEXT severity,
                                                 VkDebugUtilsMessageTypeFlagsEXT types,
                                                 const VkDebugUtilsMessengerCallbackDataEXT *data,
                                                 void *opaque)
{
    struct wn_vulkan *vk = opaque;

    atomic_fetch_add(&vk->messages, 1);
    wn_say(vk->log, WN_LOG_ERROR, "validation: %s", data->pMessage);
    return VK_FALSE;
}

static bool instance_has(const char *layer, const char *extension)
{
    VkExtensionProperties *list = NULL;
    uint32_t n = 0;
    bool found = false;

    if (vkEnumerateInstanceExtensionProperties(layer, &n, NULL) < 0)
        return false;
    list = wn_calloc(n, sizeof(*list));
    if (list && vkEnumerateInstanceExtensionProperties(layer, &n, list) >= 0) {
        for (uint32_t i = 0; i < n; i++)
            found |= !strcmp(list[i].extensionName, extension);
    }
    free(list);
    return found;
}

static int check_version(struct wn_vulkan *vk)
{
    uint32_t version = 0;
    int err = WN_OK;

    VK(vkEnumerateInstanceVersion(&version));
    if (version < VK_API_VERSION_1_2)
        return wn_fail(vk->log, WN_ERR_UNSUPPORTED,
                       "this Vulkan loader is version %u.%u; winnow needs 1.2",
                       VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
fail:
    return err;
}

int wn_vk_open_instance(struct wn_vulkan *vk)
{
    static const VkValidationFeatureEnableEXT checks[] = {
        VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT,
    };
    const VkApplicationInfo app = {
        .sType = VK_STRUCTURE_TYPE_APPLICATION_INFO,
        .pApplicationName = "winnow",
        .apiVersion = VK_API_VERSION_1_2,
    };
    const VkDebugUtilsMessengerCreateInfoEXT messenger = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT,
        .messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT
                         | VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT,
        .messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT,
        .pfnUserCallback = on_message,
        .pUserData = vk,
    };
    const VkValidationFeaturesEXT features = {
        .sType = VK_STRUCTURE_TYPE_VALIDATION_FEATURES_EXT,
        .pNext = &messenger,
        .enabledValidationFeatureCount = WN_LEN(checks),
        .pEnabledValidationFeatures = checks,
    };
    const char *layers[] = {LAYER};
    const char *extensions[3];
    VkInstanceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO,
        .pApplicationInfo = &app,
        .ppEnabledExtensionNames = extensions,
        .ppEnabledLayerNames = layers,
    };
    PFN_vkCreateDebugUtilsMessengerEXT create;
    int err;

    TRY(check_version(vk));
    if (instance_has(NULL, VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME)) {
        extensions[info.enabledExtensionCount++] = VK_KHR_PORTABILITY_ENUMERATION_EXTENSION_NAME;
        info.flags |= VK_INSTANCE_CREATE_ENUMERATE_PORTABILITY_BIT_KHR;
    }
    if (vk->options.debug) {
        extensions[info.enabledExtensionCount++] = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
        extensions[info.enabledExtensionCount++] = VK_EXT_VALIDATION_FEATURES_EXTENSION_NAME;
        info.enabledLayerCount = 1;
        info.pNext = &features;
    }
    VK(vkCreateInstance(&info, NULL, &vk->instance));
    if (!vk->options.debug)
        return WN_OK;
    create = (PFN_vkCreateDebugUtilsMessengerEXT)
        vkGetInstanceProcAddr(vk->instance, "vkCreateDebugUtilsMessengerEXT");
    vk->set_name = (PFN_vkSetDebugUtilsObjectNameEXT)
        vkGetInstanceProcAddr(vk->instance, "vkSetDebugUtilsObjectNameEXT");
    VK(create(vk->instance, &messenger, NULL, &vk->messenger));
    return WN_OK;
fail:
    return err;
}

void wn_vk_label(struct wn_vulkan *vk, VkObjectType type, uint64_t handle, const char *name)
{
    const VkDebugUtilsObjectNameInfoEXT info = {
        .sType = VK_STRUCTURE_TYPE_DEBUG_UTILS_OBJECT_NAME_INFO_EXT,
        .objectType = type,
        .objectHandle = handle,
        .pObjectName = name,
    };

    if (vk->set_name)
        vk->set_name(vk->device, &info);
}

/* The first queue family that computes; UINT32_MAX: none. */
static uint32_t compute_family(VkPhysicalDevice physical, uint32_t *timestamp_bits)
{
    VkQueueFamilyProperties family[64];
    uint32_t n = WN_LEN(family);

    vkGetPhysicalDeviceQueueFamilyProperties(physical, &n, family);
    for (uint32_t i = 0; i < n; i++) {
        if (family[i].queueFlags & VK_QUEUE_COMPUTE_BIT) {
            *timestamp_bits = family[i].timestampValidBits;
            return i;
        }
    }
    return UINT32_MAX;
}

static int kind(VkPhysicalDevice physical)
{
    static const VkPhysicalDeviceType best[] = {
        VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU,
        VK_PHYSICAL_DEVICE_TYPE_INTEGRATED_GPU,
        VK_PHYSICAL_DEVICE_TYPE_VIRTUAL_GPU,
    };
    VkPhysicalDeviceProperties props;

    vkGetPhysicalDeviceProperties(physical, &props);
    for (int i = 0; i < WN_LEN(best); i++) {
        if (props.deviceType == best[i])
            return i;
    }
    return props.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU ? WN_LEN(best) + 1 : WN_LEN(best);
}

static bool usable(VkPhysicalDevice physical)
{
    VkPhysicalDeviceProperties props;
    uint32_t bits;

    vkGetPhysicalDeviceProperties(physical, &props);
    return props.apiVersion >= VK_API_VERSION_1_2 && compute_family(physical, &bits) != UINT32_MAX;
}

int wn_vk_list(struct wn_vulkan *vk, VkPhysicalDevice **out, uint32_t *n)
{
    VkPhysicalDevice *list = NULL;
    uint32_t found = 0, kept = 0;
    int err;

    VK(vkEnumeratePhysicalDevices(vk->instance, &found, NULL));
    list = wn_calloc(found, sizeof(*list));
    if (!list)
        return wn_nomem(vk->log, "the list of Vulkan devices");
    VK(vkEnumeratePhysicalDevices(vk->instance, &found, list));
    for (uint32_t i = 0; i < found; i++) {
        const VkPhysicalDevice device = list[i];
        uint32_t k = kept;
        if (!usable(device))
            continue;
        for (; k > 0 && kind(list[k - 1]) > kind(device); k--)
            list[k] = list[k - 1];
        list[k] = device;
        kept++;
    }
    *out = list;
    *n = kept;
    return WN_OK;
fail:
    free(list);
    return err;
}

void wn_vk_describe(struct wn_vulkan *vk, VkPhysicalDevice physical)
{
    VkPhysicalDeviceProperties2 props = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2,
        .pNext = &vk->props11,
    };

    vk->physical = physical;
    vk->props11 = (VkPhysicalDeviceVulkan11Properties){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES,
        .pNext = &vk->props12,
    };
    vk->props12 = (VkPhysicalDeviceVulkan12Properties){
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES,
    };
    vkGetPhysicalDeviceProperties2(physical, &props);
    vkGetPhysicalDeviceMemoryProperties(physical, &vk->memory);
    vk->props = props.properties;
    wn_printable(vk->name, sizeof(vk->name), vk->props.deviceName);
}

static bool contains(const char *s, const char *part)
{
    for (; *s; s++) {
        size_t i = 0;
        while (part[i] && tolower((unsigned char)s[i]) == tolower((unsigned char)part[i]))
            i++;
        if (!part[i])
            return true;
    }
    return false;
}

static bool matches(const struct wn_vulkan *vk, const char *device)
{
    const bool software = vk->props.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;

    if (!strcmp(device, "vulkan"))
        return !software;
    if (!strcmp(device, "software"))
        return software;
    return contains(vk->name, device);
}

static int no_device(struct wn_vulkan *vk, const char *names)
{
    char wanted[64];

    if (!names[0])
        return wn_fail(vk->log, WN_ERR_UNSUPPORTED,
                       "there is no Vulkan 1.2 device with a compute queue");
    if (!strcmp(vk->options.device, "vulkan"))
        return wn_fail(vk->log, WN_ERR_UNSUPPORTED, "there is no Vulkan GPU; software ones are "
                       "used only when named: %s", names);
    return wn_fail(vk->log, WN_ERR_UNSUPPORTED, "no Vulkan device matches \"%s\"; there are: %s",
                   wn_printable(wanted, sizeof(wanted), vk->options.device), names);
}

int wn_vk_choose(struct wn_vulkan *vk)
{
    VkPhysicalDevice *list = NULL;
    char names[512] = "";
    bool found = false;
    uint32_t n = 0;
    int err;

    TRY(wn_vk_list(vk, &list, &n));
    for (uint32_t i = 0; i < n && !found; i++) {
        const size_t used = strlen(names);
        wn_vk_describe(vk, list[i]);
        snprintf(names + used, sizeof(names) - used, "%s%s", i ? ", " : "", vk->name);
        found = vk->options.place ? i + 1 == vk->options.place : matches(vk, vk->options.device);
    }
    if (!found)
        err = no_device(vk, names);
fail:
    free(list);
    return err;
}

static bool device_has(VkPhysicalDevice physical, const char *extension)
{
    VkExtensionProperties *list = NULL;
    uint32_t n = 0;
    bool found = false;

    if (vkEnumerateDeviceExtensionProperties(physical, NULL, &n, NULL) < 0)
        return false;
    list = wn_calloc(n, sizeof(*list));
    if (list && vkEnumerateDeviceExtensionProperties(physical, NULL, &n, list) >= 0) {
        for (uint32_t i = 0; i < n; i++)
            found |= !strcmp(list[i].extensionName, extension);
    }
    free(list);
    return found;
}

static int create_commands(struct wn_vulkan *vk)
{
    const VkCommandPoolCreateInfo pool = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO,
        .flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT,
        .queueFamilyIndex = vk->family,
    };
    VkCommandBufferAllocateInfo buffer = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO,
        .level = VK_COMMAND_BUFFER_LEVEL_PRIMARY,
        .commandBufferCount = 1,
    };
    const VkFenceCreateInfo fence = {.sType = VK_STRUCTURE_TYPE_FENCE_CREATE_INFO};
    int err;

    VK(vkCreateCommandPool(vk->device, &pool, NULL, &vk->command_pool));
    buffer.commandPool = vk->command_pool;
    VK(vkAllocateCommandBuffers(vk->device, &buffer, &vk->commands));
    VK(vkCreateFence(vk->device, &fence, NULL, &vk->fence));
    wn_vk_label(vk, VK_OBJECT_TYPE_COMMAND_BUFFER, (uint64_t)(uintptr_t)vk->commands, "plan");
    return WN_OK;
fail:
    return err;
}

static bool reads_half(VkPhysicalDevice physical)
{
    VkPhysicalDevice16BitStorageFeatures half = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
    };
    VkPhysicalDeviceFeatures2 features = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2,
        .pNext = &half,
    };

    vkGetPhysicalDeviceFeatures2(physical, &features);
    return half.storageBuffer16BitAccess;
}

int wn_vk_open_device(struct wn_vulkan *vk)
{
    static const char *const portability[] = {"VK_KHR_portability_subset"};
    const float priority = 1;
    VkDeviceQueueCreateInfo queue = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO,
        .queueCount = 1,
        .pQueuePriorities = &priority,
    };
    VkPhysicalDevice16BitStorageFeatures half = {
        .sType = VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_16BIT_STORAGE_FEATURES,
    };
    const VkDeviceCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO,
        .pNext = &half,
        .queueCreateInfoCount = 1,
        .pQueueCreateInfos = &queue,
        .ppEnabledExtensionNames = portability,
        .enabledExtensionCount = device_has(vk->physical, portability[0]),
    };
    int err;

    vk->family = compute_family(vk->physical, &vk->timestamp_bits);
    queue.queueFamilyIndex = vk->family;
    if (vk->props.limits.maxPerStageDescriptorStorageBuffers < WN_SHADER_BUFS)
        return wn_fail(vk->log, WN_ERR_UNSUPPORTED, "%s: a shader can bind %u buffers, not %d",
                       vk->name, vk->props.limits.maxPerStageDescriptorStorageBuffers,
                       WN_SHADER_BUFS);
    half.storageBuffer16BitAccess = vk->has_half = reads_half(vk->physical);
    VK(vkCreateDevice(vk->physical, &info, NULL, &vk->device));
    vkGetDeviceQueue(vk->device, vk->family, 0, &vk->queue);
    TRY(create_commands(vk));
    return WN_OK;
fail:
    return err;
}

void wn_vk_close_device(struct wn_vulkan *vk)
{
    PFN_vkDestroyDebugUtilsMessengerEXT destroy;

    if (vk->device) {
        vkDestroyQueryPool(vk->device, vk->queries, NULL);
        vkDestroyDescriptorPool(vk->device, vk->descriptors, NULL);
        vkDestroyFence(vk->device, vk->fence, NULL);
        vkDestroyCommandPool(vk->device, vk->command_pool, NULL);
        vkDestroyDevice(vk->device, NULL);
    }
    if (vk->messenger) {
        destroy = (PFN_vkDestroyDebugUtilsMessengerEXT)
            vkGetInstanceProcAddr(vk->instance, "vkDestroyDebugUtilsMessengerEXT");
        destroy(vk->instance, vk->messenger, NULL);
    }
    if (vk->instance)
        vkDestroyInstance(vk->instance, NULL);
}
