/* SPDX-License-Identifier: MIT */
/* The Vulkan backend from inside: its files and tests only.
 *
 * One instance, device, queue and command buffer a backend; a plan is one submit, and one more for
 * each call that the host runs. Objects that fail
 * half-made are freed by wn_vk_destroy(), which accepts any state. One thread at a time. */
#ifndef WN_VULKAN_H
#define WN_VULKAN_H

#include <vulkan/vulkan.h>

#include "plan.h"

struct wn_vk_options {
    const char *device;    /* as for wn_backend_vulkan; NULL: "vulkan" */
    uint32_t place;        /* not 0: this device of wn_vk_list, from 1, instead */
    const char *cache_dir; /* or NULL */
    bool debug;            /* validation layers (core and synchronisation) and object names */
    bool force_staging;    /* copy through host memory also where memory is shared */
    bool no_self_test;
    bool no_half;          /* tests: rows go as they are */
    bool keep_denormals;   /* tests: software devices then fail the self-test */
    int fail_at;           /* tests: this call of Vulkan (from 1) is not made but gives ... */
    VkResult fail_with;    /* ... this; 0: never */
};

struct wn_vk_block {
    VkDeviceMemory memory;
    VkBuffer buffer; /* over all of it */
    VkDeviceSize size;
    char *map; /* NULL: the host does not see it */
};

enum { WN_VK_MAX_BLOCKS = 64 };

/* Memory of one kind, laid out anew by every run. */
struct wn_vk_arena {
    const char *name;
    VkMemoryPropertyFlags need, like, avoid;
    struct wn_vk_block block[WN_VK_MAX_BLOCKS];
    int n_blocks;
};

struct wn_vk_place {
    VkDeviceSize size;   /* in */
    int32_t first, last; /* in: calls between which it must keep what it holds */
    struct wn_vk_block *block;
    VkDeviceSize offset;
};

struct wn_vk_pipeline {
    VkPipelineLayout layout;
    VkPipeline pipeline;
};

struct wn_vulkan {
    struct wn_backend backend;
    struct wn_vk_options options; /* its strings are not kept */
    struct wn_log *log;
    char name[VK_MAX_PHYSICAL_DEVICE_NAME_SIZE];

    VkInstance instance;
    VkDebugUtilsMessengerEXT messenger;
    PFN_vkSetDebugUtilsObjectNameEXT set_name; /* in debug mode */
    atomic_int messages;                       /* of the validation layers */

    VkPhysicalDevice physical;
    VkPhysicalDeviceProperties props;
    VkPhysicalDeviceVulkan11Properties props11;
    VkPhysicalDeviceVulkan12Properties props12;
    VkPhysicalDeviceMemoryProperties memory;
    uint32_t family, timestamp_bits;
    bool has_half; /* buffers of f16 can be read */
    enum { WN_VK_UNTESTED, WN_VK_PASSED, WN_VK_FAILED } half_test;
    bool unified; /* the host writes and reads the device's memory */

    VkDevice device;
    VkQueue queue;
    VkCommandPool command_pool;
    VkCommandBuffer commands;
    VkFence fence;
    VkDescriptorPool descriptors;
    uint32_t max_sets, max_descriptors;
    VkQueryPool queries;
    uint32_t max_queries;

    VkDescriptorSetLayout set_layout[WN_SHADER_BUFS + 1]; /* by how many buffers */
    struct wn_vk_pipeline *pipeline;                   /* in the order of wn_spirvs */
    VkPipelineCache cache;
    char *cache_path;
    bool cache_grew;

    struct wn_vk_arena arena, staging;
    int64_t *ns; /* of the last run's calls */
    int n_ns, max_ns;

    bool lost; /* a call failed for good: nothing can run here any more */
    bool hung; /* work is still in flight: its objects must not be freed */
    int n_calls;    /* of Vulkan, so far */
    int n_barriers; /* of the last run, between its kernels */
    int n_half;     /* of the last run: buffers that went as f16 */
};

/* Fails when result is an error (a timeout is one), and says so with the call's name. */
int wn_vk_check(struct wn_vulkan *vk, VkResult result, const char *call);
/* Counts a call; true where a test wants it to fail. */
bool wn_vk_injected(struct wn_vulkan *vk);

/* TRY for VkResult; needs `struct wn_vulkan *vk`. */
#define VK(call) \
    TRY(wn_vk_check(vk, wn_vk_injected(vk) ? vk->options.fail_with : (call), #call))

/* vulkan.c */
int wn_vk_open(struct wn_vulkan **out, const struct wn_vk_options *options, struct wn_log *log);
void wn_vk_destroy(struct wn_vulkan **vk);

/* vulkan_device.c: instance, choice of the device, device, queue. */
int wn_vk_open_instance(struct wn_vulkan *vk);
/* Devices with Vulkan 1.2 and a compute queue, best kind first; freed by the caller. */
int wn_vk_list(struct wn_vulkan *vk, VkPhysicalDevice **out, uint32_t *n);
void wn_vk_describe(struct wn_vulkan *vk, VkPhysicalDevice physical); /* fills props and name */
int wn_vk_choose(struct wn_vulkan *vk);
int wn_vk_open_device(struct wn_vulkan *vk);
void wn_vk_close_device(struct wn_vulkan *vk);
void wn_vk_label(struct wn_vulkan *vk, VkObjectType type, uint64_t handle, const char *name);

/* vulkan_memory.c */
/* Finds room for all places; those whose lives do not meet may share it. The arena grows when it
 * must, and then forgets what it held. */
int wn_vk_arena_fit(struct wn_vulkan *vk, struct wn_vk_arena *arena, struct wn_vk_place *place,
                    int n);
bool wn_vk_overlap(const struct wn_vk_place *a, const struct wn_vk_place *b);
void wn_vk_arena_free(struct wn_vulkan *vk, struct wn_vk_arena *arena);

/* vulkan_pipeline.c */
int wn_vk_open_cache(struct wn_vulkan *vk, const char *dir);
void wn_vk_save_cache(struct wn_vulkan *vk); /* when pipelines were added; failing is only logged */
int wn_vk_pipeline(struct wn_vulkan *vk, const struct wn_kernel *kernel, bool half,
                   const struct wn_vk_pipeline **out);
bool wn_vk_has_half(const struct wn_kernel *kernel); /* a form for f16 */
void wn_vk_free_pipelines(struct wn_vulkan *vk);

/* vulkan_run.c */
int wn_vk_run(struct wn_vulkan *vk, const struct wn_plan *plan);

/* vulkan_half.c: inputs that can go as f16. */
bool wn_vk_wants_half(struct wn_vulkan *vk, const struct wn_plan_buffer *buf, wn_buf b,
                      const struct wn_plan_call *call, int n_calls);
void wn_vk_write_half(void *to, const void *from, int64_t n);

/* vulkan_loops.c: refuses a call whose loops this driver would cut short. */
int wn_vk_check_loops(struct wn_vulkan *vk, const struct wn_plan_call *call);

/* vulkan_times.c: timestamps. */
int wn_vk_reserve_queries(struct wn_vulkan *vk, uint32_t n);
int wn_vk_read_times(struct wn_vulkan *vk, int n); /* of so many calls, into vk->ns */

/* vulkan_selftest.c: runs kernels on crafted values; WN_ERR_UNSUPPORTED where a bit differs. */
int wn_vk_self_test(struct wn_vulkan *vk);

#endif
