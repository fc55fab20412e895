/* SPDX-License-Identifier: MIT */
/* What vision/ offers: frames in, projected rows out, with the taps that filters asked for. A
 * second encoder shares this interface: an implementation starts with struct wn_encoder. */
#ifndef WN_ENCODER_H
#define WN_ENCODER_H

#include "pool.h"
#include "reducer.h"

#define WN_MAX_LAYERS 128

/* Which taps to read, a flag a layer. The same list as Hugging Face's `attentions`: entry l is
 * layer l of L. A tap that nobody asked for costs nothing. */
struct wn_needs {
    bool cls[WN_MAX_LAYERS];
    bool keys[WN_MAX_LAYERS];
    bool logits; /* wn_rows.logits; without a CLS token there are none */
    bool global; /* wn_rows.global */
    struct wn_reducer *reducer; /* filters between its layers; NULL: none. See info.reduces */
};

struct wn_encoder_info {
    const char *arch;       /* projector type as in the GGUF */
    int32_t dim;            /* of a row: the language model's input width */
    int32_t n_layers;       /* L, what layer numbers count from, as in Python */
    int32_t n_read;         /* taps of layers 0 .. n_read - 1 can be read: below L where the encoder
                             * stops early (LLaVA takes its features a layer before the end) */
    int32_t depth;          /* layers that rows pass, from 0 */
    bool reduces;           /* takes filters between its layers */
    int32_t patches;        /* of one picture, where it does */
    int32_t tower_dim;      /* of a row between layers, where it does */
    int32_t n_heads;
    bool has_cls;           /* a CLS token in the tower */
    bool cls_row;           /* its projected row is among the output rows */
    int32_t lost_patches;   /* patches that this encoder loses (libmtmd on LLaVA: 1) */
    bool mrope;
    bool merges_pairs;      /* two frames of a video become one (Qwen-VL's temporal patches) */
    int32_t video_rows;     /* of a frame of a video, where count() says otherwise; 0: as it says */
    int32_t max_batch;      /* frames worth giving at once */
    int32_t fast_side;      /* with fast_resize: frames are brought to this many pixels of the
                             * longer side, so they need not come larger; 0: they do */
    const char *note;       /* what a user should know of this encoder and model; NULL: nothing */
};

struct wn_encoder {
    struct wn_encoder_info info;
    /* n pictures in, one wn_rows with n frames out (n / 2 rounded up where pairs merge and
     * `video`). Frames need not share a size. frames[i].index and the like are the caller's to set.
     * Not more than one call at a time. */
    int (*encode)(struct wn_encoder *encoder, struct wn_frame *const *frames, int n, bool video,
                  const struct wn_needs *needs, struct wn_rows **out);
    /* Rows and glue tokens of one picture of this size, without encoding it. */
    int (*count)(struct wn_encoder *encoder, int32_t width, int32_t height, int32_t *rows,
                 int32_t *tokens);
    void (*destroy)(struct wn_encoder *encoder);
};

struct wn_encoder_params {
    const char *mmproj;
    const char *kind;       /* "auto" (or NULL), "own" or "mtmd" */
    void *text_model;       /* struct llama_model * of the language model it will feed */
    const char *cls_layout; /* what the model's key winnow.cls_layout says, or NULL: see design */
    int n_threads;
    bool no_gpu;
    bool fast_resize;
    struct wn_pool *pool;
    struct wn_log *log;
};

/* Our own towers for CLIP and SigLIP with projectors of the LLaVA family, libmtmd for every other
 * architecture and for models that were trained on libmtmd's rows (winnow.cls_layout "last"). */
int wn_encoder_open(struct wn_encoder **out, const struct wn_encoder_params *params);
/* libmtmd, for every architecture it knows. */
int wn_encoder_mtmd_open(struct wn_encoder **out, const struct wn_encoder_params *params);
void wn_encoder_close(struct wn_encoder **encoder);

/* See wn_convert_mmproj() and wn_merge_lora(). */
struct wn_converted;
int wn_mmproj_convert(const char *from, const char *to, struct wn_converted *out,
                      struct wn_log *log);
int wn_mmproj_merge(const char *from, const char *lora, const char *to, struct wn_converted *out,
                    struct wn_log *log);

#endif
