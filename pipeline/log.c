/* SPDX-License-Identifier: MIT */
#include "util.h"

#include <stdio.h>
#include <string.h>

unsigned wn_version(void)
{
    return WN_VERSION_MAJOR << 16 | WN_VERSION_MINOR << 8 | WN_VERSION_PATCH;
}

const char *wn_strerror(int err)
{
    switch (err) {
    case WN_OK:              return "success";
    case WN_AGAIN:           return "more input is needed";
    case WN_EOF:             return "end of the source";
    case WN_ERR_ARG:         return "invalid argument";
    case WN_ERR_NOMEM:       return "out of memory";
    case WN_ERR_IO:          return "input or output error";
    case WN_ERR_DATA:        return "damaged or foreign data";
    case WN_ERR_UNSUPPORTED: return "not supported";
    case WN_ERR_DEVICE:      return "device error";
    case WN_ERR_MODEL:       return "model error";
    case WN_ERR_ABORTED:     return "aborted";
    case WN_ERR_LIMIT:       return "limit reached";
    default:                 return "unknown error";
    }
}

void wn_log_init(struct wn_log *log)
{
    pthread_mutex_init(&log->lock, NULL);
    log->fn = NULL;
    log->opaque = NULL;
    log->level = WN_LOG_WARN;
    log->last_error[0] = '\0';
    atomic_init(&log->cancelled, false);
}

void wn_log_finish(struct wn_log *log)
{
    pthread_mutex_destroy(&log->lock);
}

static _Thread_local struct {
    const struct wn_log *from;
    struct wn_log *to;
} lent;

void wn_log_lend(struct wn_log *from, struct wn_log *to)
{
    lent.from = to ? from : NULL;
    lent.to = to;
}

static struct wn_log *heard_by(struct wn_log *log)
{
    return log && log == lent.from ? lent.to : log;
}

static void deliver(struct wn_log *log, enum wn_log_level level, const char *msg)
{
    if (log->fn && level <= log->level)
        log->fn(log->opaque, level, msg);
}

void wn_say(struct wn_log *log, enum wn_log_level level, const char *fmt, ...)
{
    char msg[1024];
    va_list args;

    log = heard_by(log);
    if (!log || level > log->level)
        return;
    va_start(args, fmt);
    vsnprintf(msg, sizeof(msg), fmt, args);
    va_end(args);
    pthread_mutex_lock(&log->lock);
    deliver(log, level, msg);
    pthread_mutex_unlock(&log->lock);
}

int wn_fail(struct wn_log *log, int err, const char *fmt, ...)
{
    char msg[1024];
    va_list args;

    log = heard_by(log);
    if (!log)
        return err;
    va_start(args, fmt);
    vsnprintf(msg, sizeof(msg), fmt, args);
    va_end(args);
    pthread_mutex_lock(&log->lock);
    memcpy(log->last_error, msg, sizeof(msg));
    deliver(log, WN_LOG_ERROR, msg);
    pthread_mutex_unlock(&log->lock);
    return err;
}

int wn_nomem(struct wn_log *log, const char *what)
{
    return wn_fail(log, WN_ERR_NOMEM, "out of memory for %s", what);
}

bool wn_cancelled(const struct wn_log *log)
{
    if (log && log == lent.from)
        log = lent.to;
    return log && atomic_load_explicit(&log->cancelled, memory_order_relaxed);
}
