// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common.glsl"
// Bit j of row i's words: dot(x[i], x[ptr[s] + j]) > tau, for the rows j of i's segment s.
// A workgroup takes ROWS rows against COLS rows at a time, as `gram` does, a word after the other.
#define ROWS 4
#define COLS 8
#define DOTS (ROWS * COLS)
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { WN_ROW x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) writeonly buffer Bits { uint bits[]; };
layout(push_constant) uniform P { int n, n_segments, dim, words; float tau; } p;
#include "segment.glsl"

shared float lane_sum[DOTS][WN_LANES + 1]; // + 1: invocations read different banks
shared uint flag[DOTS];

// flag[r * COLS + c]: whether row first + r is like row j0 + c; rows past j_end repeat the last
// one. Every invocation calls it with the same arguments.
void flags_of(int first, int begin, int end, int j0, int j_end)
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
            b[t] = float(x[col[t] + c]);
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            const float a = float(x[row[r] + c]);
            [[unroll]] for (int t = 0; t < COLS; t++) {
                precise const float product = a * b[t];
                precise const float s = sum[r * COLS + t] + product;
                sum[r * COLS + t] = s;
            }
        }
    }
    barrier(); // the flags before these have been read
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
        flag[lane] = uint(j0 + lane % COLS < j_end && lane_sum[lane][0] > p.tau);
    }
    barrier();
}

void main()
{
    const int first = int(wn_group()) * ROWS;
    const int end = min(first + ROWS, ptr[p.n_segments]);
    const int own = first + int(gl_LocalInvocationID.x); // invocations below ROWS keep a word

    for (int i = first; i < end;) {
        const int s = wn_segment(i, p.n_segments);
        const int begin = ptr[s], j_end = ptr[s + 1];
        const int next = min(j_end, end);
        for (int j0 = begin; j0 < j_end; j0 += 32) {
            uint word = 0u;
            for (int k = 0; k < 32 && j0 + k < j_end; k += COLS) {
                flags_of(first, i, next, j0 + k, j_end);
                if (own >= i && own < next) {
                    for (int t = 0; t < COLS; t++)
                        word |= flag[(own - first) * COLS + t] << (k + t);
                }
            }
            if (own >= i && own < next)
                bits[own * p.words + (j0 - begin) / 32] = word;
        }
        i = next;
    }
}
