/* SPDX-License-Identifier: MIT */
#include "search.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define MEDIA "{media}"

/* ---- templates ---- */

/* The value of the {name} that `at` begins with; NULL: none does. */
static const char *value_at(const char *at, const char *const *pairs, size_t *len)
{
    for (; *at == '{' && pairs[0]; pairs += 2) {
        const size_t n = strlen(pairs[0]);
        if (!strncmp(at + 1, pairs[0], n) && at[1 + n] == '}') {
            *len = n + 2;
            return pairs[1];
        }
    }
    return NULL;
}

/* Writes what text[0 .. n) becomes, unless `to` is NULL; gives its length. */
static size_t fill(char *to, const char *text, size_t n, const char *const *pairs)
{
    size_t at = 0, len = 1;

    for (size_t i = 0; i < n; i += len) {
        const char *value = value_at(text + i, pairs, &len);
        if (!value)
            len = 1;
        const size_t m = value ? strlen(value) : 1;
        if (to)
            memcpy(to + at, value ? value : text + i, m);
        at += m;
    }
    return at;
}

static char *fill_part(const char *text, size_t n, const char *const *pairs)
{
    const size_t size = fill(NULL, text, n, pairs);
    char *out = wn_calloc(size + 1, 1);

    if (out)
        fill(out, text, n, pairs);
    return out;
}

char *wn_words_fill(const char *text, const char *const *pairs)
{
    return fill_part(text, strlen(text), pairs);
}

/* The template is cut before it is filled: a question that holds {media} is a question. */
int wn_words_around(const char *text, const char *const *pairs, char **lead, char **rest)
{
    const char *media = strstr(text, MEDIA);
    const char *after = media ? media + strlen(MEDIA) : text;
    size_t before = media ? (size_t)(media - text) : 0;

    while (before && text[before - 1] == ' ')
        before--;
    after += media ? strspn(after, " ") : 0;
    *lead = fill_part(text, before, pairs);
    *rest = wn_words_fill(after, pairs);
    if (*lead && *rest)
        return WN_OK;
    free(*lead);
    free(*rest);
    *lead = *rest = NULL;
    return WN_ERR_NOMEM;
}

/* ---- what a model wrote ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

void wn_words_trim(char *text)
{
    char *to = text;

    for (const char *p = text; *p; p++) {
        if (!is_space(*p))
            *to++ = *p;
        else if (to > text && to[-1] != ' ')
            *to++ = ' ';
    }
    while (to > text && to[-1] == ' ')
        to--;
    *to = '\0';
}

static bool is_word(char c)
{
    return (unsigned char)c >= 0x80 || isalnum((unsigned char)c);
}

/* Equal but for case and for what is neither letter nor digit. */
static bool same_words(const char *a, const char *b, size_t n)
{
    const char *end = b + n;

    for (;;) {
        while (*a && !is_word(*a))
            a++;
        while (b < end && !is_word(*b))
            b++;
        if (!*a || b == end)
            return !*a && b == end;
        if (tolower((unsigned char)*a++) != tolower((unsigned char)*b++))
            return false;
    }
}

bool wn_words_nothing(const char *note, const char *nothing)
{
    if (same_words(note, "", 0))
        return true;
    for (const char *p = nothing; *p;) {
        const size_t n = strcspn(p, "|");
        if (n && same_words(note, p, n))
            return true;
        p += n + (p[n] == '|');
    }
    return false;
}

/* "2. what ..." and "- what ..." ask what they ask. */
static const char *skip_number(const char *p, const char *end)
{
    const char *at = p;

    while (at < end && isdigit((unsigned char)*at))
        at++;
    if (at > p && at < end && strchr(".):", *at))
        p = at + 1;
    while (p < end && (is_space(*p) || strchr("-*\"'", *p)))
        p++;
    return p;
}

int wn_words_questions(const char *text, char **list, int most)
{
    int n = 0;

    for (const char *p = text, *end; n < most && (end = strchr(p, '?')); p = end + 1) {
        const char *line = end;
        while (line > p && line[-1] != '\n')
            line--;
        line = skip_number(line + strspn(line, " \t\r\n"), end);
        if (line == end)
            continue;
        char *question = wn_sprintf("%.*s?", (int)(end - line), line);
        if (!question) {
            while (n)
                free(list[--n]);
            return WN_ERR_NOMEM;
        }
        wn_words_trim(question);
        list[n++] = question;
    }
    return n;
}

int wn_words_join(char **to, const char *between, const char *text)
{
    char *both = *to && **to ? wn_sprintf("%s%s%s", *to, between, text) : wn_strdup(text);

    if (!both)
        return WN_ERR_NOMEM;
    free(*to);
    *to = both;
    return WN_OK;
}
