// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// At w_ptr[r]: base[r] with base_weight (unless WN_NONE), then the members of r in ascending order,
// each with share[members of r]. base_first: base [n_out], then first [n_frames].
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) readonly buffer To { int to[]; };
layout(binding = 2) readonly buffer OutPtr { int out_ptr[]; };
layout(binding = 3) readonly buffer BaseFirst { int base_first[]; }; // base, first
layout(binding = 4) readonly buffer WPtr { int w_ptr[]; };
layout(binding = 5) readonly buffer Share { float share[]; };
layout(binding = 6) writeonly buffer WIdx { int w_idx[]; };
layout(binding = 7) writeonly buffer W { float w[]; };
layout(push_constant) uniform P { int n_out, n_frames; float base_weight; } p;
#define ptr out_ptr // rows of the output
#include "segment.glsl"
#undef ptr

void main()
{
    const int r = wn_item();

    if (r >= out_ptr[p.n_frames])
        return;
    const int f = wn_segment(r, p.n_frames);
    const int place = r - out_ptr[f] - base_first[p.n_out + f];
    const int end = place < 0 ? 0 : ptr[f + 1]; // WN_NONE is no place
    const int base = base_first[r];
    int at = w_ptr[r];
    int members = w_ptr[r + 1] - at;
    if (base != WN_NONE) {
        w_idx[at] = base;
        w[at++] = p.base_weight;
        members--;
    }
    const float weight = share[members];
    for (int i = ptr[f]; i < end; i++) {
        if (to[i] == place) {
            w_idx[at] = i;
            w[at++] = weight;
        }
    }
}
