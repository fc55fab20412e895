// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// From w_ptr[r] on, where base[r] is flagged: base[r] with weight 1, then the rows of its frame
// most like it, best first, with weights a; else the rows there that are not, with weights a. A
// workgroup a row.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer S { float s[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer Flag { int flag[]; };
layout(binding = 3) readonly buffer A { int a[]; }; // copied as bits
layout(binding = 4) readonly buffer Base { int base[]; };
layout(binding = 5) readonly buffer WPtr { int w_ptr[]; };
layout(binding = 6) writeonly buffer WIdx { int w_idx[]; };
layout(binding = 7) writeonly buffer W { int w[]; };
layout(push_constant) uniform P { int n_out, n_frames, width, skip; } p;
#include "segment.glsl"

// How many of the m rows but `own` come before row j; may stop at `enough`.
int before(int row, int m, int own, int j, int enough)
{
    const float v = wn_flushed(s[row + j]);
    int n = 0;

    for (int i = 0; i < m && n < enough; i++) {
        const float u = wn_flushed(s[row + i]);
        n += int(i != own && (u > v || (u == v && i < j)));
    }
    return n;
}

void main()
{
    const int strip = int(wn_group()), lane = int(gl_LocalInvocationID.x);
    const int r = p.skip + strip;

    if (strip >= p.n_out)
        return;
    const int at = w_ptr[r];
    const int entries = w_ptr[r + 1] - at;
    if (entries == 0)
        return;
    const int own = base[r];
    const int f = wn_segment(own, p.n_frames);
    const int begin = ptr[f];
    const int m = ptr[f + 1] - begin;
    const bool around = flag[own] != 0;
    if (around && lane == 0) {
        w_idx[at] = own;
        w[at] = floatBitsToInt(1.0);
    }
    for (int j = lane; j < m; j += 64) {
        int place = 0;
        if (around && begin + j != own) {
            place = 1 + before(strip * p.width, m, own - begin, j, entries - 1);
        } else if (!around && flag[begin + j] == 0) {
            for (int i = 0; i < j; i++)
                place += int(flag[begin + i] == 0);
        } else {
            continue;
        }
        if (place < entries) {
            w_idx[at + place] = begin + j;
            w[at + place] = a[begin + j];
        }
    }
}
