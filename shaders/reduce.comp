// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i][c] = scale * sum over a, then b of x[i * width + offset + c * step_c + a * step_a + b *
// step_b]; max 1: scale * the largest of them.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { WN_ROW x[]; };
layout(binding = 1) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P {
    int n, width, offset, n_c, step_c, n_a, step_a, n_b, step_b;
    float scale;
    int max;
} p;

void main()
{
    const int item = wn_item();

    if (item >= p.n * p.n_c)
        return;
    const int start = item / p.n_c * p.width + p.offset + item % p.n_c * p.step_c;
    precise float sum = p.max != 0 ? -3e38 : 0.0;
    for (int a = 0; a < p.n_a; a++) {
        for (int b = 0; b < p.n_b; b++) {
            const float v = float(x[start + a * p.step_a + b * p.step_b]);
            precise const float s = sum + v;
            const float larger = wn_flushed(v) > wn_flushed(sum) ? v : sum;
            sum = p.max != 0 ? larger : s;
        }
    }
    precise const float r = p.scale * sum;
    y[item] = r;
}
