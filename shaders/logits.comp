// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common.glsl"
// y[h][i][j] = scale * dot(q[h][first + i], k[h / group][j]).
// A workgroup takes ROWS queries of a head against COLS keys, each invocation one lane of all those
// dots in registers; then an invocation a dot adds the lanes in the tree's order.
#define ROWS 4
#define COLS 8
#define DOTS (ROWS * COLS)
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer Q { float q[]; };
layout(binding = 1) readonly buffer K { float k[]; };
layout(binding = 2) writeonly buffer Y { float y[]; };
layout(push_constant) uniform P {
    int n_heads, group, n_queries, first, q_stride, n_keys, k_stride, dim;
    float scale;
} p;

shared float lane_sum[DOTS][WN_LANES + 1]; // + 1: invocations read different banks

void main()
{
    const int lane = int(gl_LocalInvocationID.x);
    const int rows = (p.n_queries + ROWS - 1) / ROWS, cols = (p.n_keys + COLS - 1) / COLS;
    const int g = int(wn_group());
    const int h = g / (rows * cols), i0 = g / cols % rows * ROWS, j0 = g % cols * COLS;
    precise float sum[DOTS];
    int row[ROWS], col[COLS];

    if (h >= p.n_heads)
        return;
    [[unroll]] for (int r = 0; r < ROWS; r++)
        row[r] = (h * p.q_stride + p.first + min(i0 + r, p.n_queries - 1)) * p.dim;
    [[unroll]] for (int t = 0; t < COLS; t++)
        col[t] = (h / p.group * p.k_stride + min(j0 + t, p.n_keys - 1)) * p.dim;
    [[unroll]] for (int d = 0; d < DOTS; d++)
        sum[d] = 0.0;
    for (int c = lane; c < p.dim; c += WN_LANES) {
        float b[COLS];
        [[unroll]] for (int t = 0; t < COLS; t++)
            b[t] = k[col[t] + c];
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            const float a = q[row[r] + c];
            [[unroll]] for (int t = 0; t < COLS; t++) {
                precise const float product = a * b[t];
                precise const float s = sum[r * COLS + t] + product;
                sum[r * COLS + t] = s;
            }
        }
    }
    [[unroll]] for (int d = 0; d < DOTS; d++)
        lane_sum[d][lane] = sum[d];
    barrier();
    if (lane >= DOTS)
        return;
    for (int half_ = WN_LANES / 2; half_ > 0; half_ /= 2) {
        for (int l = 0; l < half_; l++) {
            precise const float s = lane_sum[lane][l] + lane_sum[lane][l + half_];
            lane_sum[lane][l] = s;
        }
    }
    const int i = i0 + lane / COLS, j = j0 + lane % COLS;
    precise const float v = p.scale * lane_sum[lane][0];
    if (i < p.n_queries && j < p.n_keys)
        y[(h * p.n_queries + i) * p.n_keys + j] = v;
}
