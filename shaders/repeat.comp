// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// The rows of each frame, and those of its last part again. A workgroup a frame.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) writeonly buffer Idx { int idx[]; };
layout(binding = 2) writeonly buffer OutPtr { int out_ptr[]; };
layout(push_constant) uniform P { int n_frames, parts; } p;

int last_part(int f)
{
    return ptr[p.parts * (f + 1)] - ptr[p.parts * (f + 1) - 1];
}

void main()
{
    const int f = int(wn_group());
    const int l = int(gl_LocalInvocationID.x);

    if (f >= p.n_frames)
        return;
    const int begin = ptr[p.parts * f];
    const int rows = ptr[p.parts * (f + 1)] - begin;
    const int again = last_part(f);
    int at = begin;
    for (int g = 0; g < f; g++)
        at += last_part(g);
    for (int i = l; i < rows + again; i += 64)
        idx[at + i] = i < rows ? begin + i : begin + i - again;
    if (l != 0)
        return;
    for (int k = 0; k < p.parts; k++)
        out_ptr[(p.parts + 1) * f + k] = ptr[p.parts * f + k] - begin + at;
    out_ptr[(p.parts + 1) * f + p.parts] = at + rows;
    if (f == p.n_frames - 1)
        out_ptr[(p.parts + 1) * p.n_frames] = at + rows + again;
}
