/* SPDX-License-Identifier: MIT */
/* Every kernel against its reference: the fast C function, alone and on threads, and the shader.
 *
 * A kernel's file has its cases: they make inputs, name them and call kt_check(), which runs
 * every implementation on poisoned outputs and compares all buffers bit for bit, the words behind
 * their ends too. What a case allocates lives until it is checked. bench() does the same with
 * kt_bench(), at the sizes of real models. */
#ifndef KT_HARNESS_H
#define KT_HARNESS_H

#include "compress/kernels.h"
#include "compress/plan.h"

struct kt; /* a run */

struct kt_kernel {
    const char *name;
    void (*cases)(struct kt *kt);
    void (*bench)(struct kt *kt);
};
extern const struct kt_kernel *const kt_kernels[]; /* NULL-ended, made by meson */

/* ---- random numbers: the same for the same --seed and kernel ---- */

uint32_t kt_random(struct kt *kt);
int32_t kt_below(struct kt *kt, int32_t n);                   /* in [0, n) */
int32_t kt_between(struct kt *kt, int32_t low, int32_t high); /* in [low, high] */
float kt_unit(struct kt *kt);                                 /* in [-1, 1) */

/* ---- buffers, of 4-byte elements ---- */

int32_t *kt_ints(struct kt *kt, int64_t n, int32_t low, int32_t high); /* in [low, high] */
void *kt_out(struct kt *kt, int64_t n);                               /* for results */

enum kt_style {
    KT_PLAIN,  /* in [-1, 1) */
    KT_EQUAL,  /* all the same */
    KT_TIES,   /* few small integers, so that sums tie exactly */
    KT_ZEROS,  /* rows of zeros among the others */
    KT_HUGE,   /* up to 2^50 */
    KT_TINY,   /* around the smallest normal number, denormals among them */
    KT_SPREAD, /* from 2^-40 to 2^40 */
    KT_STYLES
};
const char *kt_style_name(enum kt_style style);
float *kt_floats(struct kt *kt, int64_t rows, int64_t dim, enum kt_style style);

/* Rows in frames. */
struct kt_rows {
    const char *name;
    int32_t n_frames, rows;
    int32_t n;    /* the most there can be: params.n; buffers have a row for each */
    int32_t *ptr; /* [n_frames + 1] */
};
enum { KT_SHAPES = 9 };
struct kt_rows kt_rows(struct kt *kt, int shape);
struct kt_rows kt_even_rows(struct kt *kt, int32_t n_frames, int32_t each);
/* Some of in's rows in the same frames, never more than `most` a frame. */
struct kt_rows kt_fewer_rows(struct kt *kt, const struct kt_rows *in, int32_t most);
int32_t kt_frame_of(const struct kt_rows *rows, int32_t row);

/* ---- what cases end with ---- */

/* buf: of the functions above, in the kernel's order. Frees every buffer of the case. */
void kt_check(struct kt *kt, const void *params, void *const *buf, const char *label, ...)
    WN_PRINTF(4, 5);
/* bytes: what must be read and written at least. */
void kt_bench(struct kt *kt, const void *params, void *const *buf, int64_t bytes,
              const char *label, ...) WN_PRINTF(5, 6);

#endif
