/* SPDX-License-Identifier: MIT */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../pipeline/llm.h"

/* m:ss.s */
static char *clock_text(double time)
{
    const double most = 1e12;
    const double tenths = floor((time > 0 ? fmin(time, most) : 0) * 10 + 0.5);
    const int64_t t = (int64_t)tenths;

    return wn_sprintf("%lld:%02d.%d", (long long)(t / 600), (int)(t / 10 % 60), (int)(t % 10));
}

/* Puts `with` for every `what` in text; frees text. */
static char *replace(char *text, const char *what, const char *with)
{
    const size_t a = strlen(what), b = with ? strlen(with) : 0;
    size_t n = 0, at = 0;

    for (const char *p = text; p && (p = strstr(p, what)); p += a)
        n++;
    char *out = text && with ? wn_calloc(strlen(text) + n * b + 1, 1) : NULL;
    for (const char *p = text; out && *p; ) {
        if (!strncmp(p, what, a)) {
            memcpy(out + at, with, b);
            at += b;
            p += a;
        } else {
            out[at++] = *p++;
        }
    }
    free(text);
    return out;
}

char *wn_llm_label(const char *format, int32_t number, double time)
{
    char *n = wn_sprintf("%d", number), *t = clock_text(time);
    char *label = replace(replace(wn_strdup(format), "{n}", n), "{t}", t);

    free(n);
    free(t);
    return label;
}
