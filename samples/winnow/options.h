/* SPDX-License-Identifier: MIT */
/* The options of all commands: one table that parsing, environment and help read. */
#ifndef WINNOW_OPTIONS_H
#define WINNOW_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
# define PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
# define PRINTF(fmt, args)
#endif

enum {
    CMD_ASK      = 1,
    CMD_COMPRESS = 2,
    CMD_INSPECT  = 4,
    CMD_SCENES   = 8,
    CMD_FILTERS  = 16,
    CMD_INFO     = 32,
    CMD_VERSION  = 64,
    CMD_HELP     = 128,
    CMD_BENCH    = 256,
    CMD_CAPTION  = 512,
    CMD_BATCH    = 1024,
    CMD_CONVERT  = 2048,
    CMD_CACHE    = 4096,
    CMD_CHAT     = 8192,

    CMD_ANSWER = CMD_ASK | CMD_CAPTION | CMD_BATCH | CMD_CHAT,
    CMD_MODEL = CMD_ANSWER | CMD_COMPRESS | CMD_INSPECT,
    CMD_VIDEO = CMD_MODEL | CMD_SCENES,
    CMD_ALL   = 0xFFFF,
};

enum option_type {
    OPTION_FLAG,   /* bool */
    OPTION_COUNT,  /* int64_t, one more each time it is given */
    OPTION_TEXT,   /* const char * */
    OPTION_INT,    /* int64_t; suffixes k, M and G (powers of 1024) where max allows */
    OPTION_REAL,   /* double */
    OPTION_TIME,   /* double, seconds: 90, 1:30 or 00:01:30.5 */
    OPTION_CHOICE, /* const char *, one of `choices` */
};

/* Values; zero or NULL: not given. */
struct options {
    const char *model, *mmproj, *chat_template, *frame_label, *encoder;
    int64_t ctx, threads;
    bool cpu, fast_resize;

    const char *filters, *device;
    int64_t tokens, window, cache_size;
    bool no_cache;

    double start, end, max_duration, max_scene;
    bool staged;
    const char *hwaccel;
    const char *chapters;
    char scene_chain[80]; /* what staged and max_scene stand for */
    int64_t stream, max_pixels, max_frames; /* stream: index plus 1 */
    bool allow_cover;
    const char *subtitles;

    int64_t max_tokens, top_k, seed;
    double temp, top_p;
    const char *system;
    bool dry_run;

    int64_t frames, dim, rounds; /* of bench */
    const char *grid;
    double vit_ms;
    const char *keep, *plot, *against;
    int64_t questions;
    bool compare, shorter;

    const char *strategy, *note_prompt, *final_prompt, *split_prompt, *nothing; /* of a search */
    int64_t look;

    const char *prompt, *summary_prompt, *format, *sidecar; /* of captions */
    double segment;
    bool summary;

    const char *task, *question, *shard; /* of batch */
    int64_t jobs, item_memory;
    double item_timeout;
    bool retry_errors, isolate;

    const char *output, *dtype, *lora;
    int64_t columns, thumb, per_page;
    bool json, csv, markdown, strict;
    const char *progress, *color;
    bool quiet, help, version;
    int64_t verbose;
};

struct option_info {
    const char *name;     /* long, without dashes; the environment's twin is WINNOW_NAME */
    char letter;          /* 0: none */
    const char *value;    /* what help calls the value; NULL: a flag */
    unsigned commands;    /* CMD_* */
    const char *group;    /* heading in help */
    enum option_type type;
    size_t offset;        /* in struct options */
    double min, max;
    const char *choices;  /* separated by | */
    const char *help;     /* lower case, no full stop; the default in parentheses */
};
extern const struct option_info option_table[]; /* ended by name NULL; groups stand together */

/* Reads WINNOW_* and argv (from the word after the command) for one command. Arguments that are no
 * options are moved to args. 0, or -1 with one sentence in why. --help stops the checking. */
int options_parse(struct options *out, unsigned command, int argc, char **argv, char **args,
                  int *n_args, char *why, size_t why_size);
int options_thumb(const struct options *opt); /* --thumb or its default, pixels */
/* WINNOW_NAME of an option. */
void option_env(const struct option_info *info, char *buf, size_t size);
/* The entry of words (n of them, NULL where a place is empty) that is most like word, or NULL. */
const char *nearest(const char *word, const char *const *words, int n);

#endif
