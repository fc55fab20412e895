// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Runs of frames at one place, `room` at most; see kernels.h. A workgroup a place, which goes
// through its frames one after the other; each invocation owns some of the columns.
layout(local_size_x = WN_LANES) in;
layout(binding = 0) readonly buffer X { float x[]; };
layout(binding = 1) readonly buffer Prev { int prev[]; };
layout(binding = 2) readonly buffer Next { int next[]; };
layout(binding = 3) readonly buffer Ptr { int ptr[]; };
layout(binding = 4) buffer Sum { float sum[]; };
layout(binding = 5) coherent buffer Like { float like[]; };
layout(binding = 6) coherent buffer After { int after[]; };
layout(binding = 7) writeonly buffer To { int to[]; };
layout(push_constant) uniform P { int n, n_frames, dim, room; } p;
#define WN_SUM vec3
#include "lanes.glsl"

int lane;

int follower(int row)
{
    const int n = next[row];

    return n != WN_NONE && prev[max(n, 0)] == row ? n : WN_NONE;
}

// The first invocation writes, all read.
void set_after(int row, int v)
{
    barrier(); // what was there has been read
    if (lane == 0)
        after[row] = v;
    memoryBarrierBuffer();
    barrier();
}

void set_like(int i, int j)
{
    precise vec3 v = vec3(0.0);

    for (int c = lane; c < p.dim; c += WN_LANES) {
        const float a = sum[i * p.dim + c];
        const float b = sum[j * p.dim + c];
        precise const vec3 product = vec3(a * b, a * a, b * b);
        precise const vec3 more = v + product;
        v = more;
    }
    const vec3 all = wn_tree(v);
    precise const float scale = wn_rsqrt(all.y > 1e-16 ? all.y : 1e-16) *
                                wn_rsqrt(all.z > 1e-16 ? all.z : 1e-16);
    precise const float cosine = all.x * scale;
    if (lane == 0)
        like[i] = cosine;
    memoryBarrierBuffer();
    barrier();
}

int join(int head, int last)
{
    int best = head, before = WN_NONE, at = WN_NONE;

    for (int r = head; after[r] != WN_NONE; r = after[r]) {
        if (r == head || like[r] > like[best]) {
            best = r;
            before = at;
        }
        at = r;
    }
    const int gone = after[best];
    const int then = after[gone];
    for (int c = lane; c < p.dim; c += WN_LANES) {
        precise const float s = sum[best * p.dim + c] + sum[gone * p.dim + c];
        sum[best * p.dim + c] = s;
    }
    set_after(best, then);
    if (before != WN_NONE)
        set_like(before, best);
    if (then != WN_NONE)
        set_like(best, then);
    return gone == last ? best : last;
}

void main()
{
    const int head = int(wn_group());
    int last = WN_NONE, runs = 0;

    lane = int(gl_LocalInvocationID.x);
    if (head >= ptr[p.n_frames] || (prev[head] != WN_NONE && next[max(prev[head], 0)] == head))
        return;
    for (int row = head; row != WN_NONE; row = follower(row)) {
        for (int c = lane; c < p.dim; c += WN_LANES)
            sum[row * p.dim + c] = x[row * p.dim + c];
        set_after(row, WN_NONE);
        if (last != WN_NONE) {
            set_after(last, row);
            set_like(last, row);
        }
        last = row;
        if (runs++ == p.room) {
            last = join(head, last);
            runs--;
        }
    }
    int run = head;
    for (int row = head; row != WN_NONE; row = follower(row)) {
        run = after[run] == row ? row : run;
        if (lane == 0)
            to[row] = run;
    }
}
