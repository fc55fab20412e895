/* SPDX-License-Identifier: MIT */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "term.h"

int options_thumb(const struct options *opt)
{
    return opt->thumb ? (int)opt->thumb : 256;
}

/* ---- names ---- */

void option_env(const struct option_info *info, char *buf, size_t size)
{
    snprintf(buf, size, "WINNOW_%s", info->name);
    for (char *c = buf; *c; c++)
        *c = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
}

/* Edits (insert, delete, replace) from a to b; words longer than 31 are never near. */
static int edit_distance(const char *a, const char *b)
{
    int row[32];
    int n = (int)strlen(b);

    if (strlen(a) > 31 || n > 31)
        return 99;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int diagonal = row[0];
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int best = diagonal + (a[i - 1] != b[j - 1]);
            diagonal = row[j];
            if (row[j] + 1 < best)
                best = row[j] + 1;
            if (row[j - 1] + 1 < best)
                best = row[j - 1] + 1;
            row[j] = best;
        }
    }
    return row[n];
}

const char *nearest(const char *word, const char *const *words, int n)
{
    const char *best = NULL;
    int least = strlen(word) < 4 ? 2 : 3; /* below this many edits it is a typing mistake */

    for (int i = 0; i < n; i++) {
        int distance = words[i] ? edit_distance(word, words[i]) : 99;
        if (words[i] && strlen(word) >= 3 && !strncmp(word, words[i], strlen(word)))
            distance = 1;
        if (distance < least) {
            least = distance;
            best = words[i];
        }
    }
    return best;
}

static const struct option_info *find_long(const char *name, size_t len, unsigned command)
{
    for (const struct option_info *o = option_table; o->name; o++)
        if (o->commands & command && strlen(o->name) == len && !memcmp(o->name, name, len))
            return o;
    return NULL;
}

static const struct option_info *find_letter(char letter, unsigned command)
{
    for (const struct option_info *o = option_table; o->name; o++)
        if (o->commands & command && o->letter == letter)
            return o;
    return NULL;
}

/* ---- values ---- */

struct parser {
    struct options *out;
    unsigned command;
    char *why;
    size_t why_size;
};

static int complain(const struct parser *p, const char *fmt, ...) PRINTF(2, 3);
static int complain(const struct parser *p, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(p->why, p->why_size, fmt, args);
    va_end(args);
    return -1;
}

static bool parse_number(const char *s, const struct option_info *o, double *out)
{
    char *end;

    if (!*s || isspace((unsigned char)*s))
        return false;
    errno = 0;
    *out = strtod(s, &end);
    if (end == s || errno || !isfinite(*out))
        return false;
    if (o->type == OPTION_INT && *end && o->max >= 1 << 20) {
        static const char suffix[] = "kMG";
        const char *at = strchr(suffix, *end == 'K' ? 'k' : *end);
        if (!at)
            return false;
        *out *= pow(1024, at - suffix + 1);
        end++;
    }
    return !*end && (o->type == OPTION_REAL || *out == floor(*out));
}

static bool is_choice(const char *s, const char *choices)
{
    size_t len = strlen(s);

    while (choices) {
        const char *bar = strchr(choices, '|');
        size_t n = bar ? (size_t)(bar - choices) : strlen(choices);
        if (n == len && !memcmp(choices, s, n))
            return true;
        choices = bar ? bar + 1 : NULL;
    }
    return false;
}

/* `name` is what the user wrote: --tokens, -t or WINNOW_TOKENS. */
static int set_value(const struct parser *p, const struct option_info *o, const char *name,
                     const char *value)
{
    void *at = (char *)p->out + o->offset;
    char shown[128];
    double number;

    escape(shown, sizeof(shown), value);
    switch (o->type) {
    case OPTION_FLAG:
    case OPTION_COUNT:
        return complain(p, "%s takes no value", name);
    case OPTION_TEXT:
        *(const char **)at = value;
        return 0;
    case OPTION_CHOICE:
        if (!is_choice(value, o->choices))
            return complain(p, "%s: \"%s\" is none of %s", name, shown, o->choices);
        *(const char **)at = value;
        return 0;
    case OPTION_TIME:
        if (parse_time(value, &number) < 0)
            return complain(p, "%s: \"%s\" is not a time (90, 1:30 or 00:01:30.5)", name, shown);
        *(double *)at = number;
        return 0;
    case OPTION_INT:
    case OPTION_REAL:
        break;
    }
    if (!parse_number(value, o, &number))
        return complain(p, "%s: \"%s\" is not %s number", name, shown,
                        o->type == OPTION_INT ? "a whole" : "a");
    if (number < o->min || number > o->max)
        return complain(p, "%s: %s is not between %.15g and %.15g", name, shown, o->min, o->max);
    if (o->type == OPTION_REAL)
        *(double *)at = number;
    else
        *(int64_t *)at = (int64_t)number + (o->offset == offsetof(struct options, stream));
    return 0;
}

static void set_flag(const struct parser *p, const struct option_info *o)
{
    void *at = (char *)p->out + o->offset;

    if (o->type == OPTION_COUNT)
        ++*(int64_t *)at;
    else
        *(bool *)at = true;
}

static bool is_flag(const struct option_info *o)
{
    return o->type == OPTION_FLAG || o->type == OPTION_COUNT;
}

/* ---- environment ---- */

static int read_environment(const struct parser *p)
{
    for (const struct option_info *o = option_table; o->name; o++) {
        char name[64];
        const char *value;

        option_env(o, name, sizeof(name));
        value = o->commands & p->command && o->offset != offsetof(struct options, help)
                    ? getenv(name) : NULL;
        if (!value || !*value)
            continue;
        if (!is_flag(o)) {
            if (set_value(p, o, name, value) < 0)
                return -1;
        } else if (is_choice(value, "1|yes|true|on")) {
            set_flag(p, o);
        } else if (!is_choice(value, "0|no|false|off")) {
            return complain(p, "%s: neither 1 nor 0", name);
        }
    }
    return 0;
}

/* ---- arguments ---- */

static int unknown_long(const struct parser *p, const char *word, size_t len)
{
    const char *names[128];
    char name[64], shown[80];
    const char *near;
    int n = 0;

    snprintf(name, sizeof(name), "%.*s", (int)(len < 63 ? len : 63), word);
    escape(shown, sizeof(shown), name);
    if (find_long(name, strlen(name), CMD_ALL))
        return complain(p, "--%s is not an option of this command", shown);
    for (const struct option_info *o = option_table; o->name && n < 128; o++)
        names[n++] = o->commands & p->command ? o->name : NULL;
    near = nearest(name, names, n);
    if (near)
        return complain(p, "unknown option --%s; did you mean --%s?", shown, near);
    return complain(p, "unknown option --%s", shown);
}

/* Gives how many words of argv were used, or -1. */
static int parse_long(const struct parser *p, char **argv, int left)
{
    const char *word = argv[0] + 2;
    size_t len = strcspn(word, "=");
    const struct option_info *o = find_long(word, len, p->command);
    char name[80];

    if (!o)
        return unknown_long(p, word, len);
    snprintf(name, sizeof(name), "--%s", o->name);
    if (word[len] == '=')
        return set_value(p, o, name, word + len + 1) < 0 ? -1 : 1;
    if (is_flag(o)) {
        set_flag(p, o);
        return 1;
    }
    if (left < 2)
        return complain(p, "%s wants a value: %s", name, o->value);
    return set_value(p, o, name, argv[1]) < 0 ? -1 : 2;
}

static int parse_letters(const struct parser *p, char **argv, int left)
{
    for (const char *c = argv[0] + 1; *c; c++) {
        const struct option_info *o = find_letter(*c, p->command);
        char name[] = {'-', *c, '\0'};
        char shown[128];

        if (!o)
            return complain(p, "unknown option -%c in \"%s\" (a name that begins with - goes after "
                            "--)", isprint((unsigned char)*c) ? *c : '?',
                            escape(shown, sizeof(shown), argv[0]));
        if (is_flag(o)) {
            set_flag(p, o);
            continue;
        }
        if (c[1])
            return set_value(p, o, name, c + 1) < 0 ? -1 : 1;
        if (left < 2)
            return complain(p, "%s wants a value: %s", name, o->value);
        return set_value(p, o, name, argv[1]) < 0 ? -1 : 2;
    }
    return 1;
}

int options_parse(struct options *out, unsigned command, int argc, char **argv, char **args,
                  int *n_args, char *why, size_t why_size)
{
    const struct parser p = {out, command, why, why_size};
    bool options_end = false;

    *n_args = 0;
    if (read_environment(&p) < 0)
        return -1;
    for (int i = 0; i < argc;) {
        int used = 1;

        if (options_end || argv[i][0] != '-' || !argv[i][1])
            args[(*n_args)++] = argv[i];
        else if (!strcmp(argv[i], "--"))
            options_end = true;
        else if (argv[i][1] == '-')
            used = parse_long(&p, argv + i, argc - i);
        else
            used = parse_letters(&p, argv + i, argc - i);
        if (used < 0)
            return -1;
        if (out->help)
            return 0;
        i += used;
    }
    if (out->end > 0 && out->end <= out->start)
        return complain(&p, "--end: not after --start");
    return 0;
}
