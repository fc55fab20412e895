/* SPDX-License-Identifier: MIT */
/* winnow: a long video in, a short sequence of visual tokens out, and a language model asked about
 * it.
 *
 * This is the whole public API. Every name starts with wn_ or WN_.
 *
 * Rules that hold everywhere:
 *  - A function that can fail returns int: WN_OK (0), a positive status, or a negative
 *    enum wn_error. Output pointers are untouched on failure unless said.
 *  - A zero field of a params struct means "the default". Build one with its macro:
 *    wn_open(&s, wn_params(.model = "m.gguf", .mmproj = "p.gguf")).
 *    It and everything it points to need only live until the call returns.
 *  - wn_X_close(&x) and wn_X_unref(&x) accept a pointer to NULL and set it to NULL.
 *  - One handle, one thread at a time. Sources of one session may run in parallel; they share
 *    its models, one after the other. wn_cancel() is the one call allowed from any thread.
 *  - Strings are UTF-8. Times are seconds from the start of the stream.
 */
#ifndef WINNOW_H
#define WINNOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WN_VERSION_MAJOR 0
#define WN_VERSION_MINOR 1
#define WN_VERSION_PATCH 0

#if defined(__GNUC__)
#define WN_API __attribute__((visibility("default")))
#else
#define WN_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

WN_API unsigned wn_version(void); /* major << 16 | minor << 8 | patch, of the library in use */

enum wn_error {
    WN_OK = 0,
    WN_AGAIN = 1, /* nothing to give yet: push more input */
    WN_EOF = 2,   /* nothing more will come */

    WN_ERR_ARG = -1,         /* a caller's mistake: bad value, bad order of calls */
    WN_ERR_NOMEM = -2,       /* host or device memory */
    WN_ERR_IO = -3,          /* cannot open, read or write */
    WN_ERR_DATA = -4,        /* the input is damaged or not what it claims to be */
    WN_ERR_UNSUPPORTED = -5, /* valid, but not something this build or device does */
    WN_ERR_DEVICE = -6,      /* the GPU failed or was lost */
    WN_ERR_MODEL = -7,       /* a model file is bad, of the wrong kind, or refused */
    WN_ERR_ABORTED = -8,     /* a callback asked to stop, or wn_cancel() */
    WN_ERR_LIMIT = -9,       /* a limit was hit: pixels, streams, duration, context */
};
WN_API const char *wn_strerror(int err); /* a few words for the code, never NULL */

enum wn_log_level { WN_LOG_ERROR = 1, WN_LOG_WARN, WN_LOG_INFO, WN_LOG_DEBUG };

struct wn_session; /* models, device and threads, set up once */
struct wn_source;  /* one video, image or stream of frames, turned into segments on demand */
struct wn_segment; /* refcounted: the compact tokens of one scene or window; any thread may hold one
                    */

/* ---- session ---- */

struct wn_params {
    size_t size;         /* set by wn_params() */
    const char *model;   /* language model, GGUF; NULL: no answers, scenes and frames only */
    const char *mmproj;  /* vision encoder, GGUF; NULL: looked for beside the model; "": none, for
                            answers about rows that were read */
    const char *device;  /* of the filters: "auto" (default), "cpu", "vulkan" or part of a Vulkan
                            device's name. A software Vulkan device runs only when named. */
    const char *filters; /* the chain, e.g. "scene,fps=2,vtc_cls=keep=64" (default "auto") */
    int64_t tokens;      /* budget in KV cells for the visual part; 0: what the context holds,
                            which is at most 16384 cells unless n_ctx says more */
    int n_threads;       /* most of decoding, of filters and of each model, where a small one takes
                            fewer; 0: number of cores */
    int n_ctx;           /* most KV cells; 0: what the prompt needs, up to what the model was
                            trained for */
    const char *chat_template; /* name of a built-in template or a Jinja-like text llama.cpp knows;
                              NULL: the model's own */
    const char *frame_label;   /* text before each frame of a video; {n} is its number from 1, {t}
                              its time as m:ss.s. NULL: the model's own or "[{t}]"; "": none */
    const char *cache_dir;     /* for compiled pipelines; NULL: $XDG_CACHE_HOME/winnow */
    int no_gpu_model;          /* keep both models on the CPU even when llama.cpp could offload */
    int fast_resize;           /* libswscale's resize instead of libmtmd's bytes */
    const char *subtitles; /* "auto": the source's own text track; else a subtitle file: its text
                              enters the prompt at its times. NULL: none */

    /* Limits on what a file may ask of this process. */
    int64_t max_pixels;  /* of one picture; default 178956970 */
    double max_duration; /* seconds; default: none */
    int64_t max_frames;  /* decoded from one source; default: none */
    int64_t window;      /* bytes of uncompressed rows in a segment; default 96 MiB. A segment has
                            hardly more than 64 frames, either */

    /* Called from the thread that called winnow or, for decoding, from a thread of winnow's, never
     * two at once for one session. No trailing newline. */
    void (*log)(void *opaque, enum wn_log_level level, const char *msg);
    enum wn_log_level log_level; /* default WN_LOG_WARN */
    void *opaque;

    const char *encoder; /* of pictures: "auto" (default), "own" or "mtmd", see docs/encoder.md */
    int64_t row_cache; /* most bytes of encoded and of compressed rows in cache_dir, so that another
                          question about a file decodes and encodes nothing; 0: none are kept;
                          negative: nor is anything else of a video, its packet index too */
    const char *hwaccel; /* decoding on a GPU through libav: "auto", "vaapi", "cuda" or "vulkan";
                            software decodes what it cannot. NULL or "none": software */
    int keep_kv;         /* what the language model made of a source's rows is kept within row_cache
                            too, so that another question, of another process, costs its own words
                            alone. What is there is used in any case */
    struct wn_session *models_of; /* instead of model and mmproj: the models of that session, which
                            must be closed after this one. Sources of different sessions run beside
                            each other; calls to the same model wait, and models too small for all
                            threads are opened again. Each session has its own messages and
                            wn_cancel(). */
    int isolate; /* each file is decoded by a process of its own, so that one that crashes a decoder
                    costs an error. These are forks of a process that wn_open() forks first of all:
                    open the session before other threads run. Subtitles are read by this process */
    int64_t isolate_memory; /* bytes that decoding a file may take; default 4 GiB */
    double isolate_seconds; /* of a processor, likewise; default: any */
};
#define wn_params(...) (&(struct wn_params){.size = sizeof(struct wn_params), __VA_ARGS__})

/* *out is set even on failure (save out of memory), so that wn_errmsg() can tell why; close it. */
WN_API int wn_open(struct wn_session **out, const struct wn_params *params);
WN_API void wn_close(struct wn_session **s); /* its sources must be closed first */
/* The last failure of this session or of one of its sources, in words; never NULL. Valid until the
 * next failure. */
WN_API const char *wn_errmsg(const struct wn_session *s);
/* Every call that is running or starts later returns WN_ERR_ABORTED. wn_resume() lifts it for
 * sources that are opened afterwards; one that was stopped stays so. */
WN_API void wn_cancel(struct wn_session *s);
WN_API void wn_resume(struct wn_session *s);

/* ---- one call ---- */

struct wn_ask_stats { /* of one answer */
    size_t size;          /* set by the caller */
    int64_t prompt_cells; /* KV cells of the prompt: text, labels and visual rows */
    int64_t answer_tokens;
    double prefill_s, generate_s;
    int64_t reused_cells; /* of prompt_cells, that the last prompt had left in the model */
};

struct wn_ask_params {
    size_t size;
    double start, end;  /* part of the video, seconds; end 0: to its end (wn_ask() only) */
    int max_tokens;     /* of the answer, default 512 */
    double temperature; /* 0: greedy */
    int top_k;          /* default 40, used when temperature > 0 */
    double top_p;       /* default 0.95, likewise */
    uint32_t seed;      /* default 0 */
    const char *system; /* system message, if the model's template has a place for it */
    struct wn_ask_stats *stats; /* filled, also by wn_ask_segments(); NULL: not wanted */

    /* Optional. A nonzero return stops with WN_ERR_ABORTED. Text comes in whole characters. */
    int (*on_text)(void *opaque, const char *utf8, size_t len);
    int (*on_progress)(void *opaque,
                       double done); /* 0 to 1, of everything before the first token */
    void *opaque;
};
#define wn_ask_params(...)                                                                         \
    (&(struct wn_ask_params){.size = sizeof(struct wn_ask_params), __VA_ARGS__})

/* *answer is freed with wn_free(); answer may be NULL when on_text is enough. */
WN_API int wn_ask(struct wn_session *s, const char *url, const char *question,
                  const struct wn_ask_params *params, char **answer);
WN_API void wn_free(void *ptr);

/* ---- step by step ---- */

enum wn_pixel_format { WN_RGB24, WN_NV12, WN_YUV420P };

/* A picture: 8 bits, rows top to bottom, upright, square pixels. YUV is BT.601 limited range. */
struct wn_image {
    size_t size;
    enum wn_pixel_format format;
    const uint8_t *data[3];
    ptrdiff_t stride[3]; /* bytes */
    int32_t width, height;
    double time; /* seconds */
};

struct wn_frame_info; /* of a segment, below */
struct wn_source_params {
    size_t size;
    double start, end;   /* seconds; end 0: to the end */
    int stream;          /* video stream by index in the file plus 1; 0: the best one */
    int allow_cover;     /* take an attached cover picture for an image */
    int keep_frames;     /* segments keep their frames' pictures, see wn_segment_image(); 1: as they
                            are, more: scaled down to so many pixels of the longer side */
    const char *filters; /* instead of the session's */
    int64_t tokens;      /* instead of the session's */
    int per_segment;     /* each segment will be asked about by itself: the budget, what the context
                            holds when none was set, is that of every one, which comes as soon as it
                            is made */
    double max_segment;  /* seconds that a segment spans at most; 0: any number */
    int (*on_progress)(void *opaque, double done); /* nonzero stops with WN_ERR_ABORTED */
    void *opaque;
    const char *taps_for; /* chains, separated by ';', that wn_segment_filter() will run: what they
                             need of the encoder is read and stays with the segments */

    /* Importance of a frame's rows, the higher the more, for the filter `scores` and others that
     * take the score of the filter before: frame->n_rows of them, in the order of a prompt. Called
     * once a frame, in order, with `opaque`; nonzero stops with WN_ERR_ABORTED. NULL: none. */
    int (*on_scores)(void *opaque, const struct wn_frame_info *frame, float *scores);

    int search; /* for wn_source_search(): segments keep all rows that the chain leaves, whatever
                   the budget, and are no longer than max_segment, 30 s when that is 0. The chain
                   "auto" then picks frames alone, at least one in two seconds that differs */
};
#define wn_source_params(...)                                                                      \
    (&(struct wn_source_params){.size = sizeof(struct wn_source_params), __VA_ARGS__})

/* url: a file name, or NULL for frames that the caller pushes. params may be NULL. */
WN_API int wn_source_open(struct wn_source **out, struct wn_session *s, const char *url,
                          const struct wn_source_params *params);
/* img NULL: no more frames. The picture is copied. */
WN_API int wn_source_push(struct wn_source *src, const struct wn_image *img);
/* The next segment: WN_OK, WN_AGAIN (push more), WN_EOF or an error. The caller unrefs it.
 * Segments come in order of time. With a `budget` filter they come after the last frame, since a
 * later one can still take tokens from an earlier one. */
WN_API int wn_source_pull(struct wn_source *src, struct wn_segment **out);
/* Asks about the whole source: pulls all segments and keeps them, so that another question decodes
 * and encodes nothing. Without a `budget` in the chain one is set by what the model's context
 * holds. A segment that wn_source_pull() gave away is the caller's: see wn_ask_segments(). */
WN_API int wn_source_ask(struct wn_source *src, const char *question,
                         const struct wn_ask_params *params, char **answer);
WN_API void wn_source_close(struct wn_source **src);

/* ---- long videos: one answer from many prompts ---- */

enum wn_strategy {
    WN_BY_BUDGET, /* one prompt; segments that matter to the question get more of its cells */
    WN_BY_NOTES,  /* a note on each segment, then an answer from the notes alone (LVCoT) */
    WN_BY_SPLIT,  /* sub-questions, each over the prompt of WN_BY_BUDGET, then an answer from
                     theirs (D-CoDe) */
};

struct wn_search_part { /* a segment that was looked at */
    size_t size;
    int32_t index;     /* among all, from 0 */
    double start, end; /* seconds */
    double relevance;  /* 0 to 1: that its note has something to say */
    double support;    /* 0 to 1: how probable the answer is by this segment alone; 0: not asked */
    int found;         /* the answer is in it */
    int64_t cells;     /* of its rows and labels in the last prompt of what is seen */
    const char *note;  /* NULL: none, or nothing to say */
};

struct wn_search_params {
    size_t size;
    enum wn_strategy strategy;
    int64_t tokens; /* KV cells of what is seen that any prompt has at most; 0: those of a `budget`
                       in the chain, of the source, or what the context holds */
    int64_t look;   /* of them, what a segment gets while its relevance is found out; 0: a fourth */
    /* Prompts; NULL: the model's own (GGUF keys winnow.prompt.note, .final, .split, .nothing), or
     * plain English. Filled in: {question}; in note {media}, {index}, {start}, {end}, {previous};
     * in final {notes} and {timed_notes}. */
    const char *note, *final, *split;
    const char *nothing; /* what a note says that has nothing to say; several with '|' */
    int note_tokens;     /* of a note, at most; default 48 */
    const struct wn_ask_params *ask; /* of the answer; max_tokens, sampling and system of all */
    /* Each segment once it was looked at: support, found and cells are still to come. Nonzero stops
     * with WN_ERR_ABORTED. */
    int (*on_part)(void *opaque, const struct wn_search_part *part);
    void *opaque;
};
#define wn_search_params(...)                                                                      \
    (&(struct wn_search_params){.size = sizeof(struct wn_search_params), __VA_ARGS__})

struct wn_sub_answer {
    const char *question, *answer;
};

struct wn_search { /* what came of it; everything in it goes with wn_search_free() */
    size_t size;
    const char *answer;
    double start, end; /* when, by the segments it was found in, never by what the model wrote: the
                          best one and what is next to it; end 0: it was found in none */
    int32_t n_parts;
    const struct wn_search_part *parts; /* all segments, by time */
    int32_t n_subs;
    const struct wn_sub_answer *subs; /* of WN_BY_SPLIT, unless the question stayed as it was */
    int32_t prompts;     /* that the model read */
    int64_t most_cells;  /* of what was seen in any of them */
    double look_s;       /* from the first segment's rows to the last one's relevance */
    double answer_s;     /* from there to the end */
};

/* Looks at every segment of the source, holds on to rows of about two budgets at most, and answers.
 * A second question needs a source opened anew, which then decodes and encodes nothing where the
 * cache is on: see row_cache. */
WN_API int wn_source_search(struct wn_source *src, const char *question,
                            const struct wn_search_params *params, struct wn_search **out);
WN_API void wn_search_free(struct wn_search **search);

struct wn_scene {
    double start, end;              /* seconds */
    int64_t start_frame, end_frame; /* decoded frames, end exclusive */
    double score;                   /* of the detector at the cut that starts it; 0 for the first */
};
/* Reads the source through with its chain's `scene` filter (or the default one) and nothing else:
 * no model is needed. *out is freed with wn_free(). */
WN_API int wn_source_scenes(struct wn_source *src, struct wn_scene **out, int *n);

struct wn_media { /* what the file says, and what was found */
    size_t size;
    int32_t width, height; /* upright, as shown with square pixels */
    double duration;       /* seconds; 0: not known */
    double fps;            /* average; 0: not known */
    const char *codec, *container;
    int32_t rotation; /* degrees, already applied */
    int still;        /* one picture, not a video */
    int64_t frames_decoded, frames_kept, decode_errors;
    int partial; /* damaged: a part could not be decoded */
};
WN_API void wn_source_media(const struct wn_source *src,
                            struct wn_media *out); /* strings live as long as src */

struct wn_packet_info { /* what a file's packets tell without decoding */
    size_t size;
    int64_t packets, bytes; /* of the video stream */
    int64_t keys;           /* key frames: a GOP is one of them and what follows up to the next */
    double shortest, median, longest; /* GOP, seconds */
    int64_t most_packets;   /* in a GOP */
    int chooses;            /* frames can be chosen by them before anything is decoded */
    int cached;             /* they were read earlier and kept */
    double seconds;         /* that reading them took */
};
/* Reads the packets through, or what was kept of them. WN_ERR_ARG for pushed frames and pipes. */
WN_API int wn_source_packets(struct wn_source *src, struct wn_packet_info *out);

struct wn_stats { /* of a source so far */
    size_t size;
    int64_t frames; /* that reached the encoder */
    int64_t scenes, segments;
    int64_t tokens_before, tokens_after; /* visual rows */
    int64_t prompt_cells; /* KV cells of the last prompt: text, labels and visual rows */
    int64_t answer_tokens;
    double decode_s, encode_s, compress_s, prefill_s, generate_s; /* busy time of each stage */
    double first_token_s; /* from wn_source_open() to the first token of the first answer */
    int64_t peak_bytes;   /* most resident memory of this process so far */
    const char *device;   /* that ran the filters; "cpu" or the Vulkan device's name */
    const char *filters;  /* the chain after presets were expanded */
    const char *mmproj;   /* the vision encoder in use; NULL: none */
    int64_t cached;       /* segments that came from the cache: nothing was decoded for them */
};
WN_API void wn_source_stats(const struct wn_source *src, struct wn_stats *out);

struct wn_forecast { /* what can be told before anything is decoded */
    size_t size;
    int64_t frames;      /* that the frame filters leave, at most; 0: cannot be told */
    int64_t frame_cells; /* KV cells of a whole frame with its label */
    int64_t cells;       /* KV cells of everything seen, at most */
    int64_t kv_bytes;    /* memory of those cells */
};
WN_API int wn_source_forecast(const struct wn_source *src, struct wn_forecast *out);

/* The compact rows of a segment. All pointers are borrowed from it. */
struct wn_tokens {
    size_t size;
    int32_t n, dim;
    const float *data;    /* [n][dim], what the language model takes */
    const int32_t *frame; /* [n] frame of the source, counted after frame filters */
    const double *time;   /* [n] seconds */
    const int32_t *pos;   /* [n][2] row and column in the encoder's grid; -1, -1: whole frame */
    const float *score;   /* [n] of the last scoring filter, or NULL */
    /* W as CSR over the segment's n_before uncompressed rows: token = sum of weight * row.
     * `linear` 0: some filter was not linear and W only tells which rows went in. */
    const int32_t *source_ptr, *source_idx;
    const float *source_weight;
    int32_t n_before;
    int32_t linear;
    const int32_t *cell;  /* [n] which of its frame's uncompressed rows a token stands for: a prompt
                             has the tokens of a frame in this order, ties in their own */
    const int32_t *place; /* [n][4] M-RoPE t, y, x, z from where its part begins, or NULL */
};
WN_API void wn_segment_tokens(const struct wn_segment *seg, struct wn_tokens *out);

struct wn_frame_info {
    size_t size;
    int32_t index;  /* in the source, after frame filters */
    int64_t number; /* of the decoded frame in the stream, from 0 */
    double time;    /* seconds */
    int32_t scene;
    int32_t grid_h, grid_w; /* the encoder's grid of rows */
    int32_t row0, n_rows;   /* this frame's rows among the n_before uncompressed rows */
};
WN_API int32_t wn_segment_frames(const struct wn_segment *seg);
WN_API int wn_segment_frame(const struct wn_segment *seg, int32_t i, struct wn_frame_info *out);
/* Part of a frame in a prompt: tokens of the model's own (begin of image, tile break), rows. */
struct wn_part_info {
    size_t size;
    int32_t row0, n_rows;  /* of the frame's uncompressed rows */
    int32_t n_pos;         /* how far these rows move the position, where any is left */
    int32_t non_causal;    /* they attend to each other both ways */
    int32_t n_tokens;
    const int32_t *tokens; /* borrowed */
};
/* Part j of frame i; WN_ERR_ARG past the last. */
WN_API int wn_segment_part(const struct wn_segment *seg, int32_t i, int32_t j,
                           struct wn_part_info *out);
/* RGB24 of frame i, borrowed; WN_ERR_ARG without keep_frames. */
WN_API int wn_segment_image(const struct wn_segment *seg, int32_t i, struct wn_image *out);
/* Grid cells before compression: [n_before][2] row and column, borrowed. */
WN_API const int32_t *wn_segment_cells(const struct wn_segment *seg);
/* From its first frame to where the next segment or the end of the source is. */
WN_API void wn_segment_times(const struct wn_segment *seg, double *start, double *end);
WN_API int32_t wn_segment_scene(const struct wn_segment *seg);
/* KV cells that a text takes; negative: an error. */
WN_API int64_t wn_text_cells(struct wn_session *s, const char *text);
/* KV cells that a prompt and its answer can have in all; 0: no model. */
WN_API int64_t wn_context_cells(const struct wn_session *s);
/* Asks about segments that the caller holds, of any sources of this session, in this order. `video`
 * nonzero: frames get labels. */
WN_API int wn_ask_segments(struct wn_session *s, struct wn_segment *const *segs, int n, int video,
                           const char *question, const struct wn_ask_params *params, char **answer);
/* Runs token filters on a copy of a segment: the same encoding serves many chains. What they need
 * of the encoder must be there: see taps_for. Not for `budget`, which acts over all segments. */
WN_API int wn_segment_filter(struct wn_session *s, const struct wn_segment *seg,
                             const char *filters, struct wn_segment **out);
/* The rows of a file that `winnow compress` wrote, as one segment of this session's model. What the
 * file says is checked before any of it is used. *video, which may be NULL: frames had labels. */
WN_API int wn_segment_read(struct wn_session *s, const char *path, struct wn_segment **out,
                           int *video);
WN_API struct wn_segment *wn_segment_ref(struct wn_segment *seg);
WN_API void wn_segment_unref(struct wn_segment **seg);

/* ---- files ---- */

struct wn_converted {
    int64_t bytes_before, bytes;
    int32_t matrices; /* that are in Q8_0 now, or have LoRA in them */
};
/* Writes the vision encoder `from`, a GGUF of f16 or f32 that winnow's own encoder supports, to
 * `to` with its matrices in Q8_0, which libmtmd reads as well. `to` appears whole or not at all;
 * everything else is copied as it is. A session without a model will do. */
WN_API int wn_convert_mmproj(struct wn_session *s, const char *from, const char *to,
                             struct wn_converted *out);
/* The same, but matrices keep their type, and those of queries, keys and values become W + B A:
 * `lora` is a safetensors file with A and B of every layer, called as TempMe calls them
 * (visual.transformer.resblocks.N.attn.TVPt_LoRA_a and _b, after any prefix). */
WN_API int wn_merge_lora(struct wn_session *s, const char *from, const char *lora, const char *to,
                         struct wn_converted *out);

/* ---- what is kept on disk: see row_cache in struct wn_params ---- */

struct wn_cache_entry {
    size_t size;
    char name[64];   /* of its file */
    char about[240]; /* the video and the stage */
    int64_t bytes;
    double used;     /* when last, seconds since 1970 */
    int damaged;     /* told in full only when every byte was read */
};
/* Every entry, last used first; a nonzero return of `each` ends it and is returned. cache_dir as in
 * struct wn_params. `verify` reads all bytes. */
WN_API int wn_cache_each(const char *cache_dir, int verify,
                         int (*each)(void *opaque, const struct wn_cache_entry *entry),
                         void *opaque);
/* Removes an entry, or with name NULL all; gives how many. */
WN_API int wn_cache_remove(const char *cache_dir, const char *name);
/* Removes entries, least recently used first, until they take no more than most_bytes; gives how
 * many bytes are left. */
WN_API int64_t wn_cache_trim(const char *cache_dir, int64_t most_bytes);

/* ---- what this build can do ---- */

struct wn_option_info {
    const char *name, *type, *help, *def, *range;
};
struct wn_filter_info {
    const char *name;
    const char *family; /* transformation, similarity, attention, query, or baseline, frame */
    const char *places; /* "frame", "token", ... separated by spaces */
    const char *needs;  /* what of the encoder: "cls", "keys", ...; "host": steps of
                           the host between those of a device; or "" */
    const char *brief;  /* one line */
    const char *paper;  /* title or link, and the authors' code; "" for our own */
    const struct wn_option_info *options;
    int n_options;
};
WN_API const struct wn_filter_info *wn_filter(int i); /* NULL past the last */

struct wn_preset_info {
    const char *name, *brief, *chain; /* chain as it stands before numbers are filled in */
};
WN_API const struct wn_preset_info *wn_preset(int i); /* NULL past the last */

struct wn_device_info {
    char name[128]; /* "cpu" or the Vulkan device's name */
    char driver[128];
    int software; /* a CPU behind a Vulkan driver */
    int exact;    /* its arithmetic passed the self-test: decisions may run there */
    int32_t subgroup;
    int64_t memory; /* bytes of device memory; 0: not known */
};
WN_API int wn_devices(struct wn_device_info *out,
                      int max); /* how many there are; fills up to max */

/* A line each, "name: value", of what the library was built with and runs on. */
WN_API int wn_build_info(void (*line)(void *opaque, const char *name, const char *value),
                         void *opaque);

/* ---- how fast it is here ---- */

struct wn_bench_params {
    size_t size;
    const char *filters; /* token filters: a chain */
    int32_t n_frames;    /* default 64 */
    int32_t grid_h, grid_w, dim; /* of a frame's rows, default 24, 24 and 1024 */
    int rounds;          /* default 7 */
};
#define wn_bench_params(...)                                                                       \
    (&(struct wn_bench_params){.size = sizeof(struct wn_bench_params), __VA_ARGS__})

struct wn_bench_time {
    double median, low, high; /* seconds; 0: not measured */
};

struct wn_bench_machine { /* what nothing on this machine can exceed */
    size_t size;
    int threads;
    double read, copied;      /* bytes a second from memory; copied ones are read and written */
    double flop;              /* float additions and multiplications a second, in registers */
    char device[128];         /* beside the CPU; "": none */
    double device_copied;     /* bytes a second, as `copied` */
    double submit;            /* seconds of a plan of one small kernel */
    double encoder;           /* seconds of the session's vision encoder a frame; 0: no model */
};
/* The session's threads, and its device unless that is "cpu". */
WN_API int wn_bench_machine(struct wn_session *s, struct wn_bench_machine *out);

struct wn_bench { /* of all segments of that shape, as a film would be cut into */
    size_t size;
    int64_t rows_before, rows_after;
    int64_t bytes;            /* that have to be read and written, each once */
    int64_t flop;             /* of products of all rows with all others; else 0 */
    int32_t segments, calls;  /* kernels in the plan of a segment */
    int32_t submits;          /* of all segments */
    struct wn_bench_time cpu, device;                 /* check, plan, kernels, transfers, W */
    struct wn_bench_time cpu_kernels, device_kernels; /* of these the kernels alone */
};
/* Random rows through a chain of token filters, on the CPU and the session's device turn about. */
WN_API int wn_bench_compress(struct wn_session *s, const struct wn_bench_params *params,
                             struct wn_bench *out);

#ifdef __cplusplus
}
#endif
#endif
