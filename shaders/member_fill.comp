// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// From w_ptr[r] on: base[r] with weight share[c][0], then the members of r (as in member_count) in
// ascending order with weight share[c][1]; c: how many members r has.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) readonly buffer To { int to[]; };
layout(binding = 2) readonly buffer OutPtr { int out_ptr[]; };
layout(binding = 3) readonly buffer Base { int base[]; };
layout(binding = 4) readonly buffer WPtr { int w_ptr[]; };
layout(binding = 5) readonly buffer Share { float share[]; };
layout(binding = 6) writeonly buffer WIdx { int w_idx[]; };
layout(binding = 7) writeonly buffer W { float w[]; };
layout(push_constant) uniform P { int n_out, n_frames; } p;
#define ptr out_ptr // r is a row of the output
#include "segment.glsl"
#undef ptr

void main()
{
    const int r = wn_item();

    if (r >= out_ptr[p.n_frames])
        return;
    const int f = wn_segment(r, p.n_frames);
    const int own = base[r];
    const int members = w_ptr[r + 1] - w_ptr[r] - 1;
    int at = w_ptr[r];
    w_idx[at] = own;
    w[at++] = share[2 * members];
    for (int i = ptr[f]; i < ptr[f + 1]; i++) {
        if (to[i] == own && i != own) {
            w_idx[at] = i;
            w[at++] = share[2 * members + 1];
        }
    }
}
