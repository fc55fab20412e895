/* SPDX-License-Identifier: MIT */
#include "vulkan.h"

#include <stdlib.h>
#include <string.h>

/* How long a plan may take before its device counts as lost; software ones share the host. */
#define SECOND UINT64_C(1000000000)
static const uint64_t gpu_timeout = 60 * SECOND, software_timeout = 900 * SECOND;

enum { FOLD = 32768 }; /* workgroups along x; the shaders know it */

/* What one run needs besides the objects that stay. */
struct run {
    const struct wn_plan_buffer *buf;
    const struct wn_plan_call *call;
    int n_bufs, n_calls;
    struct wn_vk_place *place;   /* [n_bufs] in device memory */
    struct wn_vk_place *in, *out; /* [n_bufs] in staging; size 0: not copied */
    VkDescriptorSet *set;        /* [n_calls] */
    bool *half;                  /* [n_bufs] it stands there as f16 */
    /* The epochs, counted by barriers, in which a buffer was last written and last read. */
    int *written, *read;
    int epoch;
};

static void run_finish(struct run *run)
{
    free(run->place);
    free(run->set);
    free(run->half);
    free(run->written);
}

static int run_init(struct wn_vulkan *vk, struct run *run, const struct wn_plan *plan)
{
    *run = (struct run){.n_bufs = 0};
    run->buf = wn_plan_buffers(plan, &run->n_bufs);
    run->call = wn_plan_calls(plan, &run->n_calls);
    run->place = wn_calloc((size_t)run->n_bufs, 3 * sizeof(*run->place));
    run->set = wn_calloc((size_t)run->n_calls, sizeof(*run->set));
    run->written = wn_calloc((size_t)run->n_bufs, 2 * sizeof(*run->written));
    run->half = wn_calloc((size_t)run->n_bufs, sizeof(*run->half));
    if (!run->place || !run->set || !run->written || !run->half)
        return wn_nomem(vk->log, "a plan");
    run->in = run->place + run->n_bufs;
    run->out = run->in + run->n_bufs;
    run->read = run->written + run->n_bufs;
    for (int i = 0; i < run->n_bufs; i++)
        run->written[i] = run->read[i] = -1;
    int n_half = 0;
    for (int i = 0; i < run->n_bufs; i++) {
        run->half[i] = wn_vk_wants_half(vk, run->buf, i, run->call, run->n_calls);
        n_half += run->half[i];
    }
    vk->n_half = n_half; /* the test of f16 has run in between */
    return WN_OK;
}

static size_t bytes(const struct run *run, int i)
{
    return run->half[i] ? ((size_t)run->buf[i].n + 1) / 2 * 4 : (size_t)run->buf[i].n * 4;
}

/* Whether call c has buffer b in that way. */
static bool touches(const struct run *run, int c, int b, enum wn_access how)
{
    const struct wn_plan_call *call = &run->call[c];

    for (int i = 0; i < call->kernel->n_bufs; i++) {
        if (call->buf[i] == b && (call->kernel->access[i] & how))
            return true;
    }
    return false;
}

static bool host_touches(const struct run *run, int b, enum wn_access how)
{
    for (int c = 0; c < run->n_calls; c++) {
        if (run->call[c].kernel->host && touches(run, c, b, how))
            return true;
    }
    return false;
}

/* ---- memory ---- */

static int place_buffers(struct wn_vulkan *vk, struct run *run)
{
    const uint32_t range = vk->props.limits.maxStorageBufferRange;
    int err;

    for (int i = 0; i < run->n_bufs; i++) {
        const struct wn_plan_buffer *b = &run->buf[i];
        const size_t size = bytes(run, i);
        if (size > range)
            return wn_fail(vk->log, WN_ERR_LIMIT, "%s: buffer %s has %zu bytes, a shader sees %u",
                           vk->name, b->name, size, range);
        run->place[i].size = WN_MAX(size, 4);
        run->place[i].first = b->input ? -1 : b->first; /* inputs are there before the first call */
        run->place[i].last = b->last;
        if (vk->unified)
            continue;
        run->in[i].size = b->input || host_touches(run, i, WN_WRITE) ? size : 0;
        run->out[i].size = b->output || host_touches(run, i, WN_READ) ? size : 0;
    }
    TRY(wn_vk_arena_fit(vk, &vk->arena, run->place, run->n_bufs));
    if (!vk->unified)
        TRY(wn_vk_arena_fit(vk, &vk->staging, run->in, 2 * run->n_bufs));
    return WN_OK;
fail:
    return err;
}

/* Where the host writes a buffer's input, or reads its output. */
static char *host_side(const struct wn_vulkan *vk, const struct run *run,
                       const struct wn_vk_place *staged, int i)
{
    const struct wn_vk_place *p = vk->unified ? &run->place[i] : &staged[i];

    return p->block->map + p->offset;
}

static void write_inputs(const struct wn_vulkan *vk, const struct run *run)
{
    for (int i = 0; i < run->n_bufs; i++) {
        const struct wn_plan_buffer *b = &run->buf[i];
        if (run->half[i])
            wn_vk_write_half(host_side(vk, run, run->in, i), b->input, b->n);
        else if (b->input && b->n)
            memcpy(host_side(vk, run, run->in, i), b->input, bytes(run, i));
    }
}

static void read_outputs(const struct wn_vulkan *vk, const struct run *run)
{
    for (int i = 0; i < run->n_bufs; i++) {
        if (run->buf[i].output && run->buf[i].n)
            memcpy(run->buf[i].output, host_side(vk, run, run->out, i), bytes(run, i));
    }
}

/* Call c is the host's; the device waits. */
static void run_on_host(const struct wn_vulkan *vk, const struct run *run, int c)
{
    const struct wn_plan_call *call = &run->call[c];
    void *buf[WN_MAX_BUFS] = {0};

    for (int i = 0; i < call->kernel->n_bufs; i++) {
        const bool write = call->kernel->access[i] & WN_WRITE;
        buf[i] = host_side(vk, run, write ? run->in : run->out, call->buf[i]);
    }
    const unsigned saved = wn_flush_enter();
    call->kernel->ref(call->params, buf);
    wn_flush_leave(saved);
}

/* ---- descriptors ---- */

static int reserve_descriptors(struct wn_vulkan *vk, uint32_t sets, uint32_t descriptors)
{
    VkDescriptorPoolSize size = {.type = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER};
    VkDescriptorPoolCreateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_POOL_CREATE_INFO,
        .poolSizeCount = 1,
        .pPoolSizes = &size,
    };
    int err;

    if (sets <= vk->max_sets && descriptors <= vk->max_descriptors) {
        VK(vkResetDescriptorPool(vk->device, vk->descriptors, 0));
        return WN_OK;
    }
    vkDestroyDescriptorPool(vk->device, vk->descriptors, NULL);
    vk->descriptors = VK_NULL_HANDLE;
    vk->max_sets = vk->max_descriptors = 0;
    info.maxSets = sets + sets / 2;
    size.descriptorCount = descriptors + descriptors / 2;
    VK(vkCreateDescriptorPool(vk->device, &info, NULL, &vk->descriptors));
    vk->max_sets = info.maxSets;
    vk->max_descriptors = size.descriptorCount;
    return WN_OK;
fail:
    return err;
}

static int bind_call(struct wn_vulkan *vk, struct run *run, int c)
{
    const struct wn_plan_call *call = &run->call[c];
    const int n = call->kernel->n_bufs;
    VkDescriptorBufferInfo buffer[WN_SHADER_BUFS];
    VkWriteDescriptorSet write[WN_SHADER_BUFS];
    const VkDescriptorSetAllocateInfo info = {
        .sType = VK_STRUCTURE_TYPE_DESCRIPTOR_SET_ALLOCATE_INFO,
        .descriptorPool = vk->descriptors,
        .descriptorSetCount = 1,
        .pSetLayouts = &vk->set_layout[n],
    };
    int err;

    VK(vkAllocateDescriptorSets(vk->device, &info, &run->set[c]));
    for (int i = 0; i < n; i++) {
        const struct wn_vk_place *p = &run->place[call->buf[i]];
        buffer[i] = (VkDescriptorBufferInfo){p->block->buffer, p->offset, p->size};
        write[i] = (VkWriteDescriptorSet){
            .sType = VK_STRUCTURE_TYPE_WRITE_DESCRIPTOR_SET,
            .dstSet = run->set[c],
            .dstBinding = (uint32_t)i,
            .descriptorCount = 1,
            .descriptorType = VK_DESCRIPTOR_TYPE_STORAGE_BUFFER,
            .pBufferInfo = &buffer[i],
        };
    }
    vkUpdateDescriptorSets(vk->device, (uint32_t)n, write, 0, NULL);
    return WN_OK;
fail:
    return err;
}

/* Pipelines, and a descriptor set for each call. */
static int prepare_calls(struct wn_vulkan *vk, struct run *run)
{
    const struct wn_vk_pipeline *pipeline;
    uint32_t descriptors = 0;
    int err;

    for (int c = 0; c < run->n_calls; c++) {
        if (run->call[c].kernel->host)
            continue;
        TRY(wn_vk_check_loops(vk, &run->call[c]));
        TRY(wn_vk_pipeline(vk, run->call[c].kernel, run->half[run->call[c].buf[0]], &pipeline));
        descriptors += (uint32_t)run->call[c].kernel->n_bufs;
    }
    if (!run->n_calls)
        return WN_OK;
    TRY(reserve_descriptors(vk, (uint32_t)run->n_calls, descriptors));
    for (int c = 0; c < run->n_calls; c++) {
        if (!run->call[c].kernel->host)
            TRY(bind_call(vk, run, c));
    }
    return WN_OK;
fail:
    return err;
}

/* ---- commands ---- */

static void barrier(const struct wn_vulkan *vk, VkPipelineStageFlags from, VkAccessFlags made,
                    VkPipelineStageFlags to, VkAccessFlags used)
{
    const VkMemoryBarrier memory = {
        .sType = VK_STRUCTURE_TYPE_MEMORY_BARRIER,
        .srcAccessMask = made,
        .dstAccessMask = used,
    };

    vkCmdPipelineBarrier(vk->commands, from, to, 0, 1, &memory, 0, NULL, 0, NULL);
}

static void copy(const struct wn_vulkan *vk, const struct wn_vk_place *from,
                 const struct wn_vk_place *to, size_t size)
{
    const VkBufferCopy region = {from->offset, to->offset, size};

    vkCmdCopyBuffer(vk->commands, from->block->buffer, to->block->buffer, 1, &region);
}

/* Of the plan's inputs (from 0), or of what the host made before call `from`. */
static bool record_uploads(const struct wn_vulkan *vk, struct run *run, int from)
{
    bool any = false;

    for (int i = 0; i < run->n_bufs; i++) {
        if (from ? !touches(run, from - 1, i, WN_WRITE) : !run->buf[i].input)
            continue;
        if (!run->in[i].size)
            continue;
        copy(vk, &run->in[i], &run->place[i], run->in[i].size);
        any = true;
    }
    return any;
}

/* Whether memory that buffer b begins to use was used since the last barrier. */
static bool takes_over(const struct run *run, wn_buf b)
{
    for (int i = 0; i < run->n_bufs; i++) {
        const bool busy = run->written[i] == run->epoch || run->read[i] == run->epoch;
        if (i != b && busy && wn_vk_overlap(&run->place[i], &run->place[b]))
            return true;
    }
    return false;
}

/* A barrier where the call reads what was written, or writes what was read or written, since the
 * last one. */
static void guard(struct wn_vulkan *vk, struct run *run, int c)
{
    const struct wn_plan_call *call = &run->call[c];
    bool hazard = false;

    for (int i = 0; i < call->kernel->n_bufs; i++) {
        const wn_buf b = call->buf[i];
        hazard |= run->written[b] == -1 && run->read[b] == -1 && takes_over(run, b);
        hazard |= run->written[b] == run->epoch;
        hazard |= (call->kernel->access[i] & WN_WRITE) && run->read[b] == run->epoch;
    }
    if (hazard) {
        barrier(vk, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
        run->epoch++;
        vk->n_barriers++;
    }
    for (int i = 0; i < call->kernel->n_bufs; i++) {
        if (call->kernel->access[i] & WN_READ)
            run->read[call->buf[i]] = run->epoch;
        if (call->kernel->access[i] & WN_WRITE)
            run->written[call->buf[i]] = run->epoch;
    }
}

static int record_call(struct wn_vulkan *vk, struct run *run, int c)
{
    const struct wn_plan_call *call = &run->call[c];
    const uint32_t groups = call->kernel->groups(call->params);
    const uint32_t x = WN_MIN(groups, FOLD), y = groups / FOLD + (groups % FOLD != 0);
    const struct wn_vk_pipeline *pipeline;
    int err;

    if (!groups)
        return WN_OK;
    if (y > vk->props.limits.maxComputeWorkGroupCount[1])
        return wn_fail(vk->log, WN_ERR_LIMIT, "%s: %s needs %u workgroups", vk->name,
                       call->kernel->name, groups);
    TRY(wn_vk_pipeline(vk, call->kernel, run->half[call->buf[0]], &pipeline));
    guard(vk, run, c);
    vkCmdBindPipeline(vk->commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->pipeline);
    vkCmdBindDescriptorSets(vk->commands, VK_PIPELINE_BIND_POINT_COMPUTE, pipeline->layout, 0, 1,
                            &run->set[c], 0, NULL);
    vkCmdPushConstants(vk->commands, pipeline->layout, VK_SHADER_STAGE_COMPUTE_BIT, 0,
                       (uint32_t)call->kernel->params_size, call->params);
    vkCmdDispatch(vk->commands, x, y, 1);
    return WN_OK;
fail:
    return err;
}

/* Of the plan's outputs (after the last call), or of what call `to` of the host reads. */
static void record_downloads(const struct wn_vulkan *vk, struct run *run, int to)
{
    if (vk->unified) {
        barrier(vk, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT, VK_ACCESS_SHADER_WRITE_BIT,
                VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
        return;
    }
    /* An output that no call touches comes straight from its upload. */
    barrier(vk, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
            VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
            VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_READ_BIT);
    for (int i = 0; i < run->n_bufs; i++) {
        if (to < run->n_calls ? !touches(run, to, i, WN_READ) : !run->buf[i].output)
            continue;
        if (run->out[i].size)
            copy(vk, &run->place[i], &run->out[i], run->out[i].size);
    }
    barrier(vk, VK_PIPELINE_STAGE_TRANSFER_BIT, VK_ACCESS_TRANSFER_WRITE_BIT,
            VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
}

static void stamp(const struct wn_vulkan *vk, int i)
{
    if (vk->queries)
        vkCmdWriteTimestamp(vk->commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, vk->queries,
                            (uint32_t)i);
}

/* What must be there before call `from`. */
static void record_begin(struct wn_vulkan *vk, struct run *run, int from)
{
    if (!from) {
        vk->n_barriers = 0;
        if (vk->queries)
            vkCmdResetQueryPool(vk->commands, vk->queries, 0, (uint32_t)run->n_calls + 1);
    }
    if ((!vk->unified && record_uploads(vk, run, from)) || from)
        barrier(vk, VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT | VK_PIPELINE_STAGE_TRANSFER_BIT,
                VK_ACCESS_SHADER_WRITE_BIT | VK_ACCESS_TRANSFER_WRITE_BIT,
                VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT,
                VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT);
    run->epoch++;
}

/* Calls [from, to), none of them the host's. */
static int record(struct wn_vulkan *vk, struct run *run, int from, int to)
{
    const VkCommandBufferBeginInfo begin = {
        .sType = VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO,
        .flags = VK_COMMAND_BUFFER_USAGE_ONE_TIME_SUBMIT_BIT,
    };
    int err;

    VK(vkResetCommandBuffer(vk->commands, 0)); /* a run that failed may have left it half-written */
    VK(vkBeginCommandBuffer(vk->commands, &begin));
    record_begin(vk, run, from);
    stamp(vk, from);
    for (int c = from; c < to; c++) {
        TRY(record_call(vk, run, c));
        stamp(vk, c + 1);
    }
    record_downloads(vk, run, to);
    VK(vkEndCommandBuffer(vk->commands));
    return WN_OK;
fail:
    return err;
}

/* From here on a failure leaves work in flight, so that the device counts as lost. */
static int submit(struct wn_vulkan *vk)
{
    const bool software = vk->props.deviceType == VK_PHYSICAL_DEVICE_TYPE_CPU;
    const uint64_t timeout = software ? software_timeout : gpu_timeout;
    const VkSubmitInfo info = {
        .sType = VK_STRUCTURE_TYPE_SUBMIT_INFO,
        .commandBufferCount = 1,
        .pCommandBuffers = &vk->commands,
    };
    int err;

    VK(vkResetFences(vk->device, 1, &vk->fence));
    VK(vkQueueSubmit(vk->queue, 1, &info, vk->fence));
    vk->lost = vk->hung = true;
    VK(vkWaitForFences(vk->device, 1, &vk->fence, VK_TRUE, timeout));
    vk->lost = vk->hung = false;
    return WN_OK;
fail:
    return err;
}

/* Submits what lies between the host's calls. */
static int run_calls(struct wn_vulkan *vk, struct run *run)
{
    int err;

    for (int from = 0, to = 0;; from = to + 1) {
        for (to = from; to < run->n_calls && !run->call[to].kernel->host;)
            to++;
        TRY(record(vk, run, from, to));
        TRY(submit(vk));
        if (to == run->n_calls)
            return WN_OK;
        run_on_host(vk, run, to);
    }
fail:
    return err;
}

int wn_vk_run(struct wn_vulkan *vk, const struct wn_plan *plan)
{
    struct run run;
    int err;

    if (vk->lost)
        return wn_fail(vk->log, WN_ERR_DEVICE, "%s: the device was lost", vk->name);
    TRY(run_init(vk, &run, plan));
    TRY(place_buffers(vk, &run));
    TRY(prepare_calls(vk, &run));
    TRY(wn_vk_reserve_queries(vk, (uint32_t)run.n_calls + 1));
    write_inputs(vk, &run);
    TRY(run_calls(vk, &run));
    read_outputs(vk, &run);
    TRY(wn_vk_read_times(vk, run.n_calls));
fail:
    vk->lost |= err == WN_ERR_DEVICE;
    run_finish(&run);
    return err;
}
