// SPDX-License-Identifier: MIT
// What every kernel shares. The twins stand in compress/kernel.h.
#define WN_NONE (-1)
#define WN_LANES 64

// The backend folds workgroup counts above 32768 into y.
uint wn_group()
{
    return gl_WorkGroupID.x + gl_WorkGroupID.y * 32768u;
}

// What this invocation owns in a kernel of 64 invocations a workgroup, each with one item.
// (gl_WorkGroupSize is 1 as long as the layout has not been declared.)
int wn_item()
{
    return int(wn_group() * 64u + gl_LocalInvocationID.x);
}

// 1 / sqrt(x) for x >= 2^-100; twin: wn_rsqrt().
float wn_rsqrt(float x)
{
    precise const float h = 0.5 * x;
    precise float y = uintBitsToFloat(0x5f375a86u - (floatBitsToUint(x) >> 1));

    for (int i = 0; i < 4; i++) {
        precise const float t = h * y;
        precise const float u = t * y;
        precise const float v = 1.5 - u;
        precise const float w = y * v;
        y = w;
    }
    return y;
}

// Denormals as comparisons see them in C; devices that flush what they compute may still compare
// what they load as it is.
float wn_flushed(float x)
{
    return abs(x) < 1.17549435e-38 ? 0.0 : x;
}
