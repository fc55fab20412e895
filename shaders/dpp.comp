// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common.glsl"
// Greedy search for the rows with the largest determinant of K[i][j] = (r[i] * r[j]) * s[i][j]:
// step t takes the row p with the largest d of those not taken, then c[t][i] = (K[p][i] - sum over
// u < t of c[u][p] * c[u][i]) * rsqrt(d[p]), d[i] -= c[t][i]^2. rank[i] = the step, m for the
// others. dim > 0: s has rows, and their dots stand for s[i][j].
#define THREADS 128
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer S { float s[]; };
layout(binding = 1) readonly buffer R { float r[]; };
layout(binding = 2) readonly buffer Ptr { int ptr[]; };
layout(binding = 3) readonly buffer Table { int table[]; };
layout(binding = 4) coherent buffer C { float c[]; };
layout(binding = 5) coherent buffer D { float d[]; };
layout(binding = 7) buffer Rank { int rank[]; };
layout(push_constant) uniform P { int n, n_segments, width, most, dim; } p;
#include "best.glsl"
#include "products.glsl"

int begin, m;

int largest()
{
    float value = 0.0;
    int row = -1;

    for (int i = int(gl_LocalInvocationID.x); i < m; i += THREADS) {
        const float v = d[begin + i];
        if (rank[begin + i] == m && (row < 0 || v > value)) {
            value = v;
            row = i;
        }
    }
    return wn_best(value, row);
}

void start(int i, float own)
{
    precise const float rr = r[begin + i] * r[begin + i];
    precise const float k = rr * own;

    d[begin + i] = k;
    rank[begin + i] = m;
}

void learn(int i, int taken, int t, float q, float like)
{
    const int first = begin * (p.most - 1); // so that place begin is most * begin

    if (i == taken)
        rank[i] = t;
    if (rank[i] != m)
        return;
    precise float sum = 0.0;
    for (int u = 0; u < t; u++) {
        precise const float product = c[first + u * m + taken] * c[first + u * m + i];
        precise const float more = sum + product;
        sum = more;
    }
    precise const float rr = r[taken] * r[i];
    precise const float k = rr * like;
    precise const float rest = k - sum;
    precise const float e = rest * q;
    precise const float square = e * e;
    precise const float left = d[i] - square;
    c[first + t * m + i] = e;
    d[i] = left;
}

// What others wrote is read of row `taken` alone: its d and c, after a barrier.
void main()
{
    const int f = int(wn_group());
    const int l = int(gl_LocalInvocationID.x);

    begin = f < p.n_segments ? ptr[f] : 0;
    m = f < p.n_segments ? ptr[f + 1] - begin : 0;
    const int steps = f < p.n_segments ? min(min(table[m], m), p.most) : 0;
    if (p.dim == 0) {
        for (int i = l; i < m; i += THREADS)
            start(i, s[(begin + i) * p.width + i]);
    } else {
        for (int i = 0; i < m; i++) {
            wn_products(begin + i, begin + i, begin + i + 1);
            if (i % THREADS == l)
                start(i, wn_product[0]);
        }
    }
    for (int t = 0; t < steps; t++) {
        memoryBarrierBuffer();
        barrier();
        const int taken = begin + largest();
        const float q = d[taken] < 1e-10 ? 0.0 : wn_rsqrt(d[taken]);
        if (p.dim == 0) {
            for (int i = l; i < m; i += THREADS)
                learn(begin + i, taken, t, q, s[taken * p.width + i]);
            continue;
        }
        for (int j0 = 0; j0 < m; j0 += WN_PRODUCTS) {
            const int i = j0 + l % WN_PRODUCTS;
            wn_products(taken, begin + j0, begin + m);
            if (i % THREADS == l && i < m)
                learn(begin + i, taken, t, q, wn_product[l % WN_PRODUCTS]);
        }
    }
}
