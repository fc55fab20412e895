/* SPDX-License-Identifier: MIT */
#include "quiet.h"

#include <libavcodec/avcodec.h>
#include <libavformat/avformat.h>
#include <libavutil/mem.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

/* One picture or index of a sane file stays far below; a lying one is refused by the allocator. */
#define MAX_ALLOC ((size_t)1 << 30)

/* The files that are open. libav offers no other way from a message to its file. */
static struct wn_notes *open_files;
static pthread_mutex_t open_files_lock = PTHREAD_MUTEX_INITIALIZER;

static const void *opaque_of(void *context)
{
    const AVClass *class = context ? *(const AVClass **)context : NULL;

    if (class && class == avcodec_get_class())
        return ((AVCodecContext *)context)->opaque;
    if (class && class == avformat_get_class())
        return ((AVFormatContext *)context)->opaque;
    return NULL;
}

static void keep(struct wn_notes *notes, bool decoder, const char *fmt, va_list args)
{
    pthread_mutex_lock(&notes->lock);
    notes->lines++;
    notes->complaints += decoder;
    if (notes->n_kept < WN_NOTES_KEPT) {
        char *line = notes->kept[notes->n_kept++];
        vsnprintf(line, sizeof(notes->kept[0]), fmt, args);
        line[strcspn(line, "\n")] = '\0';
    }
    pthread_mutex_unlock(&notes->lock);
}

static void on_message(void *context, int level, const char *fmt, va_list args)
{
    if (level > AV_LOG_ERROR)
        return;
    const void *opaque = opaque_of(context);
    if (!opaque)
        return;
    pthread_mutex_lock(&open_files_lock);
    for (struct wn_notes *n = open_files; n; n = n->next)
        if (n == opaque)
            keep(n, *(const AVClass **)context == avcodec_get_class(), fmt, args);
    pthread_mutex_unlock(&open_files_lock);
}

static void set_up(void)
{
    av_log_set_callback(on_message);
    av_max_alloc(MAX_ALLOC);
}

void wn_notes_begin(struct wn_notes *notes)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, set_up);
    memset(notes, 0, sizeof(*notes));
    pthread_mutex_init(&notes->lock, NULL);
    pthread_mutex_lock(&open_files_lock);
    notes->next = open_files;
    open_files = notes;
    pthread_mutex_unlock(&open_files_lock);
}

void wn_notes_end(struct wn_notes *notes, struct wn_log *log)
{
    pthread_mutex_lock(&open_files_lock);
    struct wn_notes **at = &open_files;
    while (*at && *at != notes)
        at = &(*at)->next;
    if (*at)
        *at = notes->next;
    pthread_mutex_unlock(&open_files_lock);
    for (int i = 0; i < notes->n_kept; i++)
        wn_say(log, WN_LOG_DEBUG, "libav: %s", notes->kept[i]);
    if (notes->lines > notes->n_kept)
        wn_say(log, WN_LOG_DEBUG, "libav: and %" PRId64 " more", notes->lines - notes->n_kept);
    pthread_mutex_destroy(&notes->lock);
}

int64_t wn_notes_complaints(struct wn_notes *notes)
{
    pthread_mutex_lock(&notes->lock);
    const int64_t n = notes->complaints;
    pthread_mutex_unlock(&notes->lock);
    return n;
}

bool wn_notes_mention(struct wn_notes *notes, const char *words)
{
    bool found = false;

    pthread_mutex_lock(&notes->lock);
    for (int i = 0; i < notes->n_kept; i++)
        found |= strstr(notes->kept[i], words) != NULL;
    pthread_mutex_unlock(&notes->lock);
    return found;
}
