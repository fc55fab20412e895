// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Of the rows of a segment from rank from[m] on, in that order, those at even places that have the
// largest cosine (of their products s) with one at an odd place go, `step` at a time, until left[m]
// are left; the others of the even places come next, the most alike first, and then the odd ones.
// keep: who is left, and the ranks before. A workgroup a segment.
#define THREADS 256
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer S { float s[]; };
layout(binding = 1) readonly buffer Rank { int rank[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) readonly buffer From { int from[]; };
layout(binding = 4) readonly buffer Left { int left[]; };
layout(binding = 5) coherent buffer Row { int row[]; };
layout(binding = 6) coherent buffer Like { float like[]; }; // and 1 / lengths
layout(binding = 7) coherent buffer Keep { int keep[]; }; // the next list, until the end
layout(push_constant) uniform P { int n, n_segments, width, step, most; } p;

void together()
{
    memoryBarrierBuffer();
    barrier();
}

void main()
{
    const int g = int(wn_group()), l = int(gl_LocalInvocationID.x);
    const int first = g < p.n_segments ? ptr[g] : 0;
    const int m = g < p.n_segments ? ptr[g + 1] - first : 0;
    const int begin = g < p.n_segments ? min(from[m], m) : 0;
    const int end = g < p.n_segments ? left[m] : 0;
    int n = m - begin;

    for (int i = l; i < m; i += THREADS) {
        const float square = s[(first - ptr[0] + i) * p.width + i];
        like[p.n + first + i] = wn_rsqrt(square > 1e-16 ? square : 1e-16);
        if (rank[first + i] >= begin)
            row[first + rank[first + i] - begin] = i;
    }
    together();
    while (n > end) {
        const int even = (n + 1) / 2;
        const int r = min(min(p.step, n - end), even);
        for (int i = l; i < even; i += THREADS) {
            const int own = (first - ptr[0] + row[first + 2 * i]) * p.width;
            const float q = like[p.n + first + row[first + 2 * i]];
            float most = -3e38;
            for (int j = 1; j < n; j += 2) {
                const int other = row[first + j];
                precise const float scale = q * like[p.n + first + other];
                precise const float v = s[own + other] * scale;
                most = v > most ? v : most;
            }
            like[first + i] = most;
        }
        together();
        for (int i = l; i < even; i += THREADS) {
            const float v = like[first + i];
            int before = 0;
            for (int j = 0; j < even; j++) {
                const float u = like[first + j];
                before += int(u > v || (u == v && j < i));
            }
            if (before >= r)
                keep[first + before - r] = row[first + 2 * i];
        }
        for (int j = l; 2 * j + 1 < n; j += THREADS)
            keep[first + even - r + j] = row[first + 2 * j + 1];
        together();
        n -= r;
        for (int i = l; i < n; i += THREADS)
            row[first + i] = keep[first + i];
        together();
    }
    for (int i = l; i < m; i += THREADS)
        keep[first + i] = int(rank[first + i] < begin);
    together();
    for (int i = l; i < n; i += THREADS)
        keep[first + row[first + i]] = 1;
}
