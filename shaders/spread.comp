// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// keep[i] = floor((j + 1) * k / m) > floor(j * k / m): place j of the m rows of its segment, k =
// table[m].
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) readonly buffer Table { int table[]; };
layout(binding = 2) writeonly buffer Keep { int keep[]; };
layout(push_constant) uniform P { int n, n_segments; } p;
#include "segment.glsl"

// j * k mod m without 64-bit integers: j, k < m < 2^31.
uint mul_mod(uint j, uint k, uint m)
{
    uint r = 0;

    for (int bit = 30; bit >= 0; bit--) {
        r *= 2u;
        r -= r >= m ? m : 0u;
        if ((k >> bit & 1u) != 0u) {
            r += j;
            r -= r >= m ? m : 0u;
        }
    }
    return r;
}

void main()
{
    const int i = wn_item();

    if (i >= ptr[p.n_segments])
        return;
    const int s = wn_segment(i, p.n_segments);
    const int m = ptr[s + 1] - ptr[s];
    const int k = table[m];
    // The floors differ when j * k mod m reaches m within k steps.
    if (k <= 0 || k >= m)
        keep[i] = int(k > 0);
    else
        keep[i] = int(mul_mod(uint(i - ptr[s]), uint(k), uint(m)) + uint(k) >= uint(m));
}
