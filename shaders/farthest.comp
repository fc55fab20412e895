// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// rank[i] = the step at which row i of its segment is taken, m for the others: the first has the
// smallest max over j != i of s[i][j], the next the smallest max over taken rows t of s[t][i].
#define THREADS 128
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer S { float s[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer Table { int table[]; };
layout(binding = 3) buffer Near { float near[]; };
layout(binding = 4) buffer Rank { int rank[]; };
layout(push_constant) uniform P { int n, n_segments, width; } p;
#include "best.glsl"

#define TAKEN 3e38

// Each invocation alone reads and writes near and rank of its rows.
void main()
{
    const int f = int(wn_group());
    const int l = int(gl_LocalInvocationID.x);
    const int begin = f < p.n_segments ? ptr[f] : 0;
    const int m = f < p.n_segments ? ptr[f + 1] - begin : 0;
    const int steps = f < p.n_segments ? min(table[m], m) : 0;

    for (int i = l; i < m; i += THREADS) {
        float high = -TAKEN;
        for (int j = 0; j < m; j++) {
            const float v = s[(begin + i) * p.width + j];
            high = j != i && v > high ? v : high;
        }
        near[begin + i] = high;
        rank[begin + i] = m;
    }
    for (int t = 0; t < steps; t++) {
        float value = 0.0;
        int row = -1;
        for (int i = l; i < m; i += THREADS) {
            const float v = -near[begin + i];
            if (row < 0 || v > value) {
                value = v;
                row = i;
            }
        }
        const int taken = wn_best(value, row);
        for (int i = l; i < m; i += THREADS) {
            const float like = s[(begin + taken) * p.width + i];
            const float before = near[begin + i];
            if (i == taken) {
                near[begin + i] = TAKEN;
                rank[begin + i] = t;
            } else if (before != TAKEN) {
                near[begin + i] = t == 0 || like > before ? like : before;
            }
        }
    }
}
