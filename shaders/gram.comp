// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common.glsl"
// y[i][j] = dot(x[i], x[ptr[f] + j]) for the rows j of i's frame f.
// A workgroup takes ROWS rows against COLS rows at a time, each invocation one lane of all those
// dots in registers; then an invocation a dot adds the lanes in the tree's order.
#define ROWS 4
#define COLS 8
#define DOTS (ROWS * COLS)
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P { int n, n_frames, dim, width; } p;
#include "segment.glsl"

shared float lane_sum[DOTS][WN_LANES + 1]; // + 1: invocations read different banks

// The dots of rows first .. first + ROWS - 1 with rows j0 .. j0 + COLS - 1; those
// of rows in [begin, end) with rows below j_end are kept. Every invocation calls it with the same
// arguments.
void dots_of(int first, int begin, int end, int j0, int j_begin, int j_end)
{
    const int lane = int(gl_LocalInvocationID.x);
    precise float sum[DOTS];
    int row[ROWS], col[COLS];

    [[unroll]] for (int r = 0; r < ROWS; r++)
        row[r] = min(max(first + r, begin), end - 1) * p.dim;
    [[unroll]] for (int t = 0; t < COLS; t++)
        col[t] = min(j0 + t, j_end - 1) * p.dim;
    [[unroll]] for (int d = 0; d < DOTS; d++)
        sum[d] = 0.0;
    for (int c = lane; c < p.dim; c += WN_LANES) {
        float b[COLS];
        [[unroll]] for (int t = 0; t < COLS; t++)
            b[t] = x[col[t] + c];
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            const float a = x[row[r] + c];
            [[unroll]] for (int t = 0; t < COLS; t++) {
                precise const float product = a * b[t];
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
        const int i = first + lane / COLS, j = j0 + lane % COLS;
        if (i >= begin && i < end && j < j_end)
            y[i * p.width + j - j_begin] = lane_sum[lane][0];
    }
}

void main()
{
    const int first = int(wn_group()) * ROWS;
    const int end = min(first + ROWS, ptr[p.n_frames]);

    // Few rows share a workgroup, and mostly a frame.
    for (int i = first; i < end;) {
        const int f = wn_segment(i, p.n_frames);
        const int next = min(ptr[f + 1], end);
        for (int j0 = ptr[f]; j0 < ptr[f + 1]; j0 += COLS)
            dots_of(first, i, next, j0, ptr[f], ptr[f + 1]);
        i = next;
    }
}
