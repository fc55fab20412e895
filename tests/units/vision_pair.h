/* SPDX-License-Identifier: MIT */
/* A pair of random models and a picture, for the tests of vision/. */
#ifndef WN_TEST_VISION_PAIR_H
#define WN_TEST_VISION_PAIR_H

#include <llama.h>
#include <mtmd.h>

#include "pipeline/encoder.h"

struct pair {
    char llm[512], mmproj[512];
    struct llama_model *model;
    bool made; /* by pair_make(): removed again */
};

/* Where mkmodel is and where its files go; set by main(). */
extern const char *pair_mkmodel, *pair_dir;
/* Runs mkmodel; extra: further words for its command line, or NULL. */
bool pair_make(struct pair *pair, const char *kind, const char *extra);
bool pair_load(struct pair *pair); /* the language model of llm */
void pair_free(struct pair *pair);

struct wn_frame *picture(int32_t width, int32_t height, unsigned seed);

/* A plain libmtmd run: all rows of one picture, or of two merged frames, as one array. A node that
 * `see` is called with may be read; flash attention as said. */
struct plain {
    mtmd_context *ctx;
    mtmd_input_chunks *chunks;
    float *rows;
    size_t n_rows, dim;
    bool (*see)(struct plain *plain, struct ggml_tensor *tensor, bool ask);
    void *arg;
};
bool plain_open(struct plain *plain, const struct pair *pair, bool flash);
bool plain_encode(struct plain *plain, struct wn_frame *const *frames, int n);
void plain_close(struct plain *plain);

struct fixture {
    struct pair pair;
    struct wn_log log;
    struct wn_pool *pool;
    struct wn_encoder *enc;
    const char *kind;
};
int open_encoder(struct fixture *f, const char *cls_layout, bool fast);
void begin(struct fixture *f, const char *kind, const char *extra); /* makes and opens a pair */
void end(struct fixture *f);
struct wn_rows *encode(struct fixture *f, struct wn_frame *const *frames, int n, bool video,
                       const struct wn_needs *needs); /* fails the test, never returns NULL */

struct wn_needs all_needs(const struct wn_encoder_info *info); /* what can be read */
void check_taps(struct fixture *f);
void check_tap_cost(struct fixture *f);

#endif
