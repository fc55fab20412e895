/* SPDX-License-Identifier: MIT */
/* What session.c, source.c and segment.c share. */
#ifndef WN_SESSION_H
#define WN_SESSION_H

#include "cache.h"
#include "compressor.h"
#include "decoder.h"
#include "encoder.h"
#include "llm.h"
#include "stage.h"

struct wn_session {
    struct wn_log log;
    struct wn_params p; /* strings are copies, defaults filled in */
    struct wn_pool *pool;
    struct wn_device *device; /* of all its filters */
    struct wn_jail *jail; /* where files are decoded; NULL: here */
    bool jailer;          /* which this session made */
    struct wn_llm *llm; /* NULL: no model */
    struct wn_llm_info llm_info;
    struct wn_encoder *encoder;
    char *label;            /* of frames of a video */
    bool cached;            /* rows may be kept on disk, under keys that begin with this: */
    struct wn_key cache_key;
    struct wn_kept kept;    /* folder NULL: no prompts are kept */
    struct wn_bench_rig *bench; /* NULL: nothing measured yet */
    struct wn_session *owner; /* whose models these are: itself, or models_of */
    /* Of the owner: each model serves one source at a time. */
    pthread_mutex_t llm_lock, encoder_lock;
    bool apart;     /* both may run at once */
    int sets_left;  /* of models that sessions may open again */
};

/* A call to a model stands between these; its messages are this session's meanwhile. */
void wn_session_lock_llm(struct wn_session *s);
void wn_session_unlock_llm(struct wn_session *s);
void wn_session_lock_encoder(struct wn_session *s);
void wn_session_unlock_encoder(struct wn_session *s);

/* The folder of the caches, the user's own where cache_dir is NULL; NULL: there is none. Freed by
 * the caller. */
char *wn_cache_folder(const char *cache_dir);
/* Makes cached, cache_key and kept, once the models are open. */
void wn_session_cache_key(struct wn_session *s);

/* Cells that the visual part of a prompt can have when nobody says. */
int64_t wn_session_room(const struct wn_session *s);
/* Of the whole context. */
int64_t wn_session_cells(const struct wn_session *s);
int wn_session_answer_tokens(const struct wn_ask_params *ask);
/* What the caller's struct says, of whatever version it is; NULL: the defaults. */
struct wn_ask_params wn_session_take_ask(const struct wn_ask_params *params);

/* What an answer took, for its caller; out may be NULL. */
void wn_session_give_stats(struct wn_ask_stats *out, const struct wn_answer_stats *stats);
/* An answer about rows; takes the models' lock. */
int wn_session_answer(struct wn_session *s, const struct wn_prompt *prompt,
                      const struct wn_ask_params *ask, char **answer,
                      struct wn_answer_stats *stats);

/* Adds what these chains of token filters, separated by ';', need of the encoder. */
int wn_session_taps(struct wn_session *s, const char *chains, struct wn_needs *needs);

/* Token filters that run over segments again: wn_segment_filter() keeps one for one segment. */
struct wn_refilter {
    struct wn_session *s;
    struct wn_chain *chain;
    struct wn_compressor *compressor;
};
/* r holds nothing on failure. */
int wn_refilter_open(struct wn_refilter *r, struct wn_session *s, const char *filters);
void wn_refilter_close(struct wn_refilter *r);
int wn_refilter_run(struct wn_refilter *r, const struct wn_segment *seg, struct wn_segment **out);

struct wn_segment {
    atomic_int refs;
    struct wn_rows *rows; /* compact */
    int32_t n_frames, n_before;
    struct wn_row_frame *frames; /* of the uncompressed segment: every frame that was encoded */
    int32_t *row0;               /* [n_frames + 1] uncompressed rows of each */
    double start, end;
    /* Made when first asked for, under the lock. */
    pthread_mutex_t lock;
    int32_t *cells, *pos, *row_frame, *place;
    double *row_time;
};
/* What is known before compression; rows come later. */
int wn_segment_create(struct wn_segment **out, const struct wn_rows *before);

/* The projector beside the model: NULL when there is none or more than one to choose from, and
 * then *why says so. Freed by the caller. */
char *wn_find_mmproj(const char *model, const char **why);

#endif
