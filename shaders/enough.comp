// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// keep[i] = rank[i] < the fewest first values of i's segment that reach share * their total; value
// is in order of rank. A workgroup a segment, an invocation a piece of the sum.
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer Value { float value[]; };
layout(binding = 1) readonly buffer Rank { int rank[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) writeonly buffer Keep { int keep[]; };
layout(push_constant) uniform P { int n, n_segments; float share; } p;

shared float piece[WN_LANES];
shared int most;

int reached(int first, int m, int size)
{
    precise float total = 0.0;
    precise float sum = 0.0;
    int l = 0;

    for (int t = 0; t < WN_LANES; t++) {
        precise const float s = total + piece[t];
        total = s;
    }
    precise const float want = p.share * total;
    while (l < WN_LANES) {
        precise const float s = sum + piece[l];
        if (!(s < want))
            break;
        sum = s;
        l++;
    }
    const int end = min((l + 1) * size, m);
    for (int i = l * size; i < end; i++) {
        precise const float s = sum + value[first + i];
        sum = s;
        if (sum >= want)
            return i + 1;
    }
    return end;
}

void main()
{
    const int s = int(wn_group()), lane = int(gl_LocalInvocationID.x);

    if (s >= p.n_segments)
        return;
    const int first = ptr[s], m = ptr[s + 1] - first;
    const int size = (m + WN_LANES - 1) / WN_LANES;
    precise float sum = 0.0;
    for (int i = lane * size; i < min((lane + 1) * size, m); i++) {
        precise const float t = sum + value[first + i];
        sum = t;
    }
    piece[lane] = sum;
    barrier();
    if (lane == 0)
        most = reached(first, m, size);
    barrier();
    for (int i = lane; i < m; i += WN_LANES)
        keep[first + i] = int(rank[first + i] < most);
}
