/* SPDX-License-Identifier: MIT */
#include "utf8.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT "\xef\xbf\xbd"

/* Bytes of a sequence that starts with c, 0 where no sequence does. */
static int sequence_length(unsigned char c)
{
    return c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
}

/* Overlong forms, surrogates and what lies past U+10FFFF show in the second byte. */
static bool second_fits(unsigned char first, unsigned char second)
{
    switch (first) {
    case 0xe0: return second >= 0xa0 && second <= 0xbf;
    case 0xed: return second >= 0x80 && second <= 0x9f;
    case 0xf0: return second >= 0x90 && second <= 0xbf;
    case 0xf4: return second >= 0x80 && second <= 0x8f;
    default:   return (second & 0xc0) == 0x80;
    }
}

int wn_utf8_length(const unsigned char *s, size_t n)
{
    const int want = n ? sequence_length(s[0]) : 0;

    if (!n)
        return 0;
    if (!want)
        return -1;
    for (int i = 1; i < want; i++) {
        if ((size_t)i == n)
            return 0;
        if (i == 1 ? !second_fits(s[0], s[1]) : (s[i] & 0xc0) != 0x80)
            return -i;
    }
    return want;
}

static int append(struct wn_clean *c, const char *s, size_t n)
{
    if (c->n + n + 1 > c->cap) {
        const size_t cap = 2 * (c->n + n + 1) + 64;
        char *p = wn_regrow(c->text, cap, 1);
        if (!p)
            return WN_ERR_NOMEM;
        c->text = p;
        c->cap = cap;
    }
    memcpy(c->text + c->n, s, n);
    c->n += n;
    c->text[c->n] = '\0';
    return WN_OK;
}

static int append_char(struct wn_clean *c, const unsigned char *s, int len)
{
    const bool white = len == 1 && (s[0] == ' ' || s[0] == '\n' || s[0] == '\t');

    if (len == 1 && (s[0] < 0x20 || s[0] == 0x7f) && !white)
        return WN_OK;
    if (len == 2 && s[0] == 0xc2 && s[1] < 0xa0) /* C1 */
        return WN_OK;
    if (white && !c->started)
        return WN_OK;
    c->started = true;
    return append(c, (const char *)s, (size_t)len);
}

/* Takes what is complete off the pending bytes. */
static int drain(struct wn_clean *c, bool last)
{
    int err;

    while (c->n_pending) {
        const int len = wn_utf8_length(c->pending, (size_t)c->n_pending);
        if (!len && !last)
            return WN_OK;
        const int take = len > 0 ? len : len < 0 ? -len : c->n_pending;
        c->started = c->started || len <= 0;
        TRY(len > 0 ? append_char(c, c->pending, len) : append(c, REPLACEMENT, 3));
        c->n_pending -= take;
        memmove(c->pending, c->pending + take, (size_t)c->n_pending);
    }
    return WN_OK;
fail:
    return err;
}

int wn_clean_push(struct wn_clean *clean, const char *bytes, size_t n, bool last)
{
    int err;

    for (size_t i = 0; i < n; i++) {
        clean->pending[clean->n_pending++] = (unsigned char)bytes[i];
        TRY(drain(clean, false));
    }
    return drain(clean, last);
fail:
    return err;
}

void wn_clean_finish(struct wn_clean *clean)
{
    free(clean->text);
    *clean = (struct wn_clean){0};
}

char *wn_utf8_valid(const char *s)
{
    const size_t n = strlen(s);
    char *out = n < SIZE_MAX / 3 ? wn_calloc(3 * n + 1, 1) : NULL;
    size_t at = 0;

    if (!out)
        return NULL;
    for (size_t i = 0; i < n; ) {
        const int len = wn_utf8_length((const unsigned char *)s + i, n - i);
        const size_t take = len > 0 ? (size_t)len : len < 0 ? (size_t)-len : n - i;
        memcpy(out + at, len > 0 ? s + i : REPLACEMENT, len > 0 ? take : 3);
        at += len > 0 ? take : 3;
        i += take;
    }
    return out;
}
