// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// flag[i] = 1 where i is its own mate in a window's first frame and its place hardly changes; see
// kernels.h.
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Next { int next[]; };
layout(binding = 2) readonly buffer Mate { int mate[]; };
layout(binding = 3) readonly buffer Start { int start[]; };
layout(binding = 4) readonly buffer Ptr { int ptr[]; };
layout(binding = 5) writeonly buffer Flag { int flag[]; };
layout(push_constant) uniform P { int n, n_frames, dim; float tau; } p;
#include "segment.glsl"
#define WN_SUM float
#include "lanes.glsl"

void main()
{
    const int i = int(wn_group());
    const int lane = int(gl_LocalInvocationID.x);
    precise float sum = 0.0;

    if (i >= ptr[p.n_frames])
        return;
    const int f = wn_segment(i, p.n_frames);
    int end = f;
    while (end < p.n_frames && start[end] == f)
        end++;
    const int frames = end - f;
    int row = i;
    for (int t = 1; t < frames && row != WN_NONE; t++)
        row = next[row];
    const bool whole = mate[i] == i && row != WN_NONE && frames > 1;
    for (int c = lane; whole && c < p.dim; c += WN_LANES) {
        precise float at = x[i * p.dim + c];
        row = i;
        for (int t = 1; t < frames; t++) {
            row = next[row];
            precise const float more = at + x[row * p.dim + c];
            at = more;
        }
        precise const float square = at * at;
        precise const float more = sum + square;
        sum = more;
    }
    const float all = wn_tree(sum);
    const float w = float(frames);
    precise const float others = all - w;
    precise const float pairs = w * (w - 1.0);
    precise const float least = p.tau * pairs;
    if (lane == 0)
        flag[i] = int(whole && others > least);
}
