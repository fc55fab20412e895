// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#extension GL_EXT_control_flow_attributes : require
#include "common.glsl"
// to[a * n + i] = the row t of z in i's frame's range of slot a with the largest dot(x[i], z[t]),
// first of equals; WN_NONE where that is empty.
// A workgroup takes ROWS rows against TARGETS targets at a time, as `nearest` does.
#define ROWS 4
#define TARGETS 8
#define DOTS (ROWS * TARGETS)
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Ptr { int ptr[]; };
layout(binding = 2) readonly buffer Z { float z[]; };
layout(binding = 3) readonly buffer Range { int range[]; };
layout(binding = 4) writeonly buffer To { int to[]; };
layout(push_constant) uniform P { int n, n_frames, dim, slots; } p;
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
        col[t] = min(t0 + t, t_end - 1) * p.dim;
    [[unroll]] for (int d = 0; d < DOTS; d++)
        sum[d] = 0.0;
    for (int c = lane; c < p.dim; c += WN_LANES) {
        float b[TARGETS];
        [[unroll]] for (int t = 0; t < TARGETS; t++)
            b[t] = z[col[t] + c];
        [[unroll]] for (int r = 0; r < ROWS; r++) {
            const float a = x[row[r] + c];
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

    // Few rows share a workgroup, and mostly a frame: row by row over the frames they lie in.
    for (int i = first; i < end;) {
        const int f = wn_segment(i, p.n_frames);
        const int next = min(ptr[f + 1], end);
        const bool mine = own >= i && own < next;
        for (int a = 0; a < p.slots; a++) {
            const int at = 2 * (f * p.slots + a);
            const int t_end = range[at + 1];
            int best_to = WN_NONE;
            float best = 0.0;
            for (int t0 = range[at]; t0 < t_end; t0 += TARGETS) {
                dots_of(first, rows, t0, t_end);
                for (int t = 0; mine && t < min(TARGETS, t_end - t0); t++) {
                    const float d = dots[(own - first) * TARGETS + t];
                    if (best_to == WN_NONE || d > best) {
                        best = d;
                        best_to = t0 + t;
                    }
                }
            }
            if (mine)
                to[a * p.n + own] = best_to;
        }
        i = next;
    }
}
