// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = rho[i] * the distance to the nearest row of its segment that is denser, or to the farthest
// of all for the densest one. In segments of at most `few` rows y falls with the place.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer S { float s[]; };
layout(binding = 1) readonly buffer Square { float square[]; };
layout(binding = 2) readonly buffer Rho { float rho[]; };
layout(binding = 3) readonly buffer Far { float far[]; };
layout(binding = 4) readonly buffer Ptr { int ptr[]; };
layout(binding = 5) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n, n_segments, width, skip, few; float scale; } p;
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
    if (m <= p.few) {
        y[i] = float(begin - i);
        return;
    }
    float least = -1.0;
    for (int j = 0; j < m; j++) {
        const float other = rho[begin + j];
        if (other > rho[i] || (other == rho[i] && begin + j < i)) {
            const float d = wn_gap(begin, i, j);
            least = least < 0.0 || d < least ? d : least;
        }
    }
    if (least < 0.0) {
        for (int j = 0; j < m; j++)
            least = far[begin + j] > least ? far[begin + j] : least;
    }
    const float q = wn_rsqrt(least > 1e-24 ? least : 1e-24);
    precise const float root = least * q;
    precise const float v = rho[i] * root;
    y[i] = v;
}
