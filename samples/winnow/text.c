/* SPDX-License-Identifier: MIT */
#include "term.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Surrogates, overlong forms and what lies past U+10FFFF are broken. */
size_t utf8_length(const char *s, size_t n)
{
    const unsigned char *u = (const unsigned char *)s;
    size_t len = n == 0 ? 0 : u[0] < 0x80 ? 1 : u[0] < 0xC2 ? 0 : u[0] < 0xE0 ? 2
               : u[0] < 0xF0 ? 3 : u[0] < 0xF5 ? 4 : 0;

    if (len == 0 || len > n)
        return 0;
    for (size_t i = 1; i < len; i++)
        if ((u[i] & 0xC0) != 0x80)
            return 0;
    if ((u[0] == 0xE0 && u[1] < 0xA0) || (u[0] == 0xED && u[1] > 0x9F) ||
        (u[0] == 0xF0 && u[1] < 0x90) || (u[0] == 0xF4 && u[1] > 0x8F))
        return 0;
    return len;
}

bool utf8_valid(const char *s)
{
    size_t n = strlen(s);

    while (n > 0) {
        size_t len = utf8_length(s, n);
        if (len == 0)
            return false;
        s += len;
        n -= len;
    }
    return true;
}

/* C0, DEL and C1 (two bytes in UTF-8). */
static bool is_control(const char *s, size_t len)
{
    const unsigned char *u = (const unsigned char *)s;

    return (len == 1 && (u[0] < 0x20 || u[0] == 0x7F)) || (len == 2 && u[0] == 0xC2 && u[1] < 0xA0);
}

const char *escape(char *buf, size_t size, const char *s)
{
    size_t at = 0, left = strlen(s);

    while (left > 0) {
        size_t len = utf8_length(s, left);
        char out[20];

        if (*s == '\n' || *s == '\t' || *s == '\\')
            snprintf(out, sizeof(out), "\\%c", *s == '\n' ? 'n' : *s == '\t' ? 't' : '\\');
        else if (len == 0 || (len == 1 && is_control(s, 1)))
            snprintf(out, sizeof(out), "\\x%02x", (unsigned char)*s);
        else if (is_control(s, len))
            snprintf(out, sizeof(out), "\\x%02x\\x%02x", (unsigned char)s[0], (unsigned char)s[1]);
        else
            snprintf(out, sizeof(out), "%.*s", (int)len, s);
        if (at + strlen(out) + 4 > size) {
            at += (size_t)snprintf(buf + at, size - at, "...");
            return buf;
        }
        memcpy(buf + at, out, strlen(out));
        at += strlen(out);
        s += len ? len : 1;
        left -= len ? len : 1;
    }
    buf[at] = '\0';
    return buf;
}

size_t strip_controls(char *dst, const char *src, size_t n)
{
    size_t at = 0;

    for (size_t i = 0; i < n;) {
        size_t len = utf8_length(src + i, n - i);
        if (len > 0 && (!is_control(src + i, len) || src[i] == '\n' || src[i] == '\t')) {
            memmove(dst + at, src + i, len);
            at += len;
        }
        i += len ? len : 1;
    }
    return at;
}

int parse_time(const char *s, double *out)
{
    double total = 0;
    int fields = 0;

    for (;;) {
        char *end;
        double field;

        if (!isdigit((unsigned char)*s) || ++fields > 3)
            return -1;
        for (const char *c = s; *c && *c != ':'; c++) /* no exponents, no hex */
            if (!isdigit((unsigned char)*c) && *c != '.')
                return -1;
        field = strtod(s, &end);
        if (fields > 1 && field >= 60)
            return -1;
        total = total * 60 + field;
        if (!*end)
            break;
        if (*end != ':' || field != floor(field))
            return -1;
        s = end + 1;
    }
    if (!(total < 1e9))
        return -1;
    *out = total;
    return 0;
}

const char *format_time(char *buf, size_t size, double seconds)
{
    long long ms = llround((seconds > 0 ? seconds : 0) * 1000);

    snprintf(buf, size, "%02lld:%02lld:%02lld.%03lld", ms / 3600000, ms / 60000 % 60,
             ms / 1000 % 60, ms % 1000);
    return buf;
}

const char *format_bytes(char *buf, size_t size, double bytes)
{
    static const char *const unit[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    int u = 0;

    for (; bytes >= 1024 && u < 4; u++)
        bytes /= 1024;
    snprintf(buf, size, u ? "%.1f %s" : "%.0f %s", bytes, unit[u]);
    return buf;
}
