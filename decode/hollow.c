/* SPDX-License-Identifier: MIT */
#include "hollow.h"

#include <libavutil/error.h>
#include <libavutil/intreadwrite.h>
#include <libavutil/mem.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BUFFER (64 << 10)
#define MOST_BOXES 1000
#define MOST_PATCHES 1000

struct patch {
    int64_t at;
    uint8_t bytes[4];
};

struct wn_hollow {
    AVIOContext *io;
    int fd;
    int64_t pos, size;
    bool hollow;
    struct patch *patch;
    int n_patches;
};

static void apply(const struct wn_hollow *h, uint8_t *buf, int64_t n)
{
    for (int i = 0; i < h->n_patches; i++)
        for (int k = 0; k < 4; k++) {
            const int64_t at = h->patch[i].at + k - h->pos;
            if (at >= 0 && at < n)
                buf[at] = h->patch[i].bytes[k];
        }
}

static int read_some(void *opaque, uint8_t *buf, int size)
{
    struct wn_hollow *h = opaque;
    ssize_t n = WN_MIN((int64_t)size, WN_MAX(h->size - h->pos, 0));

    if (!h->hollow) {
        do
            n = pread(h->fd, buf, (size_t)size, (off_t)h->pos);
        while (n < 0 && errno == EINTR);
    } else if (n > 0 && n <= BUFFER) {
        memset(buf, 0, (size_t)n); /* it may become libav's own buffer */
    }
    if (n < 0)
        return AVERROR(errno);
    apply(h, buf, n);
    h->pos += n;
    return n > 0 ? (int)n : AVERROR_EOF;
}

static int64_t seek_to(void *opaque, int64_t offset, int whence)
{
    struct wn_hollow *h = opaque;

    if (whence & AVSEEK_SIZE)
        return h->size;
    whence &= ~AVSEEK_FORCE;
    if (whence == SEEK_CUR)
        offset += h->pos;
    else if (whence == SEEK_END)
        offset += h->size;
    if (offset < 0)
        return AVERROR(EINVAL);
    return h->pos = offset;
}

int wn_hollow_open(struct wn_hollow **out, const char *url)
{
    struct wn_hollow *h = wn_calloc(1, sizeof(*h));
    struct stat st;
    uint8_t *buffer = NULL;

    if (!h)
        return WN_ERR_NOMEM;
    h->fd = open(url, O_RDONLY | O_CLOEXEC);
    if (h->fd < 0 || fstat(h->fd, &st) || !S_ISREG(st.st_mode)) {
        wn_hollow_close(&h);
        return WN_ERR_IO;
    }
    h->size = (int64_t)st.st_size;
    buffer = av_mallocz(BUFFER);
    h->io = buffer ? avio_alloc_context(buffer, BUFFER, 0, h, read_some, NULL, seek_to) : NULL;
    if (!h->io) {
        av_free(buffer);
        wn_hollow_close(&h);
        return WN_ERR_NOMEM;
    }
    *out = h;
    return WN_OK;
}

void wn_hollow_close(struct wn_hollow **hollow)
{
    struct wn_hollow *h = *hollow;

    if (!h)
        return;
    if (h->io)
        av_freep(&h->io->buffer);
    avio_context_free(&h->io);
    if (h->fd >= 0)
        close(h->fd);
    free(h->patch);
    free(h);
    *hollow = NULL;
}

AVIOContext *wn_hollow_io(struct wn_hollow *h)
{
    return h->io;
}

/* The boxes of the top level: a fragment among them, or bytes that are no boxes, tell no. */
bool wn_hollow_whole(const struct wn_hollow *h)
{
    bool moov = false;
    int64_t at = 0;

    for (int i = 0; i < MOST_BOXES && at < h->size; i++) {
        uint8_t b[16];
        if (pread(h->fd, b, 16, (off_t)at) < 8)
            return false;
        int64_t size = AV_RB32(b);
        if (!memcmp(b + 4, "moof", 4) || !memcmp(b + 4, "sidx", 4) || !memcmp(b + 4, "styp", 4))
            return false;
        moov |= !memcmp(b + 4, "moov", 4);
        if (size == 1)
            size = (int64_t)AV_RB64(b + 8);
        else if (size == 0)
            size = h->size - at;
        if (size < 8 || size > h->size - at)
            return false;
        at += size;
    }
    return moov && at >= h->size;
}

void wn_hollow_turn(struct wn_hollow *h)
{
    h->hollow = true;
}

int64_t wn_hollow_size(const struct wn_hollow *h)
{
    return h->size;
}

bool wn_hollow_peek(const struct wn_hollow *h, int64_t at, void *out, int64_t n)
{
    uint8_t *to = out;

    while (n > 0) {
        const ssize_t got = at < 0 ? 0 : pread(h->fd, to, (size_t)n, (off_t)at);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        to += got;
        at += got;
        n -= got;
    }
    return true;
}

int wn_hollow_patch(struct wn_hollow *h, int64_t at, uint32_t value)
{
    struct patch *grown = h->n_patches < MOST_PATCHES
        ? wn_regrow(h->patch, (size_t)h->n_patches + 1, sizeof(*grown)) : NULL;

    if (!grown)
        return WN_ERR_NOMEM;
    h->patch = grown;
    h->patch[h->n_patches].at = at;
    AV_WB32(h->patch[h->n_patches++].bytes, value);
    return WN_OK;
}

void wn_hollow_unpatch(struct wn_hollow *h)
{
    h->n_patches = 0;
}
