// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// keep[i] = rank[i] < table[rows in i's segment]; a segment with mode[s] > 0 keeps everything, one
// with mode[s] < 0 nothing.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Rank { int rank[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer Table { int table[]; };
layout(binding = 3) readonly buffer Mode { int mode[]; };
layout(binding = 4) writeonly buffer Keep { int keep[]; };
layout(push_constant) uniform P { int n, n_segments; } p;
#include "segment.glsl"

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_segments])
        return;
    const int s = wn_segment(i, p.n_segments);
    const bool better = rank[i] < table[ptr[s + 1] - ptr[s]];
    keep[i] = int(mode[s] > 0 || (mode[s] == 0 && better));
}
