/* SPDX-License-Identifier: MIT */
/* stderr: messages and progress; and text made fit for a terminal. */
#ifndef WINNOW_TERM_H
#define WINNOW_TERM_H

#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "winnow.h"

enum progress_mode { PROGRESS_NONE, PROGRESS_BAR, PROGRESS_PLAIN, PROGRESS_JSON };

struct term {
    enum progress_mode progress;
    bool color, color_out;   /* on stderr and on stdout */
    bool quiet;
    int verbose;
    const char *file;
    double began, drawn;     /* seconds of the monotonic clock */
    double done;             /* last shown */
    bool bar_visible;
};

void term_init(struct term *term, const struct options *opt, const char *file);
/* "winnow: FILE: sentence"; control characters escaped, the bar taken away first. */
void term_error(struct term *term, const char *file, const char *sentence);
void term_warn(struct term *term, const char *file, const char *sentence);
void term_note(struct term *term, const char *fmt, ...) PRINTF(2, 3); /* unless --quiet */
/* struct wn_params.log: errors are left to wn_errmsg(), unless -vv. */
void term_log(void *opaque, enum wn_log_level level, const char *msg);
/* on_progress of the library; opaque is struct term. Never stops. */
int term_progress(void *opaque, double done);
void term_clear(struct term *term); /* takes the bar away */

double now_seconds(void);

/* ---- text ---- */

/* Control characters (C0, DEL, C1) and broken UTF-8 as \n, \t, \xHH; a backslash as \\. Always
 * ends buf; what does not fit is cut at a whole character and ends in "...". */
const char *escape(char *buf, size_t size, const char *s);
/* Length of the UTF-8 character at s (n bytes left), 0 when it is broken. */
size_t utf8_length(const char *s, size_t n);
bool utf8_valid(const char *s);
/* What a model wrote, fit for a terminal: control characters save newline and tab are dropped. */
size_t strip_controls(char *dst, const char *src, size_t n);
/* 90, 1:30, 00:01:30.5; -1 when it is something else. */
int parse_time(const char *s, double *out);
/* HH:MM:SS.mmm */
const char *format_time(char *buf, size_t size, double seconds);
const char *format_bytes(char *buf, size_t size, double bytes);

#endif
