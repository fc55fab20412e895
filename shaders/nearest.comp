// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common.glsl"
// to[i] = the row among the targets of i's frame, target[target_ptr[f] .. target_ptr[f + 1]), with
// the largest dot(x[i], x[to]), first of equals; value[i] = that dot. Rows with ask[i] == 0, or no
// target: WN_NONE and 0.
// A workgroup takes ROWS rows against TARGETS targets at a time, each invocation one lane of all
// those dots in registers; then an invocation a dot adds the lanes in the tree's order.
#define ROWS 4
#define TARGETS 8
#define DOTS (ROWS * TARGETS)
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { WN_ROW x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer Target { int target[]; };
layout(binding = 3) readonly buffer TargetPtr { int target_ptr[]; };
layout(binding = 4) readonly buffer Ask { int ask[]; };
layout(binding = 5) writeonly buffer To { int to[]; };
layout(binding = 6) writeonly buffer Value { float value[]; };
layout(push_constant) uniform P { int n, n_frames, dim; } p;
#include "segment.glsl"

shared float lane_sum[DOTS][WN_LANES + 1]; // + 1: invocations read different banks
shared float dots[DOTS];

// dots[r * TARGETS + t] = dot(row first + r, target t0 + t), for the rows below `rows`; targets
// past t_end repeat the last one. Every invocation calls it with the same arguments.
void dots_of(int first, int rows, int t0, int t_end)
{
    const int lane = int(gl_LocalInvocationID.x);
    precise float sum[DOTS];
    int row[ROWS], col[TARGETS];

    [[unroll]] for (int r = 0; r < ROWS; r++)
        row[r] = min(first + r, rows - 1) * p.dim;
    [[unroll]] for (int t = 0; t < TARGETS; t++)
        col[t] = target[min(t0 + t, t_end - 1)] * p.dim;
    [[unroll]] for (int d = 0; d < DOTS; d++)
        sum[d] = 0.0;
    for (int c = lane; c < p.dim; c += WN_LANES) {
        float b[TARGETS];
        [[unroll]] for (int t = 0; t < TARGETS; t++)
            b[t] = float(x[col[t] + c]);
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            const float a = float(x[row[r] + c]);
            [[unroll]] for (int t = 0; t < TARGETS; t++) {
                precise const float product = a * b[t];
                precise const float s = sum[r * TARGETS + t] + product;
                sum[r * TARGETS + t] = s;
            }
        }
    }
    barrier(); // the dots before these have been read
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
        dots[lane] = lane_sum[lane][0];
    }
    barrier();
}

void main()
{
    const int rows = ptr[p.n_frames];
    const int first = int(wn_group()) * ROWS;
    const int end = min(first + ROWS, rows);
    const int own = first + int(gl_LocalInvocationID.x); // invocations below ROWS keep the best
    const bool owner = own < end;
    int best_to = WN_NONE;
    float best = 0.0;

    // Few rows share a workgroup, and mostly a frame: row by row over the frames they lie in.
    for (int i = first; i < end;) {
        const int f = wn_segment(i, p.n_frames);
        const int next = min(ptr[f + 1], end), t_end = target_ptr[f + 1];
        bool asked = false;
        for (int k = i; k < next; k++)
            asked = asked || ask[k] != 0;
        for (int t0 = target_ptr[f]; asked && t0 < t_end; t0 += TARGETS) {
            dots_of(first, rows, t0, t_end);
            const bool mine = owner && own >= i && own < next && ask[own] != 0;
            for (int t = 0; mine && t < min(TARGETS, t_end - t0); t++) {
                const float d = dots[(own - first) * TARGETS + t];
                if (best_to == WN_NONE || d > best) {
                    best = d;
                    best_to = target[t0 + t];
                }
            }
        }
        i = next;
    }
    if (owner) {
        to[own] = best_to;
        value[own] = best;
    }
}
