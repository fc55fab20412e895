// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// rank[i] = how many rows of i's segment stand before i, best first; ties: lower index first.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Key { float key[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Rank { int rank[]; };
layout(push_constant) uniform P { int n, n_segments, descending; } p;
#include "segment.glsl"

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_segments])
        return;
    const int s = wn_segment(i, p.n_segments);
    const int end = ptr[s + 1];
    const float own = wn_flushed(key[i]);
    int before = 0;
    for (int j = ptr[s]; j < end; j++) {
        const float k = wn_flushed(key[j]);
        const bool better = p.descending != 0 ? k > own : k < own;
        before += int(better || (k == own && j < i));
    }
    rank[i] = before;
}
