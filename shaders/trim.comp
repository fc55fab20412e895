// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// keep[i]: rows that stay when the tails of all segments go until `most` rows are left.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) writeonly buffer Keep { int keep[]; };
layout(push_constant) uniform P { int n, n_segments, most; } p;
#include "segment.glsl"

void main()
{
    const int i = wn_item();
    const int total = ptr[p.n_segments];

    if (i >= total)
        return;
    const int s = wn_segment(i, p.n_segments);
    const int tail = total > p.most ? (total - p.most + p.n_segments - 1) / p.n_segments : 0;
    int at = i - ptr[s];
    for (int u = 0; u < s; u++)
        at += max(0, ptr[u + 1] - ptr[u] - tail);
    keep[i] = int(i < ptr[s + 1] - tail && at < p.most);
}
