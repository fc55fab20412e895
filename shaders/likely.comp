// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// For rows with ask: the columns of allowed rows with the largest x, their parts of the softmax of
// the row (value) and of what they have together (part). A workgroup a row.
#define THREADS WN_LANES
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer Ask { int ask[]; };
layout(binding = 3) readonly buffer Allow { int allow[]; };
layout(binding = 4) readonly buffer Count { int count[]; };
layout(binding = 5) writeonly buffer To { int to[]; };
layout(binding = 6) writeonly buffer Value { float value[]; };
layout(binding = 7) buffer Part { float part[]; };
layout(push_constant) uniform P { int n, n_frames, width, most, skip; } p;
#define WN_SUM float
#include "lanes.glsl"
#include "best.glsl"
#include "segment.glsl"
#include "strip.glsl"

float at(int i, int j)
{
    return wn_flushed(x[(i - ptr[0] - p.skip) * p.width + j]);
}

float inverse(float sum)
{
    const float q = wn_rsqrt(sum > 1e-12 ? sum : 1e-12);
    precise const float inv = q * q;

    return inv;
}

float exp_of(float a, float m)
{
    precise const float z = a - m;

    return wn_exp(z);
}

void main()
{
    const int i = wn_strip_row(int(wn_group()), p.n_frames), lane = int(gl_LocalInvocationID.x);

    if (i == WN_NONE)
        return;
    if (ask[i] == 0) {
        for (int k = lane; k < p.most; k += WN_LANES) {
            to[i * p.most + k] = WN_NONE;
            value[i * p.most + k] = 0.0;
            part[i * p.most + k] = k == 0 ? 1.0 : 0.0;
        }
        return;
    }
    const int f = wn_segment(i, p.n_frames), begin = ptr[f], m = ptr[f + 1] - begin;
    int own = -1;
    for (int j = lane; j < m; j += WN_LANES) {
        if (own < 0 || at(i, j) > at(i, own))
            own = j;
    }
    const float top = at(i, wn_best(own < 0 ? 0.0 : at(i, own), own));
    precise float sum = 0.0;
    for (int j = lane; j < m; j += WN_LANES) {
        precise const float s = sum + exp_of(at(i, j), top);
        sum = s;
    }
    const float whole = inverse(wn_tree(sum));
    precise float taken = 0.0;
    int last = -1, found = 0;
    for (int k = 0; k < min(count[m], p.most); k++) {
        const float bound = last < 0 ? 0.0 : at(i, last);
        own = -1;
        for (int j = lane; j < m; j += WN_LANES) {
            const float v = at(i, j);
            const bool left = last < 0 || v < bound || (v == bound && j > last);
            if (left && allow[begin + j] != 0 && (own < 0 || v > at(i, own)))
                own = j;
        }
        last = wn_best(own < 0 ? 0.0 : at(i, own), own);
        if (last < 0)
            break;
        const float e = exp_of(at(i, last), top);
        precise const float s = taken + e;
        taken = s;
        found++;
        if (lane == 0) {
            precise const float v = e * whole;
            to[i * p.most + k] = p.most * (begin + last);
            value[i * p.most + k] = v;
            part[i * p.most + k] = e;
        }
    }
    const float scale = inverse(taken);
    for (int k = 0; lane == 0 && k < p.most; k++) {
        precise const float v = k < found ? part[i * p.most + k] * scale : 0.0;
        part[i * p.most + k] = v;
        if (k >= found) {
            to[i * p.most + k] = WN_NONE;
            value[i * p.most + k] = 0.0;
        }
    }
}
