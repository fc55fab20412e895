// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// flag[i] = 1 for the row with the lowest x (first of equals) of those of its frame with its label,
// if that is not below 0; else 0.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Label { int label[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) writeonly buffer Flag { int flag[]; };
layout(push_constant) uniform P { int n, n_frames; } p;
#include "segment.glsl"

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_frames])
        return;
    const int f = wn_segment(i, p.n_frames), own = label[i];
    const float value = wn_flushed(x[i]);
    bool lowest = own >= 0;
    for (int j = ptr[f]; lowest && j < ptr[f + 1]; j++) {
        const float other = wn_flushed(x[j]);
        lowest = label[j] != own || other > value || (other == value && j >= i);
    }
    flag[i] = int(lowest);
}
