// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Frames of equal labels become windows; see kernels.h. One invocation does it all: frames are few,
// and each step needs the one before.
layout(local_size_x = 1) in;
layout(binding = 0) readonly buffer Label { int label[]; };
layout(binding = 1) buffer Longest { int longest[]; };
layout(binding = 2) buffer Now { int now[]; };
layout(binding = 3) buffer Start { int start[]; };
layout(push_constant) uniform P { int n; } p;

int run_end(int t)
{
    int end = t + 1;

    while (end < p.n && label[end] == label[t])
        end++;
    return end;
}

void main()
{
    int left = 0, end;

    for (int t = 0; t < p.n; t++)
        longest[t] = 0;
    for (int t = 0; t < p.n; t = end) {
        end = run_end(t);
        longest[label[t]] = max(longest[label[t]], end - t);
    }
    for (int t = 0; t < p.n; t = end) {
        end = run_end(t);
        const bool stays = end - t > 1 && end - t == longest[label[t]];
        for (int i = t; i < end; i++)
            now[i] = stays ? label[t] : WN_NONE;
    }
    for (int t = 0; t < p.n; t++) {
        int right = 0;
        end = t;
        while (end < p.n && now[end] == WN_NONE)
            end++;
        while (end > t && end + right < p.n && now[end + right] == now[end])
            right++;
        const int fill = right > left ? now[min(end, p.n - 1)] : t > 0 ? now[t - 1] : 0;
        for (int i = t; i < end; i++)
            now[i] = fill;
        const bool same = t > 0 && now[t] == now[t - 1];
        left = same ? left + 1 : 1;
        start[t] = same ? start[t - 1] : t;
    }
}
