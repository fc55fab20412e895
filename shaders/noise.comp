// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// key[i] = the upper 24 bits of hash(seed, id[f], cell[i]) as float; f is i's frame.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) readonly buffer Id { int id[]; };
layout(binding = 2) readonly buffer Cell { int cell[]; };
layout(binding = 3) writeonly buffer Key { float key[]; };
layout(push_constant) uniform P { int n, n_segments; uint seed; } p;
#include "segment.glsl"

uint mix_in(uint h, uint v)
{
    h = (h ^ v) * 0x9e3779b1u;
    return h ^ (h >> 15);
}

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_segments])
        return;
    uint h = mix_in(p.seed, uint(id[wn_segment(i, p.n_segments)]));
    h = mix_in(h, uint(cell[i])) * 0x85ebca6bu;
    h ^= h >> 13;
    key[i] = float(h >> 8);
}
