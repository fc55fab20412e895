/* SPDX-License-Identifier: MIT */
/* The process that decodes: it has no models, no other file and nothing to lose. */
#include "wire.h"

#include <libavutil/opt.h>
#include <stdlib.h>
#include <string.h>

#include "pipeline/filter.h"

struct cell {
    int fd;
    struct wn_log log;
    struct wn_pool *pool;
    struct wn_decoder *decoder;
    struct wn_instance **filters;
    int n_filters;
};

static void send_log(void *opaque, enum wn_log_level level, const char *msg)
{
    const struct cell *c = opaque;

    if (level != WN_LOG_ERROR) /* which comes with what failed */
        wn_wire_send(c->fd, WN_WORD_LOG, &level, sizeof(level), msg, strlen(msg));
}

static void copy_text(char *to, size_t size, const char *text)
{
    size_t n = text ? strlen(text) : 0;

    n = WN_MIN(n, size - 1);
    memcpy(to, text ? text : "", n);
    to[n] = '\0';
}

static int send_state(struct cell *c, enum wn_word word, const struct wn_frame *frame)
{
    struct wn_state s;

    memset(&s, 0, sizeof(s));
    s.media.size = sizeof(s.media);
    wn_decoder_media(c->decoder, &s.media);
    copy_text(s.codec, sizeof(s.codec), s.media.codec);
    copy_text(s.container, sizeof(s.container), s.media.container);
    s.media.codec = s.media.container = NULL;
    s.seconds = wn_decoder_seconds(c->decoder);
    if (frame) {
        s.frame.width = frame->width;
        s.frame.height = frame->height;
        s.frame.time = frame->time;
        s.frame.number = frame->number;
        s.frame.scene = frame->scene;
        s.frame.scene_score = frame->scene_score;
        s.frame.key = frame->key;
    }
    return wn_wire_send(c->fd, word, &s, sizeof(s), frame ? frame->rgb : NULL,
                        frame ? (size_t)frame->width * 3 * (size_t)frame->height : 0);
}

static const char *take_text(const uint8_t **at, const uint8_t *end)
{
    const char *text = (const char *)*at;

    if (*at >= end)
        return NULL;
    *at += strlen(text) + 1;
    return *text ? text : NULL;
}

static int open_file(struct cell *c, const struct wn_message *m)
{
    struct wn_decoder_params theirs;
    const uint8_t *at = m->data + sizeof(theirs), *end = m->data + m->size;

    memcpy(&theirs, m->data, sizeof(theirs));
    struct wn_decoder_params p = {
        .start = theirs.start,
        .end = theirs.end,
        .stream = theirs.stream,
        .allow_cover = theirs.allow_cover,
        .max_pixels = theirs.max_pixels,
        .max_frames = theirs.max_frames,
        .max_duration = theirs.max_duration,
        .n_threads = theirs.n_threads,
        .rough = theirs.rough,
        .fit = theirs.fit,
        .log = &c->log,
        .url = take_text(&at, end),
    };
    /* The message's room is used again, and of texts only the first is copied. */
    p.hwaccel = wn_strdup(take_text(&at, end));
    p.cache_dir = wn_strdup(take_text(&at, end));
    if (wn_pool_create(&c->pool, p.n_threads))
        return wn_nomem(&c->log, "the worker pool");
    p.pool = c->pool;
    return wn_decoder_open(&c->decoder, &p);
}

static int add_filter(struct cell *c, const char *name, const char *options)
{
    const struct wn_filter *filter = name ? wn_filter_find(name) : NULL;
    struct wn_instance *in = NULL;
    struct wn_instance **list =
        wn_regrow(c->filters, (size_t)c->n_filters + 1, sizeof(struct wn_instance *));

    if (!list || !filter || wn_instance_create(&in, filter))
        return wn_nomem(&c->log, "a filter");
    c->filters = list;
    list[c->n_filters++] = in;
    if (options && av_set_options_string(in->priv, options, "=", ":") < 0)
        return wn_fail(&c->log, WN_ERR_ARG, "options of %s: %s", name, options);
    return filter->init ? filter->init(in->priv, &c->log) : WN_OK;
}

static int set_filters(struct cell *c, const struct wn_message *m)
{
    const uint8_t *at = m->data, *end = at + m->size;
    int err = WN_OK;

    while (at < end && err >= 0) {
        const char *name = take_text(&at, end);
        err = add_filter(c, name, take_text(&at, end));
    }
    return err < 0 ? err : wn_decoder_set_filters(c->decoder, c->filters, c->n_filters);
}

static int send_frames(struct cell *c)
{
    struct wn_frame *frame = NULL;
    int err;

    while ((err = wn_decoder_next(c->decoder, &frame)) == WN_OK) {
        const int gone = send_state(c, WN_WORD_FRAME, frame);
        wn_frame_unref(&frame);
        if (gone)
            return WN_OK;
    }
    return err < 0 ? err : send_state(c, WN_WORD_STATE, NULL);
}

void wn_cell_run(int fd)
{
    struct cell c = {.fd = fd};
    struct wn_message m = {0};
    int err = WN_OK;

    wn_log_init(&c.log);
    c.log.fn = send_log;
    c.log.opaque = &c;
    c.log.level = WN_LOG_INFO;
    while (!err && wn_wire_read(fd, &m, NULL, &c.log) == WN_OK) {
        err = m.word == WN_WORD_OPEN      ? open_file(&c, &m)
              : m.word == WN_WORD_FILTERS ? set_filters(&c, &m) : send_frames(&c);
        if (!err && m.word != WN_WORD_GO)
            err = send_state(&c, WN_WORD_STATE, NULL);
    }
    if (err < 0)
        wn_wire_send(fd, WN_WORD_FAIL, &err, sizeof(err), c.log.last_error,
                     strlen(c.log.last_error));
}
