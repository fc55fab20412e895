// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// A grid of side x side numbers goes through all frames: the x of a frame's rows but the first ones
// are put, in order, where it is below 1e30; then the lowest cell of each window gets 3e38, and the
// row of its number a flag. One workgroup: an invocation fills a run of cells and looks at windows.
#define THREADS 64
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer Grid { float grid[]; };
layout(binding = 3) coherent writeonly buffer Flag { int flag[]; };
layout(binding = 4) coherent buffer Out { float result[]; };
layout(push_constant) uniform P { int n, n_frames, first, side, window; } p;

int lowest(int y, int x0)
{
    int best = y * p.side + x0;

    for (int v = y; v < min(y + p.window, p.side); v++) {
        for (int u = x0; u < min(x0 + p.window, p.side); u++) {
            if (result[v * p.side + u] < result[best])
                best = v * p.side + u;
        }
    }
    return best;
}

shared int free_cells[THREADS];

// Puts x[from ...], `count` of them, where the grid is below 1e30.
void fill(int cells, int from, int count)
{
    const int lane = int(gl_LocalInvocationID.x), each = (cells + THREADS - 1) / THREADS;
    int own = 0, next = 0;

    for (int c = lane * each; c < min((lane + 1) * each, cells); c++)
        own += int(result[c] < 1e30);
    free_cells[lane] = own;
    barrier();
    for (int l = 0; l < lane; l++)
        next += free_cells[l];
    for (int c = lane * each; c < min((lane + 1) * each, cells) && next < count; c++) {
        if (result[c] < 1e30)
            result[c] = wn_flushed(x[from + next++]);
    }
}

void everyone()
{
    memoryBarrierBuffer();
    barrier();
}

void main()
{
    const int lane = int(gl_LocalInvocationID.x), cells = p.side * p.side;
    const int across = (p.side + p.window - 1) / p.window;

    for (int c = lane; c < cells; c += THREADS)
        result[c] = wn_flushed(grid[c]);
    everyone();
    for (int f = 0; f < p.n_frames; f++) {
        const int from = ptr[f] + p.first, count = max(ptr[f + 1] - from, 0);
        for (int i = ptr[f] + lane; i < ptr[f + 1]; i += THREADS)
            flag[i] = 0;
        fill(cells, from, count);
        everyone();
        for (int w = lane; w < across * across; w += THREADS) {
            const int c = lowest(w / across * p.window, w % across * p.window);
            if (c < count) {
                flag[from + c] = 1;
                result[c] = 3e38;
            }
        }
        everyone();
    }
}
