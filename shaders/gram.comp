// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common.glsl"
// y[r][j] = dot(x[i], x[ptr[f] + j]) for the rows j of i's frame f; i: row r of a strip, or of a
// list.
// A workgroup takes ROWS rows against COLS rows at a time, each invocation one lane of all those
// dots in registers; then an invocation a dot adds the lanes in the tree's order.
#define ROWS 4
#define COLS 8
#define DOTS (ROWS * COLS)
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { WN_ROW x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
layout(binding = 3) readonly buffer List { int list[]; };
layout(binding = 4) readonly buffer ListEnd { int list_end[]; };
layout(push_constant) uniform P { int n, n_frames, dim, width, skip, listed, runs; } p;
#include "segment.glsl"
#include "strip.glsl"

shared int own[ROWS]; // the rows of this workgroup, or WN_NONE
shared float lane_sum[DOTS][WN_LANES + 1]; // + 1: invocations read different banks

// The dots of rows own[a] .. own[b - 1], which are rows first + a and on of y, with rows j0 ..
// j0 + COLS - 1, as far as these are below j_end. Every invocation calls it with the same
// arguments.
void dots_of(int first, int a, int b, int j0, int j_begin, int j_end)
{
    const int lane = int(gl_LocalInvocationID.x);
    precise float sum[DOTS];
    int row[ROWS], col[COLS];

    [[unroll]] for (int r = 0; r < ROWS; r++)
        row[r] = own[min(max(r, a), b - 1)] * p.dim;
    [[unroll]] for (int t = 0; t < COLS; t++)
        col[t] = min(j0 + t, j_end - 1) * p.dim;
    [[unroll]] for (int d = 0; d < DOTS; d++)
        sum[d] = 0.0;
    for (int c = lane; c < p.dim; c += WN_LANES) {
        float other[COLS];
        [[unroll]] for (int t = 0; t < COLS; t++)
            other[t] = float(x[col[t] + c]);
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            const float v = float(x[row[r] + c]);
            [[unroll]] for (int t = 0; t < COLS; t++) {
                precise const float product = v * other[t];
                precise const float s = sum[r * COLS + t] + product;
                sum[r * COLS + t] = s;
            }
        }
    }
    barrier(); // the sums before these have been read
    [[unroll]] for (int d = 0; d < DOTS; d++)
        lane_sum[d][lane] = sum[d];
    barrier();
    if (lane < DOTS) {
        for (int h = WN_LANES / 2; h > 0; h /= 2) {
            for (int l = 0; l < h; l++) {
                precise const float s = lane_sum[lane][l] + lane_sum[lane][l + h];
                lane_sum[lane][l] = s;
            }
        }
        const int r = lane / COLS, j = j0 + lane % COLS;
        if (r >= a && r < b && j < j_end)
            y[(first + r) * p.width + j - j_begin] = lane_sum[lane][0];
    }
}

int row_of(int r)
{
    if (p.listed < 0)
        return wn_strip_row(r, p.n_frames);
    return r < p.n && p.skip + r < list_end[p.listed] ? list[p.skip + r] : WN_NONE;
}

void main()
{
    const int g = int(wn_group()), lane = int(gl_LocalInvocationID.x);
    const int first = g / p.runs * ROWS;
    const int each = (p.width + p.runs * COLS - 1) / (p.runs * COLS) * COLS;
    const int from = g % p.runs * each;

    if (lane < ROWS)
        own[lane] = row_of(first + lane);
    barrier();
    // Few rows share a workgroup, and mostly a frame.
    for (int a = 0, b; a < ROWS; a = b) {
        b = a + 1;
        if (own[a] == WN_NONE)
            continue;
        const int f = wn_segment(own[a], p.n_frames);
        const int begin = ptr[f], end = ptr[f + 1];
        while (b < ROWS && own[b] >= begin && own[b] < end)
            b++;
        for (int j0 = begin + from; j0 < min(begin + from + each, end); j0 += COLS)
            dots_of(first, a, b, j0, begin, end);
    }
}
