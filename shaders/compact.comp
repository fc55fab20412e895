// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// idx[out_ptr[f] ..] = the kept rows of frame f, ascending or by rank; out_ptr = prefix sums of the
// counts.
#define THREADS 128
#define EACH 8 // rows in a row that one invocation takes, a round
layout(local_size_x = THREADS) in;
layout(binding = 0) readonly buffer Keep { int keep[]; };
layout(binding = 1) readonly buffer Rank { int rank[]; };
layout(binding = 2) readonly buffer Mode { int mode[]; };
layout(binding = 3) readonly buffer Ptr { int ptr[]; };
layout(binding = 4) writeonly buffer Idx { int idx[]; };
layout(binding = 5) coherent buffer OutPtr { int out_ptr[]; };
layout(push_constant) uniform P { int n, n_frames, by_rank; } p;
#include "segment.glsl"
#include "prefix.glsl"

bool ranked(int f)
{
    return p.by_rank != 0 && mode[f] == 0;
}

// Frames that begin at row i (the empty ones before i's too) begin at `at` in the output.
void begin_frames(int i, int at)
{
    for (int f = wn_segment(i, p.n_frames); f >= 0 && ptr[f] == i; f--)
        out_ptr[f] = at;
}

void main()
{
    const int l = int(gl_LocalInvocationID.x);
    const int rows = ptr[p.n_frames];
    int total = 0;

    for (int base = 0; base < rows; base += THREADS * EACH) {
        const int first = base + l * EACH;
        const int end = min(first + EACH, rows);
        int own = 0;
        for (int i = first; i < end; i++)
            own += int(keep[i] != 0);
        const int before = total;
        int at = before + wn_prefix(own, total);
        for (int i = first; i < end; i++) {
            const int f = wn_segment(i, p.n_frames);
            if (ptr[f] == i)
                begin_frames(i, at);
            if (keep[i] != 0) {
                if (!ranked(f))
                    idx[at] = i;
                at++;
            }
        }
    }
    // Frames without a row at the end, and the end itself.
    for (int f = l; f <= p.n_frames; f += THREADS) {
        if (ptr[f] == rows)
            out_ptr[f] = total;
    }
    if (p.by_rank == 0)
        return;
    memoryBarrierBuffer();
    barrier();
    for (int i = l; i < rows; i += THREADS) {
        const int f = wn_segment(i, p.n_frames);
        if (keep[i] != 0 && ranked(f))
            idx[out_ptr[f] + rank[i]] = i;
    }
}
