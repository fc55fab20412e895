/* SPDX-License-Identifier: MIT */
#include "compress/blocks.h"
#include "compress/kernels.h"

/* floor(a * w / total) for products that a float holds exactly; else as its arithmetic has it. */
static float share(float a, float w, float total)
{
    const float q = wn_rsqrt(total > 1e-24f ? total : 1e-24f), part = a * w;
    const float estimate = part * (q * q);
    const float most = estimate < 1e9f ? estimate : 1e9f;
    float n = (float)(int32_t)most;

    n = (n + 1) * total <= part ? n + 1 : n;
    n = n * total > part ? n - 1 : n;
    return n > 0 ? n : 0;
}

/* What parts without a quota weigh together; when that is nothing, each weighs its cap. */
static float weigh(const float *w, const float *cap, const float *quota, int32_t n, bool *even)
{
    float total = 0, caps = 0;

    for (int32_t s = 0; s < n; s++) {
        total += quota[s] < 0 ? w[s] : 0;
        caps += quota[s] < 0 ? cap[s] : 0;
    }
    *even = !(total > 0);
    return *even ? caps : total;
}

/* Parts whose share is not below their cap get it. */
static float fill(const float *w, const float *cap, float *quota, int32_t n, float amount)
{
    bool again = true;

    while (again) {
        bool even;
        const float total = weigh(w, cap, quota, n, &even), had = amount;
        again = false;
        for (int32_t s = 0; s < n; s++) {
            const float own = even ? cap[s] : w[s];
            if (quota[s] < 0 && had * own >= cap[s] * total) {
                quota[s] = cap[s] < amount ? cap[s] : amount;
                amount = amount - quota[s];
                again = true;
            }
        }
    }
    return amount;
}

/* Whole shares, and one more for the largest remainders. */
static void split(const float *w, const float *cap, float *quota, int32_t n, float amount)
{
    bool even;
    const float total = weigh(w, cap, quota, n, &even);
    float left = amount;

    for (int32_t s = 0; s < n; s++)
        left = left - (quota[s] < 0 ? share(amount, even ? cap[s] : w[s], total) : 0);
    for (int32_t s = 0; s < n; s++) {
        if (quota[s] >= 0)
            continue;
        const float own = amount * (even ? cap[s] : w[s]);
        const float whole = share(amount, even ? cap[s] : w[s], total), rest = own - whole * total;
        float before = 0;
        for (int32_t t = 0; t < n; t++) {
            const float other = amount * (even ? cap[t] : w[t]);
            const float r = other - share(amount, even ? cap[t] : w[t], total) * total;
            /* quotas that this loop has set are below -1 */
            before += (quota[t] < 0) && wn_before(r, t, rest, s);
        }
        quota[s] = -2 - (whole + (before < left ? 1.0f : 0.0f));
    }
    for (int32_t s = 0; s < n; s++)
        quota[s] = quota[s] < -1 ? -2 - quota[s] : quota[s];
}

static void frame(const struct wn_divide_params *p, const float *w, const float *cap,
                  const float *fixed, float *quota, int32_t n, float amount)
{
    float total = 0;

    for (int32_t s = 0; s < n; s++) {
        quota[s] = fixed[s];
        total += fixed[s] < 0 ? w[s] : 0;
    }
    if (p->how == WN_DIVIDE_EXACT) {
        amount = fill(w, cap, quota, n, amount);
        split(w, cap, quota, n, amount);
        return;
    }
    for (int32_t s = 0; s < n; s++) {
        const float own = p->how == WN_DIVIDE_OWN ? share(1, w[s], 1)
                        : total > 0 ? share(amount, w[s], total) : 0;
        if (fixed[s] < 0)
            quota[s] = own < cap[s] ? own : cap[s];
    }
}

static void ref(const void *params, void *const *buf)
{
    const struct wn_divide_params *p = params;
    const int32_t *ptr = buf[3];
    const float *amount = buf[4];

    for (int32_t f = 0; f < p->n_frames; f++)
        frame(p, (const float *)buf[0] + ptr[f], (const float *)buf[1] + ptr[f],
              (const float *)buf[2] + ptr[f], (float *)buf[5] + ptr[f], ptr[f + 1] - ptr[f],
              amount[f]);
}

static uint32_t groups(const void *params)
{
    return (uint32_t)((((const struct wn_divide_params *)params)->n_frames + 63) / 64);
}

const struct wn_kernel wn_kernel_divide = {
    .name = "divide",
    .n_bufs = 6,
    .access = {WN_READ, WN_READ, WN_READ, WN_READ, WN_READ, WN_WRITE},
    .params_size = sizeof(struct wn_divide_params),
    .ref = ref,
    .groups = groups,
};
