// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i] = ln(max(x[i], 1e-30)).
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n, n_frames; } p;

// twin: wn_ln()
float ln(float v)
{
    const float c[9] = float[9](7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1,
        -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1,
        3.3333331174e-1);
    const uint u = floatBitsToUint(v);
    float m = uintBitsToFloat((u & 0x7fffffu) | 0x3f000000u);
    float e = float(int(u >> 23) - 126);
    precise const float twice = m + m;
    precise const float lower = e - 1.0;
    const bool small = m < 0.707106781;
    precise const float r = (small ? twice : m) - 1.0;

    e = small ? lower : e;
    precise const float z = r * r;
    precise float y = c[0];
    for (int i = 1; i < 9; i++) {
        precise const float t = y * r;
        precise const float s = t + c[i];
        y = s;
    }
    precise const float cube = z * r;
    precise const float p0 = y * cube;
    precise const float p1 = p0 + e * -2.12194440e-4;
    precise const float p2 = p1 - 0.5 * z;
    precise const float p3 = r + p2;
    precise const float p4 = p3 + e * 0.693359375;
    return p4;
}

void main()
{
    const int i = wn_item();

    if (i < ptr[p.n_frames]) {
        const float v = wn_flushed(x[i]);
        y[i] = ln(v > 1e-30 ? v : 1e-30);
    }
}
