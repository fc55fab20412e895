/* SPDX-License-Identifier: MIT */
/* Model output made safe to show: whole UTF-8 characters, no control characters. */
#ifndef WN_LLM_UTF8_H
#define WN_LLM_UTF8_H

#include "../pipeline/util.h"

/* Length of the character at s, which holds n bytes; 0 when more bytes are needed; -k when the
 * first k bytes are no character. */
int wn_utf8_length(const unsigned char *s, size_t n);

/* A stream of bytes in, clean text out. Broken UTF-8 becomes U+FFFD; C0 (save \n and \t), DEL and
 * C1 are left out; white space before the first other character is left out. Zero to start. */
struct wn_clean {
    unsigned char pending[4];
    int n_pending;
    bool started;
    char *text; /* all of it so far, NUL-ended; NULL: none yet */
    size_t n, cap;
};
/* New text is text + old n. last: what is pending will not be completed. */
int wn_clean_push(struct wn_clean *clean, const char *bytes, size_t n, bool last);
void wn_clean_finish(struct wn_clean *clean);

/* Valid UTF-8 without NUL, for a tokeniser: broken bytes become U+FFFD. NULL: out of memory. */
char *wn_utf8_valid(const char *s);

#endif
