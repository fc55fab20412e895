/* SPDX-License-Identifier: MIT */
#include "markup.h"

#include "pipeline/util.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define ASS_FIELDS 8 /* before the text */

/* {...} of ASS; \p1 in one switches a vector drawing on, which is not text, and \p0 off. */
static const char *skip_override(const char *p, bool *drawing)
{
    const char *end = strchr(p, '}');

    if (!end)
        return p + strlen(p);
    for (; p < end; p++)
        if (p[0] == '\\' && p[1] == 'p' && isdigit((unsigned char)p[2]))
            *drawing = p[2] != '0';
    return end + 1;
}

/* A tag is '<', then a letter or '/', up to '>': "a < b" stays. */
static const char *skip_tag(const char *p)
{
    const bool tag = p[1] == '/' || p[1] == '!' || isalpha((unsigned char)p[1]);
    const char *end = tag ? strchr(p, '>') : NULL;

    return end ? end + 1 : NULL;
}

static const char *entity(const char *p, char *c)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {
        {"&amp;", '&'},  {"&lt;", '<'},   {"&gt;", '>'},  {"&quot;", '"'}, {"&apos;", '\''},
        {"&#39;", '\''}, {"&nbsp;", ' '}, {"&lrm;", ' '}, {"&rlm;", ' '},
    };

    for (int i = 0; i < WN_LEN(known); i++) {
        if (!strncmp(p, known[i].name, strlen(known[i].name))) {
            *c = known[i].c;
            return p + strlen(known[i].name);
        }
    }
    return NULL;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static char *put(char *to, const char *start, char c)
{
    if (is_blank(c)) {
        if (to == start || to[-1] == ' ')
            return to;
        c = ' ';
    }
    *to = c;
    return to + 1;
}

/* Never longer than what it is made from. */
static void strip(char *out, const char *p)
{
    char *to = out;
    bool drawing = false;

    while (*p) {
        const char *next = NULL;
        char c = *p;
        if (c == '{' && p[1] == '\\') {
            p = skip_override(p, &drawing);
            continue;
        }
        if (c == '<')
            next = skip_tag(p);
        if (next) {
            p = next;
            continue;
        }
        if (c == '&')
            next = entity(p, &c);
        else if (c == '\\' && p[1] && strchr("Nnh", p[1])) {
            next = p + 2;
            c = ' ';
        }
        if (!drawing)
            to = put(to, out, c);
        p = next ? next : p + 1;
    }
    while (to > out && to[-1] == ' ')
        to--;
    *to = '\0';
}

char *wn_plain_text(const char *text)
{
    const size_t size = strlen(text) + 1;
    char *stripped = wn_calloc(size, 1);
    char *out = wn_calloc(size, 1);

    if (!stripped || !out) {
        free(stripped);
        free(out);
        return NULL;
    }
    strip(stripped, text);
    wn_printable(out, size, stripped);
    free(stripped);
    return out;
}

char *wn_plain_ass(const char *event)
{
    for (int i = 0; i < ASS_FIELDS && event; i++) {
        event = strchr(event, ',');
        event = event ? event + 1 : NULL;
    }
    return wn_plain_text(event ? event : "");
}
