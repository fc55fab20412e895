/* SPDX-License-Identifier: MIT */
/* Bytes of what is no regular file (a FIFO, a device, standard input): libav would wait for them
 * where nothing can stop it. */
#ifndef WN_DECODE_PIPE_H
#define WN_DECODE_PIPE_H

#include <libavformat/avio.h>

struct wn_pipe;

/* `stopped` is asked several times a second while there is nothing to read, and ends the waiting
 * when it says so. Gives 0 or an AVERROR: ETIMEDOUT where nobody writes for some seconds. */
int wn_pipe_open(struct wn_pipe **out, const char *path, int (*stopped)(void *opaque),
                 void *opaque);
AVIOContext *wn_pipe_io(struct wn_pipe *pipe);
void wn_pipe_close(struct wn_pipe **pipe);

#endif
