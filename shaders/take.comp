// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// y[i][c] = x[idx[i]][c] as 32-bit words, for i < out_ptr[n_frames].
layout(local_size_x = 64) in;
#ifdef WN_HALF
layout(binding = 0) readonly buffer X { float16_t x[]; };
#define WORD(v) floatBitsToUint(float(v))
#else
layout(binding = 0) readonly buffer X { uint x[]; };
#define WORD(v) v
#endif
layout(binding = 1) readonly buffer Idx { int idx[]; };
layout(binding = 2) readonly buffer OutPtr { int out_ptr[]; };
layout(binding = 3) writeonly buffer Y { uint y[]; };
layout(push_constant) uniform P { int n, n_frames, width; } p;

void main()
{
    const int end = out_ptr[p.n_frames] * p.width;
    const int first = int(wn_group() * 256u + gl_LocalInvocationID.x);

    for (int k = 0; k < 4; k++) {
        const int item = first + k * 64;
        if (item < end)
            y[item] = WORD(x[idx[item / p.width] * p.width + item % p.width]);
    }
}
