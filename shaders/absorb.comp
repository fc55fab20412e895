// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Row after row takes in those like it; see kernels.h. A workgroup a frame: each row needs the ones
// before; each invocation owns some of the columns.
#define THREADS 256
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Bits { uint bits[]; };
layout(binding = 2) readonly buffer Weight { float weight[]; };
layout(binding = 3) readonly buffer Ptr { int ptr[]; };
layout(binding = 4) buffer Z { float z[]; };
layout(binding = 5) coherent buffer Keep { int keep[]; };
layout(binding = 6) coherent buffer List { int list[]; };
layout(push_constant) uniform P { int n, n_frames, dim, words, how, lose; } p;
#include "prefix.glsl"
#define LARGEST 1
#define WEIGHTED 2

int lane;

bool is_like(int i, int j)
{
    return (bits[i * p.words + j / 32] >> (j % 32) & 1u) != 0u;
}

// The rows like row i into the list, in order; how many of m they are.
int gather(int i, int begin, int m)
{
    const int each = (m + THREADS - 1) / THREADS;
    const int end = min((lane + 1) * each, m);
    int hits = 0, total = 0;

    for (int j = lane * each; j < end; j++)
        hits += int(is_like(i, j));
    int at = begin + wn_prefix(hits, total);
    for (int j = lane * each; hits > 0 && j < end; j++) {
        if (is_like(i, j))
            list[at++] = j;
    }
    memoryBarrierBuffer();
    barrier();
    return total;
}

// Column c of what they make.
float made(int c, int begin, int count)
{
    precise float v = p.how == LARGEST ? -3e38 : 0.0;

    for (int k = 0; k < count; k++) {
        const int j = begin + list[begin + k];
        const float other = z[j * p.dim + c];
        if (p.how == LARGEST) {
            v = wn_flushed(other) > v ? wn_flushed(other) : v;
        } else {
            precise const float part = p.how == WEIGHTED ? weight[j] * other : other;
            precise const float more = v + part;
            v = more;
        }
    }
    return v;
}

float share_of(int begin, int count)
{
    precise float sum = 0.0;

    for (int k = 0; k < count; k++) {
        const float w = p.how == WEIGHTED ? weight[begin + list[begin + k]] : 1.0;
        precise const float more = sum + w;
        sum = more;
    }
    const float q = wn_rsqrt(sum > 1e-24 ? sum : 1e-24);
    precise const float share = q * q;
    return share;
}

void main()
{
    const int f = int(wn_group());

    lane = int(gl_LocalInvocationID.x);
    if (f >= p.n_frames)
        return;
    const int begin = ptr[f], m = ptr[f + 1] - begin;
    for (int i = begin; i < begin + m; i++) {
        for (int c = lane; c < p.dim; c += THREADS)
            z[i * p.dim + c] = x[i * p.dim + c];
    }
    for (int i = lane; i < m; i += THREADS)
        keep[begin + i] = 1;
    for (int i = begin; i < begin + m; i++) {
        memoryBarrierBuffer();
        barrier(); // keep has been written
        if (keep[i] == 0)
            continue;
        const int count = gather(i, begin, m);
        if (count < 2)
            continue;
        const float share = share_of(begin, count);
        for (int c = lane; c < p.dim; c += THREADS) {
            const float v = made(c, begin, count);
            precise const float part = v * share;
            z[i * p.dim + c] = p.how == LARGEST ? v : part;
        }
        const int kept = p.lose != 0 ? list[begin] : i - begin;
        barrier(); // keep has been read
        for (int k = lane; k < count; k += THREADS) {
            if (list[begin + k] != kept)
                keep[begin + list[begin + k]] = 0;
        }
    }
}
