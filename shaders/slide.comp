// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = scale * the sum of the x[j] of i's segment with i - before <= j <= i + after; max 1:
// scale * the largest.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n, n_segments, before, after, max_; float scale; } p;
#include "segment.glsl"

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_segments])
        return;
    const int s = wn_segment(i, p.n_segments);
    const int first = max(ptr[s], i - p.before), end = min(ptr[s + 1], i + p.after + 1);
    precise float v = p.max_ != 0 ? x[first] : 0.0;
    for (int j = first; j < end; j++) {
        precise const float sum = v + x[j];
        const float larger = wn_flushed(x[j]) > wn_flushed(v) ? x[j] : v;
        v = p.max_ != 0 ? larger : sum;
    }
    precise const float r = p.scale * v;
    y[i] = r;
}
