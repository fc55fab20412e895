// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// to[i] = i where keep[i] != 0, else the kept row of i's segment at the least distance, first of
// equals.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer S { float s[]; };
layout(binding = 1) readonly buffer Square { float square[]; };
layout(binding = 2) readonly buffer Keep { int keep[]; };
layout(binding = 3) readonly buffer Ptr { int ptr[]; };
layout(binding = 4) writeonly buffer To { int to[]; };
layout(push_constant) uniform P { int n, n_segments, width, skip; float scale; } p;
#include "segment.glsl"
#include "gap.glsl"
#include "strip.glsl"

void main()
{
    const int i = wn_strip_row(wn_item(), p.n_segments);

    if (i == WN_NONE)
        return;
    const int f = wn_segment(i, p.n_segments);
    const int begin = ptr[f];
    const int m = ptr[f + 1] - begin;
    int best = WN_NONE;
    float least = 0.0;
    for (int j = 0; j < m; j++) {
        if (keep[begin + j] == 0)
            continue;
        const float d = wn_gap(begin, i, j);
        if (best == WN_NONE || d < least) {
            best = begin + j;
            least = d;
        }
    }
    to[i] = keep[i] != 0 ? i : best;
}
