/* SPDX-License-Identifier: MIT */
/* The golden program: outputs of the authors' own code against ours.
 *
 *     golden [--device cpu|vulkan|NAME] [--weights stored|q8_0] DIR...
 *
 * DIR holds a folder a set, each with one safetensors file a case. Parameters come from a file's
 * metadata, expectations from its tensors, nothing from its name. Adding a set: put NAME into
 * `golden_sets` of tests/meson.build and write sets/NAME.c with `golden_NAME`. A case passes when
 * it did not fail and every out.* tensor was compared. With --weights towers keep their matrices
 * as the files have them (f16), or in Q8_0: then a line a case tells the largest error. */
#ifndef WN_GOLDEN_H
#define WN_GOLDEN_H

#include <jansson.h>

#include "pipeline/pool.h"
#include "pipeline/safetensors.h"

struct wn_backend;

struct golden_case {
    const struct safetensors *file; /* tensors and metadata */
    const char *path;               /* of that file: what it needs besides stands in its folder */
    struct wn_backend *backend;     /* to run plans on */
    struct wn_pool *pool;
    struct wn_log *log;
    double tolerance;               /* the set's, or the default */
    int weights;                    /* of towers, an enum wn_vit_weights; WN_VIT_F32 is compared,
                                     * of others errors are told */
    const char *lora;               /* a file that the tower takes differences from; or NULL */
    bool tells;                     /* floats are measured, not compared */
    double worst;                   /* the largest error, relative to its tensor's largest */
    char why[512];                  /* set by the checks below: the first difference */
    int failed;
    const char *skip;               /* set by a case that cannot run: why */
    bool *checked;                  /* [file->n] private, as is what follows */
    void **made;
    int n_made;
};

struct golden_set {
    const char *name;   /* of the folder */
    bool runs_kernels;  /* false: skipped on vulkan */
    double tolerance;   /* of floats, relative to the tensor's largest value; 0: 1e-5 */
    const char *const *beyond; /* NULL-ended prefixes of out.* tensors that are of something which
                                  winnow does not have; or NULL */
    /* Runs one case and checks every out.* tensor (and mid.* where there is one of ours). */
    void (*run)(struct golden_case *c);
};
extern const struct golden_set *const golden_sets[];

/* Parameters from metadata: they are JSON values, or strings that hold JSON. A missing one fails
 * the case. */
int64_t golden_int(struct golden_case *c, const char *key);
double golden_num(struct golden_case *c, const char *key);
const char *golden_str(struct golden_case *c, const char *key);
bool golden_has(const struct golden_case *c, const char *key);
json_t *golden_meta(const struct golden_case *c, const char *key); /* new reference or NULL */

/* Tensors, converted; borrowed from the case. NULL (and a failed case) when missing. shape holds
 * at least 8. */
const float *golden_f32(struct golden_case *c, const char *name, int64_t *shape, int *n_dims);
const int32_t *golden_i32(struct golden_case *c, const char *name, int64_t *shape, int *n_dims);
/* n zeroed elements of 4 bytes that live as long as the case. NULL: failed. */
void *golden_alloc(struct golden_case *c, int64_t n);
bool golden_has_tensor(const struct golden_case *c, const char *name);

/* Compares with tensor `name`: counts and every value; NaN equals NaN. */
void golden_expect_i32(struct golden_case *c, const char *name, const int32_t *got, int64_t n);
void golden_expect_f32(struct golden_case *c, const char *name, const float *got, int64_t n);
void golden_fail(struct golden_case *c, const char *fmt, ...) WN_PRINTF(2, 3);

#endif
