// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// count[r] = 1 + min(k, m - 1) where row base[r] is flagged, of m in its frame; else the rows there
// that are not.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) readonly buffer Flag { int flag[]; };
layout(binding = 2) readonly buffer OutPtr { int out_ptr[]; };
layout(binding = 3) readonly buffer Base { int base[]; };
layout(binding = 4) writeonly buffer Count { int count[]; };
layout(push_constant) uniform P { int n_out, n_frames, k; } p;
#define ptr out_ptr // r is a row of the output
#include "segment.glsl"
#undef ptr

void main()
{
    const int r = wn_item();

    if (r >= out_ptr[p.n_frames])
        return;
    const int f = wn_segment(r, p.n_frames);
    int rest = 0;
    if (flag[base[r]] != 0) {
        count[r] = 1 + min(p.k, ptr[f + 1] - ptr[f] - 1);
        return;
    }
    for (int i = ptr[f]; i < ptr[f + 1]; i++)
        rest += int(flag[i] == 0);
    count[r] = rest;
}
