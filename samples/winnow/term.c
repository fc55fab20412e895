/* SPDX-License-Identifier: MIT */
#include "term.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

double now_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static bool is_set(const char *name)
{
    const char *value = getenv(name);
    return value && *value;
}

static bool smart_terminal(int fd)
{
    const char *term = getenv("TERM");
    return isatty(fd) && term && *term && strcmp(term, "dumb");
}

static bool wants_color(const char *when, int fd)
{
    const char *force = getenv("CLICOLOR_FORCE");

    if (when && !strcmp(when, "always"))
        return true;
    if (when && !strcmp(when, "never"))
        return false;
    if (is_set("NO_COLOR"))
        return false;
    if (is_set("FORCE_COLOR") || (force && *force && strcmp(force, "0")))
        return true;
    return smart_terminal(fd);
}

static enum progress_mode progress_mode(const struct options *opt)
{
    const char *how = opt->progress ? opt->progress : "auto";

    if (!strcmp(how, "bar"))
        return PROGRESS_BAR;
    if (!strcmp(how, "plain"))
        return PROGRESS_PLAIN;
    if (!strcmp(how, "json"))
        return PROGRESS_JSON;
    if (!strcmp(how, "none") || opt->quiet || !smart_terminal(STDERR_FILENO))
        return PROGRESS_NONE;
    return PROGRESS_BAR;
}

void term_init(struct term *term, const struct options *opt, const char *file)
{
    *term = (struct term){
        .progress = progress_mode(opt),
        .color = wants_color(opt->color, STDERR_FILENO),
        .color_out = wants_color(opt->color, STDOUT_FILENO),
        .quiet = opt->quiet,
        .verbose = (int)opt->verbose,
        .file = file,
        .began = now_seconds(),
        .done = -1,
    };
}

void term_clear(struct term *term)
{
    if (!term->bar_visible)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    term->bar_visible = false;
}

/* ---- messages ---- */

static void say(struct term *term, const char *color, const char *kind, const char *file,
                const char *sentence)
{
    char name[512], text[1400];

    term_clear(term);
    fprintf(stderr, "%swinnow:%s ", term->color ? color : "", term->color ? "\033[0m" : "");
    if (file)
        fprintf(stderr, "%s: ", escape(name, sizeof(name), file));
    fprintf(stderr, "%s%s\n", kind, escape(text, sizeof(text), sentence));
    fflush(stderr);
}

void term_error(struct term *term, const char *file, const char *sentence)
{
    say(term, "\033[1;31m", "", file, sentence);
}

void term_warn(struct term *term, const char *file, const char *sentence)
{
    if (!term->quiet)
        say(term, "\033[1;33m", "warning: ", file, sentence);
}

void term_note(struct term *term, const char *fmt, ...)
{
    va_list args;

    if (term->quiet)
        return;
    term_clear(term);
    fputs(term->color ? "\033[2m" : "", stderr);
    va_start(args, fmt);
    vfprintf(stderr, fmt, args);
    va_end(args);
    fputs(term->color ? "\033[0m\n" : "\n", stderr);
    fflush(stderr);
}

void term_log(void *opaque, enum wn_log_level level, const char *msg)
{
    struct term *term = opaque;

    if (level == WN_LOG_WARN)
        term_warn(term, NULL, msg);
    else if (level == WN_LOG_INFO ? term->verbose >= 1 : term->verbose >= 2)
        say(term, "\033[2m", level == WN_LOG_ERROR ? "error: " : "", NULL, msg);
}

/* ---- progress ---- */

static int columns(void)
{
    struct winsize size;

    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0)
        return size.ws_col;
    return 80;
}

static double time_left(const struct term *term, double done)
{
    double spent = now_seconds() - term->began;
    return done > 0.02 ? spent * (1 - done) / done : -1;
}

static void draw_bar(struct term *term, double done)
{
    double left = time_left(term, done);
    int width = columns() - 30;
    char line[128];

    if (width > 60)
        width = 60;
    if (width < 4)
        width = 4;
    for (int i = 0; i < width; i++)
        line[i] = i < (int)(done * width + 0.5) ? '#' : '.';
    line[width] = '\0';
    fprintf(stderr, "\r\033[K[%s] %3.0f %%", line, done * 100);
    if (left >= 0)
        fprintf(stderr, "  %d:%02d left", (int)left / 60, (int)left % 60);
    fflush(stderr);
    term->bar_visible = true;
}

static void print_json(const struct term *term, double done)
{
    double left = time_left(term, done);

    fprintf(stderr, "{\"progress\":%.4f,\"elapsed_s\":%.3f", done, now_seconds() - term->began);
    if (left >= 0)
        fprintf(stderr, ",\"eta_s\":%.1f", left);
    fputs("}\n", stderr);
    fflush(stderr);
}

int term_progress(void *opaque, double done)
{
    struct term *term = opaque;
    double now = now_seconds();
    bool last;

    done = done < 0 ? 0 : done > 1 ? 1 : done;
    last = done >= 1 && term->done < 1;
    if (done < term->done)
        return 0;
    switch (term->progress) {
    case PROGRESS_NONE:
        return 0;
    case PROGRESS_BAR: /* the first half second shows nothing: short work needs no bar */
        if (now - term->began < 0.5 || now - term->drawn < 0.1)
            return 0;
        draw_bar(term, done);
        break;
    case PROGRESS_PLAIN:
        if (!last && (int)(done * 10) <= (int)(term->done * 10))
            return 0;
        fprintf(stderr, "winnow: %.0f %%\n", done * 100);
        fflush(stderr);
        break;
    case PROGRESS_JSON:
        if (!last && now - term->drawn < 0.2)
            return 0;
        print_json(term, done);
        break;
    }
    term->drawn = now;
    term->done = done;
    return 0;
}
