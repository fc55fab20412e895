/* SPDX-License-Identifier: MIT */
/* Writes a GGUF of random weights piece by piece: keys and tensors are declared first, then the
 * file is written without ever holding a whole tensor in memory. For tests and tools. */
#ifndef WN_TEST_GGUF_OUT_H
#define WN_TEST_GGUF_OUT_H

#include <stdbool.h>
#include <stdint.h>

#include <ggml.h>
#include <gguf.h>

struct gguf_out;

struct gguf_out *gguf_out_create(uint64_t seed, enum ggml_type matrix_type);
struct gguf_context *gguf_out_keys(struct gguf_out *out); /* to set keys on; owned by out */
/* Keys under a prefix: "PREFIX.NAME". */
void gguf_out_u32(struct gguf_out *out, const char *prefix, const char *name, uint32_t v);
void gguf_out_f32(struct gguf_out *out, const char *prefix, const char *name, float v);

/* Values are uniform around `mean` with standard deviation `std`, from the seed and the tensor's
 * name, so that the order of declarations does not matter. */
void gguf_out_matrix(struct gguf_out *out, const char *name, int64_t n_in, int64_t n_out,
                     double std);  /* matrix type, or F16 where its rows do not fit that type */
void gguf_out_f32s(struct gguf_out *out, const char *name, int64_t n0, int64_t n1, double mean,
                   double std);    /* n1 0: one dimension */
void gguf_out_conv(struct gguf_out *out, const char *name, int64_t patch, int64_t n_out,
                   double std);    /* [n_out][3][patch][patch], F16 or F32 */

bool gguf_out_write(struct gguf_out *out, const char *path);
void gguf_out_destroy(struct gguf_out **out);

#endif
