/* SPDX-License-Identifier: MIT */
/* What the decisions count on, measured on the device and not read from what it reports: denormals
 * are flushed, sums and products are rounded to nearest and not fused, wn_rsqrt() gives the bits
 * that it gives here. It runs the kernels themselves, so it sees what the driver made of them. */
#include "vulkan.h"
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS = 96, DIM = 70, WIDTH = 24 };

struct values {
    float x[ROWS * DIM];
    int32_t mate[ROWS], ptr[2];
    float tiny[ROWS * WIDTH];
};

struct results {
    float unit[ROWS * DIM], cos[ROWS], sum[ROWS];
    int32_t rank[ROWS];
};

/* In [-1, 1), 24 bits of it set as they come. */
static float value(uint32_t *state)
{
    *state = *state * 1664525u + 1013904223u;
    return (float)(*state >> 8) * (1.0f / 8388608.0f) - 1.0f;
}

static float from_bits(uint32_t bits)
{
    const union { uint32_t u; float f; } v = {bits};

    return v.f;
}

static float power_of_two(int e)
{
    return from_bits((uint32_t)(e + 127) << 23);
}

static void make_values(struct values *v)
{
    uint32_t state = 1;

    for (int i = 0; i < ROWS; i++) {
        /* From squares that vanish to sums near 2^125. */
        const float scale = power_of_two(i * 5 / 4 - 63);
        for (int c = 0; c < DIM; c++)
            v->x[i * DIM + c] = scale * value(&state);
        v->mate[i] = (i + 1) % ROWS;
        /* Of either sign, below and above the smallest normal number; made of bits, as sums and
         * products may flush here too. */
        for (int c = 0; c < WIDTH; c++) {
            const uint32_t bits = state = state * 1664525u + 1013904223u;
            v->tiny[i * WIDTH + c] = from_bits(bits & 0x81ffffffu);
        }
    }
    v->ptr[0] = 0;
    v->ptr[1] = ROWS;
}

static const struct wn_unit_params unit = {.n = ROWS, .n_frames = 1, .dim = DIM};
static const struct wn_pair_cos_params pair_cos = {
    .n = ROWS, .n_frames = 1, .dim = DIM, .offset = 0.3f, .scale = 0.7f,
};
static const struct wn_reduce_params reduce = {
    .n = ROWS, .width = WIDTH, .n_c = 1, .n_a = WIDTH, .step_a = 1, .n_b = 1, .scale = 0.4f,
};
static const struct wn_rank_params rank = {.n = ROWS, .n_segments = 1};

static void expect(struct values *v, struct results *r)
{
    void *const unit_buf[] = {v->x, v->ptr, r->unit};
    void *const cos_buf[] = {v->x, v->mate, v->ptr, r->cos};
    void *const sum_buf[] = {v->tiny, r->sum};
    void *const rank_buf[] = {v->tiny, v->ptr, r->rank};
    const unsigned saved = wn_flush_enter();

    wn_kernel_unit.ref(&unit, unit_buf);
    wn_kernel_pair_cos.ref(&pair_cos, cos_buf);
    wn_kernel_reduce.ref(&reduce, sum_buf);
    wn_kernel_rank.ref(&rank, rank_buf);
    wn_flush_leave(saved);
}

static int measure(struct wn_vulkan *vk, const struct values *v, struct results *r)
{
    struct wn_plan *plan = NULL;
    const char *why = "";
    int err;

    TRY(wn_plan_create(&plan));
    const wn_buf x = wn_plan_input(plan, "x", v->x, ROWS * DIM);
    const wn_buf mate = wn_plan_input(plan, "mate", v->mate, ROWS);
    const wn_buf ptr = wn_plan_input(plan, "ptr", v->ptr, 2);
    const wn_buf tiny = wn_plan_input(plan, "tiny", v->tiny, ROWS * WIDTH);
    const wn_buf y = wn_plan_temp(plan, "unit", ROWS * DIM);
    const wn_buf cosine = wn_plan_temp(plan, "cos", ROWS);
    const wn_buf sum = wn_plan_temp(plan, "sum", ROWS);
    const wn_buf order = wn_plan_temp(plan, "rank", ROWS);
    wn_plan_call(plan, &wn_kernel_unit, &unit, (const wn_buf[]){x, ptr, y});
    wn_plan_call(plan, &wn_kernel_pair_cos, &pair_cos, (const wn_buf[]){x, mate, ptr, cosine});
    wn_plan_call(plan, &wn_kernel_reduce, &reduce, (const wn_buf[]){tiny, sum});
    wn_plan_call(plan, &wn_kernel_rank, &rank, (const wn_buf[]){tiny, ptr, order});
    wn_plan_output(plan, y, r->unit);
    wn_plan_output(plan, cosine, r->cos);
    wn_plan_output(plan, sum, r->sum);
    wn_plan_output(plan, order, r->rank);
    if (wn_plan_error(plan, &why) < 0)
        err = wn_fail(vk->log, wn_plan_error(plan, &why), "self-test: %s", why);
    else
        err = wn_vk_run(vk, plan);
fail:
    wn_plan_destroy(&plan);
    return err;
}

int wn_vk_self_test(struct wn_vulkan *vk)
{
    struct values *v = wn_calloc(1, sizeof(*v));
    struct results *r = wn_calloc(2, sizeof(*r));
    const char *what = NULL;
    int err = WN_ERR_NOMEM;

    if (!v || !r) {
        wn_nomem(vk->log, "the self-test");
        goto fail;
    }
    make_values(v);
    expect(v, &r[0]);
    TRY(measure(vk, v, &r[1]));
    if (memcmp(r[0].sum, r[1].sum, sizeof(r[0].sum)))
        what = "sums of tiny values";
    else if (memcmp(r[0].unit, r[1].unit, sizeof(r[0].unit)))
        what = "lengths";
    else if (memcmp(r[0].cos, r[1].cos, sizeof(r[0].cos)))
        what = "products";
    else if (memcmp(r[0].rank, r[1].rank, sizeof(r[0].rank)))
        what = "comparisons of tiny values";
    if (what)
        err = wn_fail(vk->log, WN_ERR_UNSUPPORTED, "%s: %s differ from the CPU's, so its decisions "
                      "could too; it is not used", vk->name, what);
fail:
    free(v);
    free(r);
    return err;
}
