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

bool wn_vk_overlap(const struct wn_vk_place *a, const struct wn_vk_place *b)
{
    return a->block == b->block && a->offset < b->offset + b->size
        && b->offset < a->offset + a->size;
}

static bool meet(const struct wn_vk_place *a, const struct wn_vk_place *b)
{
    return a->first <= b->last && b->first <= a->last;
}

/* The lowest offset in the block where place i meets none of those before it. */
static VkDeviceSize lowest(const struct wn_vulkan *vk, struct wn_vk_place *place, int i,
                           struct wn_vk_block *block)
{
    place[i].block = block;
    place[i].offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int j = 0; j < i; j++) {
            if (!meet(&place[i], &place[j]) || !wn_vk_overlap(&place[i], &place[j]))
                continue;
            place[i].offset = place[j].offset + aligned(vk, place[j].size);
            moved = true;
        }
    }
    return place[i].offset;
}

/* Into the blocks there are; false: they do not fit. */
static bool place_all(const struct wn_vulkan *vk, struct wn_vk_arena *arena,
                      struct wn_vk_place *place, int n)
{
    for (int i = 0; i < n; i++) {
        int b = 0;
        while (b < arena->n_blocks && lowest(vk, place, i, &arena->block[b]) + place[i].size
                                          > arena->block[b].size)
            b++;
        if (b == arena->n_blocks)
            return false;
    }
    return true;
}

/* Blocks as small as the places can be laid out in, and a little air. */
static int plan_blocks(struct wn_vulkan *vk, struct wn_vk_arena *arena, struct wn_vk_place *place,
                       int n)
{
    const VkDeviceSize limit = WN_MIN(max_block, vk->props11.maxMemoryAllocationSize);
    VkDeviceSize used[WN_VK_MAX_BLOCKS] = {0};

    arena->n_blocks = WN_VK_MAX_BLOCKS;
    for (int b = 0; b < arena->n_blocks; b++)
        arena->block[b].size = limit;
    if (!place_all(vk, arena, place, n)) {
        arena->n_blocks = 0;
        return wn_fail(vk->log, WN_ERR_LIMIT, "%s: the plan needs more than %d times %lld bytes",
                       vk->name, WN_VK_MAX_BLOCKS, (long long)limit);
    }
    for (int i = 0; i < n; i++) {
        VkDeviceSize *end = &used[place[i].block - arena->block];
        *end = WN_MAX(*end, place[i].offset + aligned(vk, place[i].size));
    }
    arena->n_blocks = 1;
    while (arena->n_blocks < WN_VK_MAX_BLOCKS && used[arena->n_blocks])
        arena->n_blocks++;
    for (int b = 0; b < arena->n_blocks; b++)
        arena->block[b].size = WN_MIN(limit, aligned(vk, used[b] + used[b] / 4 + 1));
    return WN_OK;
}

int wn_vk_arena_fit(struct wn_vulkan *vk, struct wn_vk_arena *arena, struct wn_vk_place *place,
                    int n)
{
    int err;

    if (place_all(vk, arena, place, n))
        return WN_OK;
    /* Nothing in it is needed between runs: make it anew, so that it holds at most one run's needs
     * and a little air. */
    wn_vk_arena_free(vk, arena);
    TRY(plan_blocks(vk, arena, place, n));
    for (int b = 0; b < arena->n_blocks; b++)
        TRY(allocate(vk, arena, &arena->block[b]));
    return WN_OK;
fail:
    wn_vk_arena_free(vk, arena);
    return err;
}
