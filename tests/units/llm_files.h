/* SPDX-License-Identifier: MIT */
/* Small GGUF files for the tests of llm/: vocabularies without weights, and damaged headers. */
#ifndef WN_TEST_LLM_FILES_H
#define WN_TEST_LLM_FILES_H

#include <gguf.h>
#include <llama.h>

/* Control tokens and, from n_control on, user-defined ones of the test vocabularies. */
extern const char *const test_specials[];
extern const int test_n_control, test_n_specials;

/* Keys of a language model with a vocabulary: SentencePiece with a space prefix, or byte-level
 * BPE. The caller frees it. */
struct gguf_context *test_llm_keys(int bpe);
/* Writes g to a new temporary file; path must hold 64 bytes. */
void test_write(const struct gguf_context *g, char path[64]);
/* Loads the vocabulary alone. */
struct llama_model *test_vocab(int bpe);

#endif
