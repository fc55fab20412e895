// SPDX-License-Identifier: MIT
#version 450
#extension GL_GOOGLE_include_directive : require
#include "common.glsl"
// Parts of a frame share an amount by weight, none more than its cap, in whole numbers; see
// kernels.h. An invocation a frame.
layout(local_size_x = 64) in;
layout(binding = 0) readonly buffer W { float w[]; };
layout(binding = 1) readonly buffer Cap { float cap[]; };
layout(binding = 2) readonly buffer Fixed { float fixed_quota[]; };
layout(binding = 3) readonly buffer Ptr { int ptr[]; };
layout(binding = 4) readonly buffer Amount { float amounts[]; };
layout(binding = 5) buffer Quota { float quota[]; };
layout(push_constant) uniform P { int n, n_frames, how; } p;
#define EXACT 0
#define OWN 2

int first, end;
bool even;
float total;

float share(float a, float weight, float all)
{
    const float q = wn_rsqrt(all > 1e-24 ? all : 1e-24);
    precise const float part = a * weight;
    precise const float inverse = q * q;
    precise const float estimate = part * inverse;
    float n = float(int(estimate < 1e9 ? estimate : 1e9));
    precise const float more = n + 1.0;
    precise const float up = more * all;

    n = up <= part ? more : n;
    precise const float down = n * all;
    precise const float less = n - 1.0;
    n = down > part ? less : n;
    return n > 0.0 ? n : 0.0;
}

void weigh()
{
    precise float sum = 0.0;
    precise float caps = 0.0;

    for (int s = first; s < end; s++) {
        precise const float a = sum + (quota[s] < 0.0 ? wn_flushed(w[s]) : 0.0);
        precise const float b = caps + (quota[s] < 0.0 ? cap[s] : 0.0);
        sum = a;
        caps = b;
    }
    even = !(sum > 0.0);
    total = even ? caps : sum;
}

float weight_of(int s)
{
    return even ? cap[s] : wn_flushed(w[s]);
}

float fill(float amount)
{
    bool again = true;

    while (again) {
        const float had = amount;
        again = false;
        weigh();
        for (int s = first; s < end; s++) {
            precise const float own = had * weight_of(s);
            precise const float most = cap[s] * total;
            if (quota[s] < 0.0 && own >= most) {
                const float q = cap[s] < amount ? cap[s] : amount;
                precise const float less = amount - q;
                quota[s] = q;
                amount = less;
                again = true;
            }
        }
    }
    return amount;
}

float rest_of(int s, float amount)
{
    precise const float own = amount * weight_of(s);
    precise const float whole = share(amount, weight_of(s), total) * total;
    precise const float rest = own - whole;
    return rest;
}

void split(float amount)
{
    precise float left = amount;

    weigh();
    for (int s = first; s < end; s++) {
        const float own = share(amount, weight_of(s), total);
        precise const float less = left - (quota[s] < 0.0 ? own : 0.0);
        left = less;
    }
    for (int s = first; s < end; s++) {
        if (quota[s] >= 0.0)
            continue;
        const float rest = rest_of(s, amount);
        float before = 0.0;
        for (int t = first; t < end; t++) {
            const float r = rest_of(t, amount);
            before += quota[t] < 0.0 && (r > rest || (r == rest && t < s)) ? 1.0 : 0.0;
        }
        const float own = share(amount, weight_of(s), total);
        precise const float whole = own + (before < left ? 1.0 : 0.0);
        precise const float marked = -2.0 - whole;
        quota[s] = marked;
    }
    for (int s = first; s < end; s++) {
        precise const float plain = -2.0 - quota[s];
        quota[s] = quota[s] < -1.0 ? plain : quota[s];
    }
}

void main()
{
    const int f = wn_item();

    if (f >= p.n_frames)
        return;
    first = ptr[f];
    end = ptr[f + 1];
    precise float all = 0.0;
    for (int s = first; s < end; s++) {
        precise const float more = all + (fixed_quota[s] < 0.0 ? wn_flushed(w[s]) : 0.0);
        quota[s] = fixed_quota[s];
        all = more;
    }
    if (p.how == EXACT) {
        split(fill(amounts[f]));
        return;
    }
    for (int s = first; s < end; s++) {
        const float own = p.how == OWN ? share(1.0, w[s], 1.0)
                        : all > 0.0 ? share(amounts[f], w[s], all) : 0.0;
        if (fixed_quota[s] < 0.0)
            quota[s] = own < cap[s] ? own : cap[s];
    }
}
