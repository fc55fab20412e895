/* SPDX-License-Identifier: MIT */
/* A kernel computes one thing and knows no paper.
 *
 * Adding one: put NAME into `kernels` of compress/meson.build, its params struct and formula into
 * the header of its kind (see kernels.h), and write compress/kernels/NAME.c (reference, perhaps a
 * fast twin), shaders/NAME.comp and tests/kernels/NAME.c (its cases). The build demands all of
 * them.
 *
 * Same input, same bits, on every device, path and thread count:
 *  - values that a decision reads use only + - * and comparisons, wn_rsqrt() and table look-ups;
 *  - a sum over a row runs in WN_LANES lanes: lane l adds elements l, l + WN_LANES, ... in order,
 *    then the lanes add up as a tree: for (h = WN_LANES / 2; h; h /= 2) lane[l] += lane[l + h];
 *    see wn_dot(). Any vector width gives these bits;
 *  - order is total: better value first, then the lower index;
 *  - denormals are flushed (wn_flush_enter), products are not fused (-ffp-contract=off, `precise`).
 */
#ifndef WN_KERNEL_H
#define WN_KERNEL_H

#include "../pipeline/pool.h"

#define WN_SHADER_BUFS 8
#define WN_MAX_BUFS 16 /* of a kernel that the host runs */
#define WN_LANES 64
#define WN_NONE (-1)

/* WN_SCRATCH: written, and what is left there means nothing. */
enum wn_access { WN_READ = 1, WN_WRITE = 2, WN_READ_WRITE = 3, WN_SCRATCH = 6 };

/* Buffers hold 4-byte elements (float, int32_t, uint32_t). Sizes of lists are often known only to
 * the device: then params carry the most there can be, and the last entry of a `ptr` buffer how
 * many there are; elements past that are not written. */
struct wn_kernel {
    const char *name;
    int n_bufs;
    enum wn_access access[WN_MAX_BUFS];
    size_t params_size; /* the push constants: 4-byte members, at most 128 bytes */
    /* The specification: plain loops. */
    void (*ref)(const void *params, void *const *buf);
    /* The same bits, faster; NULL: ref is at the limit already. */
    void (*fast)(const void *params, void *const *buf, struct wn_pool *pool);
    /* Workgroups along x; a shader takes gl_WorkGroupID.x + gl_WorkGroupID.y * 32768 (the backend
     * folds counts above that into y). */
    uint32_t (*groups)(const void *params);
    /* A filter's own: no shader. A device stops, the host runs `ref` on the buffers, it goes on:
     * for decisions over few numbers that no shader makes well. Params may hold a pointer to what
     * lives as long as the plan. A plan runs it at once where it reads inputs alone. */
    bool host;
    /* Where buffer 0 is the matrix of kernel `gram` and nobody else reads that, the CPU hands in
     * the rows instead; this changes the params to say so. NULL: it needs the matrix. */
    void (*by_rows)(void *params, int32_t dim);
};

/* The backend adds the execution modes for floats that the device reports. */
struct wn_spirv {
    const char *name; /* of the kernel */
    const uint32_t *code;
    size_t size; /* bytes */
    bool half;   /* a second form, whose buffer 0 holds f16 */
};
extern const struct wn_kernel *const wn_kernels[]; /* NULL-ended, made by meson */
extern const struct wn_spirv wn_spirvs[];          /* name NULL ends */

/* 1 / sqrt(x) for x >= 2^-100: a bit guess and four Newton steps, the same in C and in GLSL. */
static inline float wn_rsqrt(float x)
{
    union { float f; uint32_t u; } g = {x};

    g.u = 0x5f375a86u - (g.u >> 1);
    const float h = 0.5f * x;
    float y = g.f;
    for (int i = 0; i < 4; i++) {
        const float t = h * y;
        y = y * (1.5f - t * y);
    }
    return y;
}

/* 0 for a denormal or a zero of either sign. For a number that is chosen, but enters no product or
 * sum: when denormals count as zeros, the larger of two comes out of some processors as it went
 * in and out of others (x86's MAXSS) as a zero. */
static inline float wn_flushed(float x)
{
    return x < 1.17549435e-38f && x > -1.17549435e-38f ? 0 : x;
}

/* e^x, the same in C and in GLSL: x is brought into [-87, 88], below -87 it is 0. */
static inline float wn_exp(float x)
{
    static const float c[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24, 1.0f / 6, 0.5f, 1, 1};
    const float z = x > 88 ? 88 : x;

    if (z < -87)
        return 0;
    const float q = z * 1.44269504f;
    const int32_t n = (int32_t)(q + (q < 0 ? -0.5f : 0.5f));
    const float k = (float)n;
    const float r = (z - k * 0.693359375f) + k * 2.12194440e-4f;
    float y = c[0];
    for (int i = 1; i < 8; i++)
        y = y * r + c[i];
    union { uint32_t u; float f; } scale = {(uint32_t)(n + 127) << 23};
    return y * scale.f;
}

/* Logarithm of a normal x > 0, the same in C and in GLSL: the exponent's, and a polynomial for the
 * rest, which lies between sqrt(1 / 2) and sqrt(2). */
static inline float wn_ln(float x)
{
    static const float c[] = {7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f,
                              -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                              2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f};
    union { float f; uint32_t u; } v = {x};
    float e = (float)((int32_t)(v.u >> 23) - 126), y = c[0];

    v.u = (v.u & 0x7fffffu) | 0x3f000000u;
    const bool small = v.f < 0.707106781f;
    const float r = (small ? v.f + v.f : v.f) - 1, z = r * r;
    e = small ? e - 1 : e;
    for (int i = 1; i < 9; i++)
        y = y * r + c[i];
    return (r + ((y * (z * r) + e * -2.12194440e-4f) - 0.5f * z)) + e * 0.693359375f;
}

/* Sum of a[i] * b[i] in lanes. */
float wn_dot(const float *a, const float *b, int32_t n);

/* Before in the total order. */
static inline bool wn_before(float a, int32_t i, float b, int32_t j)
{
    return a > b || (a == b && i < j);
}

#endif
