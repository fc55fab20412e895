/* SPDX-License-Identifier: MIT */
#include "util.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <time.h>

#include <xxhash.h>

#define LARGE ((size_t)4 << 20)

/* Fresh memory is handed out a page at a time when it is first touched, which costs more than most
 * kernels do on it. Large pages make that a quarter. */
static void ask_for_large_pages(void *p, size_t size)
{
#if defined(MADV_HUGEPAGE)
    const uintptr_t page = 4096, begin = ((uintptr_t)p + page - 1) / page * page;
    const uintptr_t end = ((uintptr_t)p + size) / page * page;

    if (end > begin)
        madvise((void *)begin, end - begin, MADV_HUGEPAGE);
#endif
}

void *wn_calloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (p && size && n >= LARGE / size)
        ask_for_large_pages(p, n * size);
    return p;
}

void *wn_alloc(size_t n, size_t size)
{
    void *p = wn_regrow(NULL, n, size);

    if (p && size && n >= LARGE / size)
        ask_for_large_pages(p, n * size);
    return p;
}

void *wn_regrow(void *p, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        return NULL;
    return realloc(p, n && size ? n * size : 1);
}

char *wn_strdup(const char *s)
{
    if (!s)
        return NULL;
    const size_t n = strlen(s) + 1;
    char *copy = wn_calloc(n, 1);
    if (copy)
        memcpy(copy, s, n);
    return copy;
}

char *wn_sprintf(const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    const int n = vsnprintf(NULL, 0, fmt, args);
    va_end(args);
    char *s = n < 0 ? NULL : wn_calloc((size_t)n + 1, 1);
    if (!s)
        return NULL;
    va_start(args, fmt);
    vsnprintf(s, (size_t)n + 1, fmt, args);
    va_end(args);
    return s;
}

double wn_now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int64_t wn_peak_bytes(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage))
        return 0;
    return (int64_t)usage.ru_maxrss * 1024; /* Linux counts in KiB */
}

uint64_t wn_hash64(const void *data, size_t size, uint64_t seed)
{
    return XXH3_64bits_withSeed(data, size, seed);
}

/* Length of the UTF-8 sequence at s, 0 when it is broken or a control character. */
static int printable_length(const unsigned char *s)
{
    if (s[0] < 0x20 || s[0] == 0x7f)
        return 0;
    if (s[0] < 0x80)
        return 1;
    const int n = s[0] >= 0xf0 && s[0] < 0xf5 ? 4 : s[0] >= 0xe0 ? 3 : s[0] >= 0xc2 ? 2 : 0;
    if (s[0] >= 0xf5 || !n || (n == 2 && s[0] == 0xc2 && s[1] < 0xa0))
        return 0;
    for (int i = 1; i < n; i++)
        if ((s[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

const char *wn_printable(char *buf, size_t buf_size, const char *s)
{
    size_t at = 0;

    for (; *s; ) {
        const int n = printable_length((const unsigned char *)s);
        const int take = n ? n : 1;
        if (at + (size_t)take + 1 > buf_size)
            break;
        if (n)
            memcpy(buf + at, s, (size_t)n);
        else
            buf[at] = '?';
        at += (size_t)take;
        s += take;
    }
    buf[at] = '\0';
    return buf;
}

void wn_linspace(int32_t n, int32_t count, int32_t *list)
{
    const float end = (float)(n - 1), step = count > 1 ? end / (float)(count - 1) : 0;

    /* torch fuses the product and the sum, from the nearer end */
    for (int32_t i = 0; i < count; i++) {
        const float at = i < count / 2 ? fmaf(step, (float)i, 0)
                                       : fmaf(-step, (float)(count - 1 - i), end);
        list[i] = (int32_t)nearbyintf(count > 1 ? at : 0);
    }
}
