/* SPDX-License-Identifier: MIT */
#include "vulkan.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- SPIR-V ---- */

enum { SPIRV_HEADER = 5, OP_ENTRY_POINT = 15, OP_EXECUTION_MODE = 16, OP_CAPABILITY = 17 };

/* Capability and execution mode have the same names in SPIR-V and different numbers. */
struct control {
    uint32_t capability, mode;
    bool on;
};

/* The module with an execution mode for each control that is on. Freed by the caller; NULL when
 * out of memory. SPIR-V 1.5 has these without an extension. */
static uint32_t *with_controls(const struct wn_spirv *spirv, const struct control *control, int n,
                               size_t *size)
{
    const size_t words = spirv->size / 4;
    uint32_t *out = wn_calloc(words + 6 * (size_t)n, 4);
    uint32_t entry = 0;
    size_t at = SPIRV_HEADER;

    if (!out)
        return NULL;
    memcpy(out, spirv->code, SPIRV_HEADER * 4);
    for (int i = 0; i < n; i++) {
        if (!control[i].on)
            continue;
        out[at++] = 2u << 16 | OP_CAPABILITY;
        out[at++] = control[i].capability;
    }
    for (size_t i = SPIRV_HEADER; i < words;) {
        const uint32_t op = spirv->code[i] & 0xffff, length = spirv->code[i] >> 16;
        assert(length > 0 && i + length <= words);
        memcpy(out + at, spirv->code + i, length * 4);
        at += length;
        if (op == OP_ENTRY_POINT)
            entry = spirv->code[i + 2];
        for (int k = 0; op == OP_ENTRY_POINT && k < n; k++) {
            if (!control[k].on)
                continue;
            out[at++] = 4u << 16 | OP_EXECUTION_MODE;
            out[at++] = entry;
            out[at++] = control[k].mode;
            out[at++] = 32; /* bits of the floats meant */
        }
        i += length;
    }
    *size = at * 4;
    return out;
}

static int create_module(struct wn_vulkan *vk, const struct wn_spirv *spirv, VkShaderModule *out)
{
    const struct control control[] = {
        {4465, 4460, vk->props12.shaderDenormFlushToZeroFloat32},
        {4466, 4461, vk->props12.shaderSignedZeroInfNanPreserveFloat32},
        {4467, 4462, vk->props12.shaderRoundingModeRTEFloat32},
    };
    VkShaderModuleCreateInfo info = {.sType = VK_STRUCTURE_TYPE_SHADER_MODULE_CREATE_INFO};
    uint32_t *code = with_controls(spirv, control, WN_LEN(control), &info.codeSize);
    int err;

    if (!code)
        return wn_nomem(vk->log, "a shader");
    info.pCode = code;
    VK(vkCreateShaderModule(vk->device, &info, NULL, out));
    err = WN_OK;
fail:
    free(code);
    return err;
}

/* ---- pipelines ---- */

static int set_layout(struct wn_vulkan *vk, int n_bufs)
{
    VkDescriptorSetLayoutBinding binding[WN_SHADER_BUFS] = {0};
    const VkDescriptorSetLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_LAYOUT_CREATE_INFO,
        .bindingCount = (uint32_t)n_bufs,
        .pBindings = binding,
    };
    int err = WN_OK;

    if (vk->set_layout[n_bufs])
        return WN_OK;
    for (int i = 0; i < n_bufs; i++) {
        binding[i].binding = (uint32_t)i;
        binding[i].descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER;
        binding[i].descriptorCount = 1;
        binding[i].stageFlags = VK_SHADER_STAGE_COMPUTE_BIT;
    }
    VK(vkCreateDescriptorSetLayout(vk->device, &info, NULL, &vk->set_layout[n_bufs]));
fail:
    return err;
}

static int create_layout(struct wn_vulkan *vk, const struct wn_kernel *kernel,
                         VkPipelineLayout *out)
{
    const VkPushConstantRange push = {
        .stageFlags = VK_SHADER_STAGE_COMPUTE_BIT,
        .size = (uint32_t)kernel->params_size,
    };
    const VkPipelineLayoutCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_PIPELINE_LAYOUT_CREATE_INFO,
        .setLayoutCount = 1,
        .pSetLayouts = &vk->set_layout[kernel->n_bufs],
        .pushConstantRangeCount = 1,
        .pPushConstantRanges = &push,
    };
    int err = WN_OK;

    if (!*out)
        VK(vkCreatePipelineLayout(vk->device, &info, NULL, out));
fail:
    return err;
}

static int create_pipeline(struct wn_vulkan *vk, const struct wn_spirv *spirv,
                           struct wn_vk_pipeline *p)
{
    VkComputePipelineCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_COMPUTE_PIPELINE_CREATE_INFO,
        .layout = p->layout,
        .stage = {
            .sType = VK_STRUCTURE_TYPE_PIPELINE_SHADER_STAGE_CREATE_INFO,
            .stage = VK_SHADER_STAGE_COMPUTE_BIT,
            .pName = "main",
        },
    };
    VkShaderModule module = VK_NULL_HANDLE;
    int err;

    TRY(create_module(vk, spirv, &module));
    info.stage.module = module;
    VK(vkCreateComputePipelines(vk->device, vk->cache, 1, &info, NULL, &p->pipeline));
    wn_vk_label(vk, VK_OBJECT_TYPE_PIPELINE, (uint64_t)p->pipeline, spirv->name);
    vk->cache_grew = true;
    err = WN_OK;
fail:
    vkDestroyShaderModule(vk->device, module, NULL);
    return err;
}

/* The place of that form; of the end where there is none. */
static int find_form(const struct wn_kernel *kernel, bool half)
{
    int i = 0;

    while (wn_spirvs[i].name &&
           (wn_spirvs[i].half != half || strcmp(wn_spirvs[i].name, kernel->name)))
        i++;
    return i;
}

bool wn_vk_has_half(const struct wn_kernel *kernel)
{
    return wn_spirvs[find_form(kernel, true)].name;
}

int wn_vk_pipeline(struct wn_vulkan *vk, const struct wn_kernel *kernel, bool half,
                   const struct wn_vk_pipeline **out)
{
    const int i = find_form(kernel, half);
    int err;

    if (!wn_spirvs[i].name)
        return wn_fail(vk->log, WN_ERR_UNSUPPORTED, "kernel %s has no shader", kernel->name);
    if (!vk->pipeline[i].pipeline) {
        TRY(set_layout(vk, kernel->n_bufs));
        TRY(create_layout(vk, kernel, &vk->pipeline[i].layout));
        TRY(create_pipeline(vk, &wn_spirvs[i], &vk->pipeline[i]));
    }
    *out = &vk->pipeline[i];
    return WN_OK;
fail:
    return err;
}

void wn_vk_free_pipelines(struct wn_vulkan *vk)
{
    for (int i = 0; vk->pipeline && wn_spirvs[i].name; i++) {
        vkDestroyPipeline(vk->device, vk->pipeline[i].pipeline, NULL);
        vkDestroyPipelineLayout(vk->device, vk->pipeline[i].layout, NULL);
    }
    for (int i = 0; i <= WN_SHADER_BUFS && vk->device; i++)
        vkDestroyDescriptorSetLayout(vk->device, vk->set_layout[i], NULL);
    if (vk->device)
        vkDestroyPipelineCache(vk->device, vk->cache, NULL);
    free(vk->pipeline);
    free(vk->cache_path);
}

/* ---- the cache on disk ---- */

/* Before the driver's data; in the machine's byte order, as that is. */
struct cache_header {
    char magic[8];
    uint64_t size, hash;
};
static const char cache_magic[8] = "WNPIPE1";
static const size_t max_cache = (size_t)64 << 20;

static char *cache_path(const struct wn_vulkan *vk, const char *dir)
{
    char uuid[2 * VK_UUID_SIZE + 1];
    uint64_t shaders = 0;

    for (size_t i = 0; i < VK_UUID_SIZE; i++)
        snprintf(uuid + 2 * i, 3, "%02x", vk->props11.deviceUUID[i]);
    for (int i = 0; wn_spirvs[i].name; i++)
        shaders = wn_hash64(wn_spirvs[i].code, wn_spirvs[i].size, shaders);
    return wn_sprintf("%s/pipelines-%s-%08x-%016llx.bin", dir, uuid, vk->props.driverVersion,
                      (unsigned long long)shaders);
}

/* Drivers check their own header too, but not all of them all of it. */
static bool cache_is_ours(const struct wn_vulkan *vk, const char *data, size_t size)
{
    VkPipelineCacheHeaderVersionOne h;

    if (size < sizeof(h))
        return false;
    memcpy(&h, data, sizeof(h));
    return h.headerSize >= sizeof(h) && h.headerSize <= size
        && h.headerVersion == VK_PIPELINE_CACHE_HEADER_VERSION_ONE
        && h.vendorID == vk->props.vendorID && h.deviceID == vk->props.deviceID
        && !memcmp(h.pipelineCacheUUID, vk->props.pipelineCacheUUID, VK_UUID_SIZE);
}

/* NULL: there is none, or none to be trusted. */
static char *read_cache(const struct wn_vulkan *vk, size_t *size)
{
    struct cache_header h;
    FILE *file = fopen(vk->cache_path, "rb");
    char *data = NULL;

    if (!file)
        return NULL;
    if (fread(&h, sizeof(h), 1, file) != 1 || memcmp(h.magic, cache_magic, sizeof(h.magic))
        || h.size > max_cache)
        goto fail;
    data = wn_calloc((size_t)h.size, 1);
    if (!data || fread(data, 1, (size_t)h.size, file) != h.size)
        goto fail;
    if (wn_hash64(data, (size_t)h.size, 0) != h.hash || !cache_is_ours(vk, data, (size_t)h.size))
        goto fail;
    fclose(file);
    *size = (size_t)h.size;
    return data;
fail:
    wn_say(vk->log, WN_LOG_DEBUG, "%s is not a pipeline cache of this device: ignored",
           vk->cache_path);
    fclose(file);
    free(data);
    return NULL;
}

int wn_vk_open_cache(struct wn_vulkan *vk, const char *dir)
{
    VkPipelineCacheCreateInfo info = {.sType = VK_STRUCTURE_TYPE_PIPELINE_CACHE_CREATE_INFO};
    char *data = NULL;
    int n = 0, err;

    while (wn_spirvs[n].name)
        n++;
    vk->pipeline = wn_calloc((size_t)n, sizeof(*vk->pipeline));
    if (!vk->pipeline)
        return wn_nomem(vk->log, "pipelines");
    if (dir) {
        vk->cache_path = cache_path(vk, dir);
        if (!vk->cache_path)
            return wn_nomem(vk->log, "pipelines");
        data = read_cache(vk, &info.initialDataSize);
        info.pInitialData = data;
    }
    VK(vkCreatePipelineCache(vk->device, &info, NULL, &vk->cache));
    err = WN_OK;
fail:
    free(data);
    return err;
}

static bool write_all(const char *path, const struct cache_header *h, const void *data)
{
    FILE *file = fopen(path, "wb");
    bool good;

    if (!file)
        return false;
    good = fwrite(h, sizeof(*h), 1, file) == 1
        && fwrite(data, 1, (size_t)h->size, file) == h->size;
    return fclose(file) == 0 && good;
}

void wn_vk_save_cache(struct wn_vulkan *vk)
{
    struct cache_header h = {.size = 0};
    char *data = NULL, *temp = NULL;
    size_t size = 0;
    int err;

    if (!vk->cache_grew || !vk->cache_path || vk->lost)
        return;
    VK(vkGetPipelineCacheData(vk->device, vk->cache, &size, NULL));
    data = wn_calloc(size, 1);
    temp = wn_sprintf("%s.%ld", vk->cache_path, (long)getpid());
    if (!data || !temp || size > max_cache)
        goto fail;
    VK(vkGetPipelineCacheData(vk->device, vk->cache, &size, data));
    memcpy(h.magic, cache_magic, sizeof(h.magic));
    h.size = size;
    h.hash = wn_hash64(data, size, 0);
    if (!write_all(temp, &h, data) || rename(temp, vk->cache_path) < 0) {
        wn_say(vk->log, WN_LOG_DEBUG, "%s: %s", vk->cache_path, strerror(errno));
        remove(temp);
    }
fail:
    free(temp);
    free(data);
}
