// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// total[r] = sum over k in [w_ptr[r], w_ptr[r + 1]) of v[w_idx[k]]; w[k] = v[w_idx[k]] / total[r].
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer V { float v[]; };
layout(binding = 1) readonly buffer WPtr { int w_ptr[]; };
layout(binding = 2) readonly buffer WIdx { int w_idx[]; };
layout(binding = 3) readonly buffer OutPtr { int out_ptr[]; };
layout(binding = 4) writeonly buffer W { float w[]; };
layout(binding = 5) writeonly buffer Total { float total[]; };
layout(push_constant) uniform P { int n_out, n_frames; } p;

void main()
{
    const int r = wn_item();
    precise float sum = 0.0;

    if (r >= out_ptr[p.n_frames])
        return;
    for (int k = w_ptr[r]; k < w_ptr[r + 1]; k++) {
        precise const float s = sum + v[w_idx[k]];
        sum = s;
    }
    total[r] = sum;
    const bool some = sum >= 1e-12;
    const float q = wn_rsqrt(some ? sum : 1.0);
    precise const float share = q * q;
    for (int k = w_ptr[r]; k < w_ptr[r + 1]; k++) {
        precise const float part = v[w_idx[k]] * share;
        w[k] = some ? part : k == w_ptr[r] ? 1.0 : 0.0;
    }
}
