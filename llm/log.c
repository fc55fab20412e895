/* SPDX-License-Identifier: MIT */
#include "log.h"

#include <llama.h>
#include <string.h>

#include "../pipeline/llm.h"

#define MOST_MESSAGES 400 /* a bad file can make a library complain without end */

/* ggml and llama.cpp have one log callback a process, so where it leads is one variable a
 * process. */
static struct {
    pthread_mutex_t lock;
    struct wn_log *log;
    int left;
} route = {.lock = PTHREAD_MUTEX_INITIALIZER};
static _Thread_local struct wn_caught *catching;

/* "function: reason" and "error loading model: reason" lose what only a developer reads. */
static const char *reason(const char *text)
{
    static const char *const prefixes[] = {"error loading model: ",
                                           "error loading model hyperparameters: ",
                                           "error loading model vocabulary: "};
    const char *colon = strstr(text, ": ");

    if (colon && !memchr(text, ' ', (size_t)(colon - text)))
        text = colon + 2;
    for (int i = 0; i < WN_LEN(prefixes); i++)
        if (!strncmp(text, prefixes[i], strlen(prefixes[i])))
            text += strlen(prefixes[i]);
    return text;
}

static void catch_error(const char *text)
{
    char line[sizeof(catching->why)];
    size_t n = strcspn(reason(text), "\n");

    if (catching->why[0])
        return;
    n = WN_MIN(n, sizeof(line) - 1);
    memcpy(line, reason(text), n);
    line[n] = '\0';
    wn_printable(catching->why, sizeof(catching->why), line);
}

static void on_log(enum ggml_log_level level, const char *text, void *opaque)
{
    char line[512];
    size_t n = strlen(text);

    if (level == GGML_LOG_LEVEL_ERROR && catching)
        catch_error(text);
    while (n && text[n - 1] == '\n')
        n--;
    if (n < 2 || level == GGML_LOG_LEVEL_CONT)
        return;
    n = WN_MIN(n, sizeof(line) - 1);
    memcpy(line, text, n);
    line[n] = '\0';
    pthread_mutex_lock(&route.lock);
    if (route.log && route.left > 0) {
        route.left--;
        wn_say(route.log, WN_LOG_DEBUG, "llama.cpp: %s%s", line,
               route.left ? "" : " (its later messages are left out)");
    }
    pthread_mutex_unlock(&route.lock);
}

void wn_llm_route_logs(struct wn_log *log)
{
    pthread_mutex_lock(&route.lock);
    route.log = log;
    route.left = MOST_MESSAGES;
    llama_log_set(on_log, NULL);
    pthread_mutex_unlock(&route.lock);
}

void wn_llm_unroute_logs(const struct wn_log *log)
{
    pthread_mutex_lock(&route.lock);
    if (route.log == log)
        route.log = NULL;
    pthread_mutex_unlock(&route.lock);
}

void wn_catch_begin(struct wn_caught *caught)
{
    ggml_log_callback now = NULL;
    void *opaque = NULL;

    caught->why[0] = '\0';
    llama_log_get(&now, &opaque);
    if (now != on_log) /* nobody routed yet: still no word on stderr */
        wn_llm_route_logs(NULL);
    catching = caught;
}

void wn_catch_end(void)
{
    catching = NULL;
}
