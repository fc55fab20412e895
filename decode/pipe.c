/* SPDX-License-Identifier: MIT */
#include "pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#include <libavutil/error.h>
#include <libavutil/mem.h>

#include "pipeline/util.h"

#define BUFFER (32 << 10)
#define LOOK_MS 50
#define FIRST_SECONDS 10.0 /* until somebody writes */

struct wn_pipe {
    AVIOContext *io;
    int fd;
    int (*stopped)(void *opaque);
    void *opaque;
};

/* 0 once there is something to read, or the end. */
static int wait_for_bytes(const struct wn_pipe *pipe, double until)
{
    struct pollfd p = {.fd = pipe->fd, .events = POLLIN};

    for (;;) {
        if (pipe->stopped(pipe->opaque))
            return AVERROR_EXIT;
        const int n = poll(&p, 1, LOOK_MS);
        if (n > 0)
            return 0;
        if (n < 0 && errno != EINTR)
            return AVERROR(errno);
        if (until > 0 && wn_now() > until)
            return AVERROR(ETIMEDOUT);
    }
}

static int read_some(void *opaque, uint8_t *buf, int size)
{
    const struct wn_pipe *pipe = opaque;

    for (;;) {
        const int err = wait_for_bytes(pipe, 0);
        if (err)
            return err;
        const ssize_t n = read(pipe->fd, buf, (size_t)size);
        if (n > 0)
            return (int)n;
        if (n == 0)
            return AVERROR_EOF;
        if (errno != EINTR && errno != EAGAIN)
            return AVERROR(errno);
    }
}

int wn_pipe_open(struct wn_pipe **out, const char *path, int (*stopped)(void *opaque), void *opaque)
{
    struct wn_pipe *pipe = wn_calloc(1, sizeof(*pipe));
    uint8_t *buffer = NULL;
    int err;

    if (!pipe)
        return AVERROR(ENOMEM);
    pipe->stopped = stopped;
    pipe->opaque = opaque;
    pipe->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* else it waits for a writer */
    err = pipe->fd < 0 ? AVERROR(errno) : wait_for_bytes(pipe, wn_now() + FIRST_SECONDS);
    if (!err) {
        buffer = av_mallocz(BUFFER);
        if (buffer)
            pipe->io = avio_alloc_context(buffer, BUFFER, 0, pipe, read_some, NULL, NULL);
        if (!pipe->io)
            err = AVERROR(ENOMEM);
    }
    if (err) {
        av_free(buffer); /* it belongs to nobody yet */
        wn_pipe_close(&pipe);
        return err;
    }
    *out = pipe;
    return 0;
}

AVIOContext *wn_pipe_io(struct wn_pipe *pipe)
{
    return pipe->io;
}

void wn_pipe_close(struct wn_pipe **pipe)
{
    struct wn_pipe *p = *pipe;

    if (!p)
        return;
    if (p->io)
        av_freep(&p->io->buffer);
    avio_context_free(&p->io);
    if (p->fd >= 0)
        close(p->fd);
    free(p);
    *pipe = NULL;
}
