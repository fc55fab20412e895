// SPDX-License-Identifier: MIT
// What every kernel shares. The twins stand in compress/kernel.h.
#ifdef WN_HALF // the form for rows of f16
#extension GL_EXT_shader_16bit_storage : require
#define WN_ROW float16_t
#else
#define WN_ROW float
#endif
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

// e^x; twin: wn_exp().
float wn_exp(float x)
{
    const float c[8] = float[8](1.0 / 5040.0, 1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5,
                                1.0, 1.0);
    const float z = x > 88.0 ? 88.0 : x;

    if (z < -87.0)
        return 0.0;
    precise const float q = z * 1.44269504;
    precise const float h = q + (q < 0.0 ? -0.5 : 0.5);
    const int n = int(h);
    precise const float a = float(n) * 0.693359375;
    precise const float b = float(n) * 2.12194440e-4;
    precise const float d = z - a;
    precise const float r = d + b;
    precise float y = c[0];
    for (int i = 1; i < 8; i++) {
        precise const float t = y * r;
        precise const float v = t + c[i];
        y = v;
    }
    precise const float scaled = y * uintBitsToFloat(uint(n + 127) << 23);
    return scaled;
}

// Denormals as comparisons see them in C; devices that flush what they compute may still compare
// what they load as it is.
float wn_flushed(float x)
{
    return abs(x) < 1.17549435e-38 ? 0.0 : x;
}
