// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common.glsl"
// rank[i] = the step at which row i of its segment is taken, m for the others: the first has the
// smallest max over j != i of s[i][j], the next the smallest max over taken rows t of s[t][i].
// dim > 0: s has rows, and their dots stand for s[i][j].
#define THREADS 128
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer S { float s[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer Table { int table[]; };
layout(binding = 3) buffer Near { float near[]; };
layout(binding = 5) buffer Rank { int rank[]; };
layout(push_constant) uniform P { int n, n_segments, width, dim; } p;
#include "best.glsl"
#include "products.glsl"

#define TAKEN 3e38

int begin, m;

void first_near_of_rows()
{
    const int l = int(gl_LocalInvocationID.x);

    for (int i = l; i < m; i += THREADS)
        near[begin + i] = -TAKEN;
    for (int i = 0; i < m; i++) {
        for (int j0 = 0; j0 < m; j0 += WN_PRODUCTS) {
            const int j = j0 + l % WN_PRODUCTS;
            wn_products(begin + i, begin + j0, begin + m);
            if (j % THREADS == l && j < m && j != i) {
                const float v = wn_product[l % WN_PRODUCTS];
                near[begin + j] = v > near[begin + j] ? v : near[begin + j];
            }
        }
    }
}

void first_near_of_matrix()
{
    for (int i = int(gl_LocalInvocationID.x); i < m; i += THREADS) {
        float high = -TAKEN;
        for (int j = 0; j < m; j++) {
            const float v = s[(begin + i) * p.width + j];
            high = j != i && v > high ? v : high;
        }
        near[begin + i] = high;
    }
}

void learn(int i, int taken, int t, float like)
{
    const float before = near[begin + i];

    if (i == taken) {
        near[begin + i] = TAKEN;
        rank[begin + i] = t;
    } else if (before != TAKEN) {
        near[begin + i] = t == 0 || like > before ? like : before;
    }
}

// Each invocation alone reads and writes near and rank of its rows.
void main()
{
    const int f = int(wn_group());
    const int l = int(gl_LocalInvocationID.x);
    const bool here = f < p.n_segments;

    begin = here ? ptr[f] : 0;
    m = here ? ptr[f + 1] - begin : 0;
    const int steps = here ? min(table[m], m) : 0;
    for (int i = l; i < m; i += THREADS)
        rank[begin + i] = m;
    if (steps > 0 && p.dim > 0)
        first_near_of_rows();
    else if (steps > 0)
        first_near_of_matrix();
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
        if (p.dim == 0) {
            for (int i = l; i < m; i += THREADS)
                learn(i, taken, t, s[(begin + taken) * p.width + i]);
            continue;
        }
        for (int j0 = 0; j0 < m; j0 += WN_PRODUCTS) {
            const int i = j0 + l % WN_PRODUCTS;
            wn_products(begin + taken, begin + j0, begin + m);
            if (i % THREADS == l && i < m)
                learn(i, taken, t, wn_product[l % WN_PRODUCTS]);
        }
    }
}
