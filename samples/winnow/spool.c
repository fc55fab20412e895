/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* O_TMPFILE */
#include "spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A file in the folder of `beside` that goes with the process, however that ends. */
static int nameless_file(const char *beside)
{
    const char *slash = strrchr(beside, '/');
    int n = slash ? (int)(slash - beside) + 1 : 0;
    size_t size = (size_t)n + 32;
    char *path = malloc(size);
    int fd = -1, error;

    if (!path)
        return -1;
    snprintf(path, size, "%.*s.", n, beside);
#ifdef O_TMPFILE
    fd = open(path, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
#endif
    if (fd < 0) { /* not every file system can */
        snprintf(path, size, "%.*s.winnow-XXXXXX", n, beside);
        fd = mkstemp(path);
        if (fd >= 0)
            unlink(path);
    }
    error = errno;
    free(path);
    errno = error;
    return fd;
}

int spool_open(struct spool *spool, const char *name, const char *dtype, const char *folder_of)
{
    int fd = nameless_file(folder_of);

    *spool = (struct spool){.name = name, .dtype = dtype};
    spool->file = fd >= 0 ? fdopen(fd, "w+b") : NULL;
    if (!spool->file && fd >= 0)
        close(fd);
    return spool->file ? 0 : -1;
}

int spool_write(struct spool *spool, const void *data, size_t bytes)
{
    if (bytes > 0 && fwrite(data, 1, bytes, spool->file) != bytes)
        return -1;
    spool->bytes += (int64_t)bytes;
    return 0;
}

int spool_copy(struct spool *spool, struct st_writer *w)
{
    char buf[1 << 16];
    int64_t left = spool->bytes;

    if (fflush(spool->file) != 0 || fseeko(spool->file, 0, SEEK_SET) != 0)
        return -1;
    while (left > 0) {
        size_t n = left < (int64_t)sizeof(buf) ? (size_t)left : sizeof(buf);
        if (fread(buf, 1, n, spool->file) != n || st_write_data(w, buf, n) != 0)
            return -1;
        left -= (int64_t)n;
    }
    return 0;
}

void spool_close(struct spool *spool)
{
    if (spool->file)
        fclose(spool->file);
    spool->file = NULL;
}

/* To the nearest, ties to even; too large becomes infinite. */
static uint16_t to_half(float value)
{
    uint32_t bits;

    memcpy(&bits, &value, sizeof(bits));
    const uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7FFFFFFF;
    if (magnitude > 0x7F800000)
        return (uint16_t)(sign | 0x7E00); /* not a number */
    if (magnitude >= 0x47800000)
        return (uint16_t)(sign | 0x7C00);
    const int exponent = (int)(magnitude >> 23) - 112;
    const int shift = exponent > 0 ? 13 : 14 - exponent; /* else subnormal */
    if (shift > 24)
        return (uint16_t)sign;
    const uint32_t significand = (magnitude & 0x7FFFFF) | 0x800000;
    const uint32_t rest = significand & ((1u << shift) - 1), tie = 1u << (shift - 1);
    uint32_t half = significand >> shift;
    half += rest > tie || (rest == tie && half & 1);
    if (exponent > 0) /* the leading one of half is a step of the exponent, too */
        half += (uint32_t)(exponent - 1) << 10;
    return (uint16_t)(sign | half);
}

int spool_write_half(struct spool *spool, const float *data, size_t n)
{
    uint16_t half[1024];

    for (size_t at = 0; at < n;) {
        const size_t m = n - at < 1024 ? n - at : 1024;
        for (size_t i = 0; i < m; i++)
            half[i] = to_half(data[at + i]);
        if (spool_write(spool, half, m * sizeof(half[0])) < 0)
            return -1;
        at += m;
    }
    return 0;
}
