/* SPDX-License-Identifier: MIT */
/* What the commands of the winnow tool share. The tool uses the library through winnow.h alone.
 *
 * A command is a function that gets a struct tool whose options are parsed and whose arguments are
 * counted, and returns the exit status. Results go to stdout, everything else to stderr. */
#ifndef WINNOW_TOOL_H
#define WINNOW_TOOL_H

#include <jansson.h>

#include "options.h"
#include "term.h"
#include "winnow.h"

/* Exit statuses: scripts rely on them, so they never change meaning. */
enum status {
    STATUS_OK          = 0,
    STATUS_SOME        = 1,  /* some inputs failed, the others are done */
    STATUS_USAGE       = 2,
    STATUS_INPUT       = 3,  /* missing or unreadable */
    STATUS_DATA        = 4,  /* not a video, or nothing in it can be decoded */
    STATUS_UNSUPPORTED = 5,
    STATUS_LIMIT       = 6,
    STATUS_MODEL       = 7,
    STATUS_DEVICE      = 8,
    STATUS_NOMEM       = 9,
    STATUS_OUTPUT      = 10, /* a result could not be written */
    STATUS_PARTIAL     = 11, /* --strict: a result, but from damaged input */
    STATUS_BUG         = 70,
    STATUS_LOCKED      = 75, /* another process works on the same */
    STATUS_INTERRUPTED = 130,
    STATUS_BROKEN_PIPE = 141, /* nobody reads stdout any more: no message */
    STATUS_TERMINATED  = 143,
};

struct tool;

struct command {
    const char *name;
    unsigned bit;            /* in struct option.commands */
    const char *args;        /* as help shows them */
    int min_args, max_args;
    const char *arg_names[2]; /* for "VIDEO is missing" */
    const char *brief;
    const char *text;        /* what else help says; NULL: nothing */
    int (*run)(struct tool *tool);
};
extern const struct command commands[]; /* ended by name NULL */
const struct command *command_find(const char *name);

struct signals;

struct tool {
    const struct command *command;
    struct options opt;
    struct term term;
    struct signals *signals;
    char **args;
    int n_args;
    const char *file; /* args[0] where that is a video */
    char *said;       /* NULL, or 1024 bytes that get a failure's sentence instead of stderr */
};

int run_ask(struct tool *tool);
int run_batch(struct tool *tool);
int run_cache(struct tool *tool);
int run_caption(struct tool *tool);
int run_chat(struct tool *tool);
int run_compress(struct tool *tool);
int run_convert(struct tool *tool);
int run_inspect(struct tool *tool);
int run_scenes(struct tool *tool);
int run_bench(struct tool *tool);
int run_filters(struct tool *tool);
int run_info(struct tool *tool);
int run_version(struct tool *tool);
int run_help(struct tool *tool);

void help_overview(void);
void help_command(const struct command *command);

/* ---- one video through the library (job.c) ---- */

struct job {
    struct wn_session *models_of; /* set before, where its models do */
    struct wn_session *session;
    struct wn_source *source;
    struct wn_segment *rows; /* instead of a source: they came from a file */
    int video;               /* of rows: frames had labels */
    struct wn_ask_stats asked; /* of rows, about the last question */
};
/* A session from the options and, unless url is NULL, a source. Says what failed. Gives a status;
 * job_close() is due in any case. */
enum job_flags {
    JOB_MODEL = 1, JOB_IMAGES = 2, JOB_PROGRESS = 4, JOB_ROOM = 8,
    JOB_ROWS = 16, /* a file of rows will do in place of a video */
    JOB_SEARCH = 32, /* for wn_source_search() */
};
/* What can be told before anything is loaded: a missing model or file. job_open() does it too. */
int job_check(struct tool *tool, unsigned flags);
int job_open(struct job *job, struct tool *tool, unsigned flags);
/* The session alone; job is zero but for models_of. */
int job_session(struct job *job, struct tool *tool, unsigned flags);
void job_close(struct job *job, struct tool *tool);
/* The status for a library call that returned err < 0; says why, in one line and, with --json, in
 * an object on stdout. */
int job_failed(struct tool *tool, const struct job *job, int err);
/* A word for a status, as in the JSON object of a failure. */
const char *status_word(int status);
/* Says "FILE: sentence" (and the JSON object) for a failure of our own. */
int tool_fail(struct tool *tool, enum status status, const char *fmt, ...) PRINTF(3, 4);
/* The status of a run that gave a result: STATUS_PARTIAL where --strict asks for it. */
int job_status(struct tool *tool, const struct job *job);
/* The warning that goes with damaged input. */
void job_warn_partial(struct tool *tool, const struct wn_media *media);
/* Writes the rows of job's source to a safetensors file (compress.c). */
int compress_source(struct tool *tool, struct job *job, const char *path);

/* ---- rows in place of a video (rows.c) ---- */

bool rows_named(const char *file);
int rows_check(struct tool *tool);
int rows_open(struct job *job, struct tool *tool);
/* wn_source_ask(), wn_source_stats() and wn_source_media() of a source or of rows. */
int job_ask(struct job *job, const char *question, const struct wn_ask_params *params,
            char **answer);
void job_stats(const struct job *job, struct wn_stats *out);
void job_media(const struct job *job, struct wn_media *out);

/* ---- output ---- */

/* Members that every object has: schema, command, version, status, file. */
json_t *json_result(const struct tool *tool, const char *status);
json_t *json_media(const struct wn_media *media);
/* Figures of a run: tokens, frames, scenes, time of each stage, peak memory, device, filters. */
void json_set_stats(json_t *object, const struct wn_stats *stats);
json_t *json_number(double value); /* null for what JSON cannot say */
/* A string that is valid UTF-8 whatever s holds: broken bytes become U+FFFD. */
json_t *json_text(const char *s);
/* Adds `key`, and `key_hex` with the exact bytes where s is not valid UTF-8. */
void json_set_path(json_t *object, const char *key, const char *s);
/* One line (indented on a terminal); frees object. Gives a status. */
int json_print(struct tool *tool, json_t *object);
/* Flushes stdout: STATUS_OK, STATUS_BROKEN_PIPE or, with a message, STATUS_OUTPUT. */
int stdout_status(struct tool *tool);

#endif
