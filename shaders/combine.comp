// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[r] = sum over k in [w_ptr[r], w_ptr[r + 1]) of w[k] * x[w_idx[k]], in order of k.
// A workgroup takes 256 columns of a row, each invocation 4 of them.
#define EACH 4
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { WN_ROW x[]; };
layout(binding = 1) readonly buffer WPtr { int w_ptr[]; };
layout(binding = 2) readonly buffer WIdx { int w_idx[]; };
layout(binding = 3) readonly buffer W { float w[]; };
layout(binding = 4) readonly buffer OutPtr { int out_ptr[]; };
layout(binding = 5) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n_out, n_frames, dim; } p;

void main()
{
    const int parts = (p.dim + 64 * EACH - 1) / (64 * EACH);
    const int r = int(wn_group()) / parts;
    const int first = int(wn_group()) % parts * 64 * EACH + int(gl_LocalInvocationID.x);
    precise float sum[EACH];

    if (r >= out_ptr[p.n_frames])
        return;
    for (int e = 0; e < EACH; e++)
        sum[e] = 0.0;
    for (int k = w_ptr[r]; k < w_ptr[r + 1]; k++) {
        const int from = w_idx[k] * p.dim;
        const float weight = w[k];
        for (int e = 0; e < EACH; e++) {
            const int c = first + e * 64;
            if (c < p.dim) {
                precise const float product = weight * float(x[from + c]);
                precise const float s = sum[e] + product;
                sum[e] = s;
            }
        }
    }
    for (int e = 0; e < EACH; e++) {
        const int c = first + e * 64;
        if (c < p.dim)
            y[r * p.dim + c] = sum[e];
    }
}
