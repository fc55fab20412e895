// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// keep[i] = x[i] > q3 + factor * (q3 - q1), the quartiles of i's segment, between the ranks beside
// them. A workgroup a segment.
#define THREADS 64
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Rank { int rank[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) writeonly buffer Keep { int keep[]; };
layout(push_constant) uniform P { int n, n_segments; float factor; } p;

shared float beside[4]; // below and above the first quartile, the third

float quartile(int m, int quarters, float a, float b)
{
    const float t = float((m - 1) * quarters % 4) * 0.25;
    precise const float d = b - a;
    precise const float left = 1.0 - t;
    precise const float down = d * left;
    precise const float up = d * t;
    precise const float y = t >= 0.5 ? b - down : a + up;
    return y;
}

void main()
{
    const int s = int(wn_group()), l = int(gl_LocalInvocationID.x);
    const int first = s < p.n_segments ? ptr[s] : 0;
    const int m = s < p.n_segments ? ptr[s + 1] - first : 0;

    if (l < 4)
        beside[l] = 0.0;
    barrier();
    for (int i = l; i < m; i += THREADS) {
        const float v = wn_flushed(x[first + i]);
        for (int k = 0; k < 2; k++) {
            const int low = m - 1 - (m - 1) * (2 * k + 1) / 4;
            if (rank[first + i] == low)
                beside[2 * k] = v;
            if (rank[first + i] == max(low - 1, 0))
                beside[2 * k + 1] = v;
        }
    }
    barrier();
    const float q1 = quartile(m, 1, beside[0], beside[1]);
    const float q3 = quartile(m, 3, beside[2], beside[3]);
    precise const float range = q3 - q1;
    precise const float more = p.factor * range;
    precise const float limit = q3 + more;
    for (int i = l; i < m; i += THREADS)
        keep[first + i] = int(wn_flushed(x[first + i]) > limit);
}
