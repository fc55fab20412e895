/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <mtmd.h>
#include <stdio.h>
#include <string.h>

/* Its log callback is one a process, so where it leads is one variable a process. */
static struct {
    pthread_mutex_t lock;
    struct wn_log *log;
} route = {.lock = PTHREAD_MUTEX_INITIALIZER};
static _Thread_local char (*catching)[256];

/* "function: error: reason" without the function. Later errors only repeat the first. */
static void keep_reason(const char *text)
{
    const char *colon = strstr(text, ": "), *error = strstr(text, "error: ");
    const char *reason = error ? error + 7 : colon && !memchr(text, ' ', (size_t)(colon - text)) ?
                         colon + 2 : text;

    snprintf(*catching, sizeof(*catching), "%.*s", (int)strcspn(reason, "\n"), reason);
}

static void on_log(enum ggml_log_level level, const char *text, void *opaque)
{
    const int n = (int)strcspn(text, "\n");

    if (n < 2 || level == GGML_LOG_LEVEL_CONT)
        return;
    if (level == GGML_LOG_LEVEL_ERROR && catching && !(*catching)[0])
        keep_reason(text);
    pthread_mutex_lock(&route.lock);
    if (route.log)
        wn_say(route.log, WN_LOG_DEBUG, "libmtmd: %.*s", n, text);
    pthread_mutex_unlock(&route.lock);
}

void wn_mtmd_route(struct wn_log *log)
{
    pthread_mutex_lock(&route.lock);
    route.log = log;
    mtmd_log_set(on_log, NULL);
    pthread_mutex_unlock(&route.lock);
}

void wn_mtmd_unroute(const struct wn_log *log)
{
    pthread_mutex_lock(&route.lock);
    if (route.log == log)
        route.log = NULL;
    pthread_mutex_unlock(&route.lock);
}

void wn_mtmd_catch(char (*why)[256])
{
    if (why)
        (*why)[0] = '\0';
    catching = why;
}
