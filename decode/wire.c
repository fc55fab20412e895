/* SPDX-License-Identifier: MIT */
#include "wire.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#define LOOK_MS 100 /* how often a reader that waits looks whether it was cancelled */

struct head {
    uint32_t word, size;
};

int wn_wire_send(int fd, enum wn_word word, const void *head, size_t head_size, const void *tail,
                 size_t tail_size)
{
    const struct head h = {word, (uint32_t)(head_size + tail_size)};
    struct iovec part[] = {{(void *)&h, sizeof(h)},
                           {(void *)head, head_size},
                           {(void *)tail, tail_size}};
    int i = 0;

    if (tail_size > UINT32_MAX / 2)
        return -1;
    while (i < WN_LEN(part)) {
        struct msghdr m = {.msg_iov = part + i, .msg_iovlen = (size_t)(WN_LEN(part) - i)};
        ssize_t n = sendmsg(fd, &m, MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return -1;
        for (; i < WN_LEN(part) && (size_t)n >= part[i].iov_len; i++)
            n -= (ssize_t)part[i].iov_len;
        if (i < WN_LEN(part)) {
            part[i].iov_base = (char *)part[i].iov_base + n;
            part[i].iov_len -= (size_t)n;
        }
    }
    return 0;
}

static int read_all(int fd, void *to, size_t size, const atomic_bool *stop, struct wn_log *log)
{
    for (size_t got = 0; got < size;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (wn_cancelled(log) || (stop && atomic_load(stop)))
            return wn_fail(log, WN_ERR_ABORTED, "cancelled");
        if (poll(&p, 1, LOOK_MS) <= 0)
            continue;
        const ssize_t n = read(fd, (char *)to + got, size - got);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return WN_EOF;
        got += (size_t)n;
    }
    return WN_OK;
}

int wn_wire_read(int fd, struct wn_message *m, const atomic_bool *stop, struct wn_log *log)
{
    struct head h;
    int err = read_all(fd, &h, sizeof(h), stop, log);

    if (err)
        return err;
    if (h.size >= m->cap) {
        uint8_t *data = wn_regrow(m->data, (size_t)h.size + 1, 1);
        if (!data)
            return wn_nomem(log, "a decoded picture");
        m->data = data;
        m->cap = h.size + 1;
    }
    err = read_all(fd, m->data, h.size, stop, log);
    m->data[h.size] = 0;
    m->word = (enum wn_word)h.word;
    m->size = h.size;
    return err;
}
