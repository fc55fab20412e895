// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Of the m rows of a segment with among[i] != 0 the one at place j stays when, stepped 0,
// (j * k) mod m + k >= m, where k = table[m]; stepped 1, j % step == 0 and j / step < k, where
// step = max(1, m / k). The others do not.
#define THREADS 64
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer Ptr { int ptr[]; };
layout(binding = 1) readonly buffer Table { int table[]; };
layout(binding = 2) readonly buffer Among { int among[]; };
layout(binding = 3) writeonly buffer Keep { int keep[]; };
layout(push_constant) uniform P { int n, n_segments, stepped; } p;
#include "segment.glsl"
#include "prefix.glsl"

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

bool stays(int j, int k, int m)
{
    if (k <= 0)
        return false;
    if (p.stepped != 0) {
        const int step = max(1, m / k);
        return j % step == 0 && j / step < k;
    }
    return k >= m || mul_mod(uint(j), uint(k), uint(m)) + uint(k) >= uint(m);
}

void main()
{
    const int lane = int(gl_LocalInvocationID.x);
    const int first = int(wn_group()) * THREADS, own = first + lane;
    const int end = min(first + THREADS, ptr[p.n_segments]);

    // The workgroup's rows, segment by segment: all invocations count the segment's rows together.
    for (int i = first; i < end;) {
        const int s = wn_segment(i, p.n_segments);
        const int next = min(ptr[s + 1], end);
        const bool mine = own >= i && own < next;
        int all = 0, before = 0, m = 0, j = 0, here = 0;
        for (int k = ptr[s] + lane; k < ptr[s + 1]; k += THREADS) {
            const int one = int(among[k] != 0);
            all += one;
            before += k < i ? one : 0;
        }
        wn_prefix(all, m);
        wn_prefix(before, j);
        const int flag = int(mine && among[own] != 0);
        j += wn_prefix(flag, here);
        if (mine)
            keep[own] = int(flag != 0 && stays(j, table[m], m));
        i = next;
    }
}
