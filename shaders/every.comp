// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = 1 for rows i of a segment that are not flagged, at every step-th place but not the last
// one; step = max(1, m / c / part), c of its m rows flagged, none: no row. A workgroup a segment.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Flag { int flag[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Y { int y[]; };
layout(push_constant) uniform P { int n, n_segments, part; } p;

shared int count;

void main()
{
    const int s = int(wn_group()), l = int(gl_LocalInvocationID.x);
    const int first = s < p.n_segments ? ptr[s] : 0;
    const int m = s < p.n_segments ? ptr[s + 1] - first : 0;

    if (l == 0)
        count = 0;
    barrier();
    for (int i = l; i < m; i += 64) {
        if (flag[first + i] != 0)
            atomicAdd(count, 1);
    }
    barrier();
    const int step = max(count > 0 ? m / count / p.part : 0, 1);
    for (int i = l; i < m; i += 64)
        y[first + i] = int(count > 0 && flag[first + i] == 0 && i < m - 1 && i % step == 0);
}
