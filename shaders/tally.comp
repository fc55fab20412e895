// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = the sum in lanes of x[i][j], first <= j < m, m: rows of i's frame; a workgroup a row.
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n, n_frames, width, first, skip; } p;
#define WN_SUM float
#include "lanes.glsl"
#include "segment.glsl"
#include "strip.glsl"

void main()
{
    const int r = int(wn_group()), i = wn_strip_row(r, p.n_frames);
    const int lane = int(gl_LocalInvocationID.x);
    precise float sum = 0.0;

    if (i == WN_NONE)
        return;
    const int f = wn_segment(i, p.n_frames);
    for (int j = p.first + lane; j < ptr[f + 1] - ptr[f]; j += WN_LANES) {
        precise const float s = sum + x[r * p.width + j];
        sum = s;
    }
    const float total = wn_tree(sum);
    if (lane == 0)
        y[i] = total;
}
