/* SPDX-License-Identifier: MIT */
#include "vulkan.h"

#include <string.h>

/* Large enough that few blocks do, small enough for the 1 GiB that every device can allocate. */
static const VkDeviceSize max_block = (VkDeviceSize)512 << 20;

static int bits(uint32_t v)
{
    int n = 0;

    for (; v; v &= v - 1)
        n++;
    return n;
}

/* Types with other properties are for purposes of their own (protected, lazily allocated, ...). */
static const VkMemoryPropertyFlags plain =
    VK_MEMORY_PROPERTY_DEVICE_LOCAL_BIT | VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT
    | VK_MEMORY_PROPERTY_HOST_COHERENT_BIT | VK_MEMORY_PROPERTY_HOST_CACHED_BIT;

/* The memory type that has all of `need`, then most of `like` and least of `avoid`; -1: none. */
static int find_type(const struct wn_vulkan *vk, const struct wn_vk_arena *arena, uint32_t allowed)
{
    int best = -1, best_score = 0;

    for (uint32_t i = 0; i < vk->memory.memoryTypeCount; i++) {
        const VkMemoryPropertyFlags flags = vk->memory.memoryTypes[i].propertyFlags;
        const int score = bits(flags & arena->like) - bits(flags & arena->avoid);
        if (!(allowed >> i & 1) || (flags & arena->need) != arena->need || (flags & ~plain))
            continue;
        if (best < 0 || score > best_score) {
            best = (int)i;
            best_score = score;
        }
    }
    return best;
}

static int allocate(struct wn_vulkan *vk, struct wn_vk_arena *arena, struct wn_vk_block *block)
{
    const VkBufferCreateInfo buffer = {
        .sType = VK_STRUCTURE_TYPE_BUFFER_CREATE_INFO,
        .size = block->size,
        .usage = VK_BUFFER_USAGE_STORAGE_BUFFER_BIT | VK_BUFFER_USAGE_TRANSFER_SRC_BIT
               | VK_BUFFER_USAGE_TRANSFER_DST_BIT,
        .sharingMode = VK_SHARING_MODE_EXCLUSIVE,
    };
    VkMemoryAllocateInfo memory = {.sType = VK_STRUCTURE_TYPE_MEMORY_ALLOCATE_INFO};
    VkMemoryRequirements need;
    void *map = NULL;
    int err, type;

    VK(vkCreateBuffer(vk->device, &buffer, NULL, &block->buffer));
    vkGetBufferMemoryRequirements(vk->device, block->buffer, &need);
    type = find_type(vk, arena, need.memoryTypeBits);
    if (type < 0)
        return wn_fail(vk->log, WN_ERR_UNSUPPORTED, "%s: no memory for %s", vk->name, arena->name);
    memory.memoryTypeIndex = (uint32_t)type;
    memory.allocationSize = need.size;
    VK(vkAllocateMemory(vk->device, &memory, NULL, &block->memory));
    VK(vkBindBufferMemory(vk->device, block->buffer, block->memory, 0));
    if (arena->need & VK_MEMORY_PROPERTY_HOST_VISIBLE_BIT) {
        VK(vkMapMemory(vk->device, block->memory, 0, VK_WHOLE_SIZE, 0, &map));
        block->map = map;
    }
    wn_vk_label(vk, VK_OBJECT_TYPE_BUFFER, (uint64_t)block->buffer, arena->name);
    wn_vk_label(vk, VK_OBJECT_TYPE_DEVICE_MEMORY, (uint64_t)block->memory, arena->name);
    return WN_OK;
fail:
    return err;
}

void wn_vk_arena_free(struct wn_vulkan *vk, struct wn_vk_arena *arena)
{
    for (int i = 0; i < arena->n_blocks; i++) {
        vkDestroyBuffer(vk->device, arena->block[i].buffer, NULL);
        vkFreeMemory(vk->device, arena->block[i].memory, NULL);
    }
    memset(arena->block, 0, sizeof(arena->block));
    arena->n_blocks = 0;
}

static VkDeviceSize aligned(const struct wn_vulkan *vk, VkDeviceSize size)
{
    const VkDeviceSize a = WN_MAX(vk->props.limits.minStorageBufferOffsetAlignment, 256);

    return (size + a - 1) / a * a; /* both are powers of two */
}

/* One after another into the blocks there are; false: they do not fit. */
static bool place_all(const struct wn_vulkan *vk, struct wn_vk_arena *arena,
                      struct wn_vk_place *place, int n)
{
    VkDeviceSize used = 0;
    int b = 0;

    for (int i = 0; i < n; i++) {
        const VkDeviceSize size = aligned(vk, place[i].size);
        while (b < arena->n_blocks && used + size > arena->block[b].size) {
            used = 0;
            b++;
        }
        if (b == arena->n_blocks)
            return false;
        place[i].block = &arena->block[b];
        place[i].offset = used;
        used += size;
    }
    return true;
}

int wn_vk_arena_fit(struct wn_vulkan *vk, struct wn_vk_arena *arena, struct wn_vk_place *place,
                    int n)
{
    const VkDeviceSize limit = WN_MIN(max_block, vk->props11.maxMemoryAllocationSize);
    VkDeviceSize used = 0;
    int err;

    if (place_all(vk, arena, place, n))
        return WN_OK;
    /* Nothing in it is needed between runs: make it anew, so that it holds at most one run's needs
     * and a little air. */
    wn_vk_arena_free(vk, arena);
    for (int i = 0; i < n; i++) {
        const VkDeviceSize size = aligned(vk, place[i].size);
        if (size > limit)
            return wn_fail(vk->log, WN_ERR_LIMIT, "%s: %s of %lld bytes, at most %lld can be had",
                           vk->name, arena->name, (long long)size, (long long)limit);
        used += size;
        if (i + 1 < n && used + aligned(vk, place[i + 1].size) <= limit)
            continue;
        if (arena->n_blocks == WN_VK_MAX_BLOCKS)
            return wn_fail(vk->log, WN_ERR_LIMIT, "%s: the plan needs more than %d blocks of %lld "
                           "bytes", vk->name, WN_VK_MAX_BLOCKS, (long long)limit);
        struct wn_vk_block *block = &arena->block[arena->n_blocks++];
        block->size = i + 1 < n ? used : WN_MIN(limit, aligned(vk, used + used / 4 + 1));
        TRY(allocate(vk, arena, block));
        used = 0;
    }
    place_all(vk, arena, place, n);
    return WN_OK;
fail:
    wn_vk_arena_free(vk, arena);
    return err;
}
