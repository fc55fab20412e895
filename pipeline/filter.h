/* SPDX-License-Identifier: MIT */
/* What a filter declares, and a chain of them.
 *
 * A filter is one file in decode/filters or compress/filters with one `const struct wn_filter
 * wn_filter_NAME`; its name stands in that folder's meson list and nowhere else. Help, `winnow
 * filters`, the README's table and the checks read the declaration. */
#ifndef WN_FILTER_H
#define WN_FILTER_H

#include <libavutil/log.h>
#include <libavutil/opt.h>

#include "util.h"

enum wn_family {
    WN_TRANSFORMATION, /* fewer rows by place alone: pooling, pixel shuffle */
    WN_SIMILARITY,     /* rows like others go or merge */
    WN_ATTENTION,      /* rows that get little attention go */
    WN_QUERY,          /* the question decides */
    WN_BASELINE,       /* what a method must beat */
    WN_BUDGET,
    WN_FRAME, /* picks frames */
};

enum wn_place { WN_AT_FRAME = 1, WN_AT_ENCODER = 2, WN_AT_TOKEN = 4, WN_AT_LLM = 8 };

enum wn_need {
    WN_NEED_CLS =
        1, /* CLS attention rows; attention received stands in where there is no CLS token */
    WN_NEED_KEYS = 2, /* raw keys of a layer */
    WN_NEED_GRID = 4, /* the same grid in every frame: rows pair up over time by cell */
    WN_NEED_LOGITS = 8,  /* CLS attention before the softmax */
    WN_NEED_GLOBAL = 16, /* a vector a frame; the mean of its rows stands in */
    WN_NEED_HOST = 32,   /* steps of the host inside its plan: more than one submit of a device */
};

struct wn_frame_ops; /* decode/frame_filter.h */
struct wn_token_ops; /* compress/build.h */
struct wn_encoder_ops; /* likewise */

struct wn_filter {
    const char *name;
    const char *brief; /* one line, lower case, no full stop */
    const char
        *paper; /* "Title (arXiv number), authors' code owner/name @ commit"; NULL: our own */
    enum wn_family family;
    unsigned places; /* WN_AT_*, the first is the default */
    unsigned needs;  /* WN_NEED_* */
    bool scores;     /* leaves a score on each row */
    bool not_linear; /* its rows are not sums of input rows: W then only tells what went in */
    const AVOption *options;                     /* NULL-ended, or NULL; offsets into priv */
    size_t priv_size;                            /* priv starts with `const AVClass *class` */
    int (*init)(void *priv, struct wn_log *log); /* after options were set: checks them; or NULL */
    void (*finish)(void *priv);                  /* or NULL */
    const struct wn_frame_ops *frame;            /* set where places says WN_AT_FRAME */
    const struct wn_token_ops *token;            /* likewise WN_AT_TOKEN; NULL for `budget` */
    const struct wn_encoder_ops *encoder;        /* likewise WN_AT_ENCODER */
};

/* NULL-ended, made by meson from the folders' lists. */
extern const struct wn_filter *const wn_frame_filters[];
extern const struct wn_filter *const wn_token_filters[];

struct wn_instance { /* one filter of a chain */
    AVClass class;   /* what priv points to */
    const struct wn_filter *filter;
    void *priv;
    enum wn_place at;
};

struct wn_chain {
    struct wn_instance **item; /* in order: frame, encoder, token, llm */
    int n;
    char *text; /* as it runs, presets expanded */
};

/* What `auto` and other presets are chosen by. */
struct wn_clip {
    double duration; /* seconds; 0: not known */
    double segment;  /* each segment is asked about by itself and lasts so long at most, duration
                        too; 0: the whole is asked about */
    bool still;
    int32_t frame_rows;     /* rows of one frame; 0: no model */
    int32_t frame_glue;     /* cells around them: label, begin and end of image */
    int64_t tokens;         /* budget asked for, or what the context holds; 0: no model */
    bool reduces;           /* the encoder takes filters between its layers */
    bool budget;            /* it was asked for: a chain that names no `budget` gets one */
    bool search;            /* segments are looked at one by one, with all rows */
};

/* Parses text, expands presets (chosen by clip), sets options, checks order and names. One sentence
 * on failure. */
int wn_chain_parse(struct wn_chain **out, const char *text, const struct wn_clip *clip,
                   struct wn_log *log);
void wn_chain_destroy(struct wn_chain **chain);
/* The part of the chain that acts at one place: a pointer into item and how many. */
struct wn_instance **wn_chain_at(const struct wn_chain *chain, enum wn_place at, int *n);
const struct wn_filter *wn_filter_find(const char *name);
/* One filter by itself, with its defaults; init() is not called. */
int wn_instance_create(struct wn_instance **out, const struct wn_filter *filter);
void wn_instance_destroy(struct wn_instance **instance);

/* How many of n a `keep` means: below 1 a share (truncated), else a count, never more than n. */
int32_t wn_keep(double keep, int32_t n);

/* The option every filter with a `keep` declares. */
#define WN_OPT_KEEP(type, field, help, def)                                                        \
    {                                                                                              \
        "keep", help, offsetof(type, field), AV_OPT_TYPE_DOUBLE, {.dbl = def}, 0, 1e9, 0, NULL     \
    }

#endif
