// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// to[i] = the first row of i's run of `size` rows of its frame, WN_NONE in a last run that is
// shorter; ends != 0: whether i is the last of such a run.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) writeonly buffer To { int to[]; };
layout(push_constant) uniform P { int n, n_frames, size, ends; } p;
#include "segment.glsl"

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_frames])
        return;
    const int f = wn_segment(i, p.n_frames);
    const int first = i - (i - ptr[f]) % p.size;
    const bool whole = first + p.size <= ptr[f + 1];
    to[i] = p.ends != 0 ? int(whole && i == first + p.size - 1) : whole ? first : WN_NONE;
}
