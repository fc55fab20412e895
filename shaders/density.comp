// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// rho[i] = exp(-mean of the k smallest gaps of i), far[i] = the largest gap; gaps are scaled
// squared distances to the rows of i's segment, itself among them, out of a strip of their dot
// products s.
#define MOST 64
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer S { float s[]; };
layout(binding = 1) readonly buffer Square { float square[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) writeonly buffer Rho { float rho[]; };
layout(binding = 4) writeonly buffer Far { float far[]; };
layout(binding = 5) readonly buffer Table { int table[]; };
layout(push_constant) uniform P { int n, n_segments, width, skip, k, capped; float scale; } p;
#include "segment.glsl"
#include "gap.glsl"
#include "strip.glsl"

void main()
{
    const int i = wn_strip_row(wn_item(), p.n_segments);
    float near[MOST];
    float most = 0.0;
    int n = 0;

    if (i == WN_NONE)
        return;
    const int f = wn_segment(i, p.n_segments);
    const int begin = ptr[f];
    const int m = ptr[f + 1] - begin;
    const int k = min(p.capped != 0 ? max(min(p.k, table[m]), 1) : p.k, m);
    for (int j = 0; j < m; j++) {
        const float d = wn_gap(begin, i, j);
        most = d > most ? d : most;
        if (n == k && !(d < near[k - 1]))
            continue;
        int at = n < k ? n++ : k - 1;
        for (; at > 0 && d < near[at - 1]; at--)
            near[at] = near[at - 1];
        near[at] = d;
    }
    precise float sum = 0.0;
    for (int a = 0; a < n; a++) {
        precise const float more = sum + near[a];
        sum = more;
    }
    const float q = wn_rsqrt(float(k));
    precise const float share = q * q;
    precise const float mean = sum * share;
    rho[i] = wn_exp(-mean);
    far[i] = most;
}
