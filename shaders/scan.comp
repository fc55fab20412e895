// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// out[0] = 0, out[i + 1] = out[i] + x[i] for i < ptr[n_frames]; the total from there up to out[n].
#define THREADS 128
#define EACH 8 // elements in a row that one invocation takes, a round
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer X { int x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Out { int out_[]; };
layout(push_constant) uniform P { int n, n_frames; } p;
#include "prefix.glsl"

void main()
{
    const int l = int(gl_LocalInvocationID.x);
    const int count = ptr[p.n_frames];
    int total = 0;

    if (l == 0)
        out_[0] = 0;
    for (int base = 0; base < count; base += THREADS * EACH) {
        const int first = base + l * EACH;
        const int end = min(first + EACH, count);
        int own = 0;
        for (int i = first; i < end; i++)
            own += x[i];
        const int before = total;
        int sum = before + wn_prefix(own, total);
        for (int i = first; i < end; i++) {
            sum += x[i];
            out_[i + 1] = sum;
        }
    }
    for (int i = count + l; i < p.n; i += THREADS)
        out_[i + 1] = total;
}
