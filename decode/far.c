/* SPDX-License-Identifier: MIT */
#include "jail.h"

#include <libavutil/mem.h>
#include <libavutil/opt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "wire.h"

struct wn_far {
    struct wn_log *log;
    const struct wn_jail *jail;
    const atomic_bool *stop;
    char *name;      /* of the file, for messages */
    int to, status;
    bool going, ended;
    struct wn_message m;
    struct wn_state state;
};

/* The other process is gone without a word. */
static int tell_death(struct wn_far *far)
{
    int how = 0;

    if (read(far->status, &how, sizeof(how)) != sizeof(how))
        return wn_fail(far->log, WN_ERR_NOMEM, "%s: no process that decodes it", far->name);
    if (WIFSIGNALED(how) && WTERMSIG(how) == SIGXCPU)
        return wn_fail(far->log, WN_ERR_LIMIT, "%s: decoding it took more than %g s of a processor",
                       far->name, wn_jail_seconds(far->jail));
    if (WIFSIGNALED(how))
        return wn_fail(far->log, WN_ERR_DATA,
                       "%s: the process that decoded it died of signal %d (%s)", far->name,
                       WTERMSIG(how), strsignal(WTERMSIG(how)));
    return wn_fail(far->log, WN_ERR_DATA, "%s: the process that decoded it ended with status %d",
                   far->name, WEXITSTATUS(how));
}

/* The next word that is no message: far->m holds it. */
static int hear(struct wn_far *far)
{
    for (;;) {
        struct wn_message *m = &far->m;
        const int err = wn_wire_read(far->to, m, far->stop, far->log);
        int32_t head = 0;

        if (err)
            return err == WN_EOF ? tell_death(far) : err;
        if (m->size >= sizeof(head))
            memcpy(&head, m->data, sizeof(head));
        if (m->word == WN_WORD_FAIL)
            return wn_fail(far->log, head, "%s", (const char *)m->data + sizeof(head));
        if (m->word == WN_WORD_LOG) {
            wn_say(far->log, (enum wn_log_level)head, "%s", (const char *)m->data + sizeof(head));
            continue;
        }
        if (m->size < sizeof(far->state))
            return wn_fail(far->log, WN_ERR_DATA, "%s: a word that is none", far->name);
        memcpy(&far->state, m->data, sizeof(far->state));
        far->state.codec[sizeof(far->state.codec) - 1] = '\0';
        far->state.container[sizeof(far->state.container) - 1] = '\0';
        return WN_OK;
    }
}

static size_t add_text(uint8_t *to, const char *text)
{
    const size_t n = text ? strlen(text) + 1 : 1;

    if (to)
        memcpy(to, text ? text : "", n);
    return n;
}

static int ask_to_open(struct wn_far *far, const struct wn_decoder_params *p)
{
    const char *const text[] = {p->url, p->hwaccel, p->cache_dir};
    size_t size = 0;

    for (int i = 0; i < WN_LEN(text); i++)
        size += add_text(NULL, text[i]);
    uint8_t *all = wn_calloc(size, 1), *at = all;
    if (!all)
        return wn_nomem(far->log, "a decoder");
    for (int i = 0; i < WN_LEN(text); i++)
        at += add_text(at, text[i]);
    wn_wire_send(far->to, WN_WORD_OPEN, p, sizeof(*p), all, size); /* a death is heard of next */
    free(all);
    return hear(far);
}

int wn_far_open(struct wn_far **out, const struct wn_decoder_params *params)
{
    struct wn_far *far = wn_calloc(1, sizeof(*far));
    const char *slash = strrchr(params->url, '/');
    int err;

    if (!far)
        return wn_nomem(params->log, "a decoder");
    far->log = params->log;
    far->jail = params->jail;
    far->stop = params->stop;
    far->to = far->status = -1;
    far->name = wn_strdup(slash && slash[1] ? slash + 1 : params->url);
    if (!far->name) {
        err = wn_nomem(params->log, "a decoder");
        goto fail;
    }
    if (wn_jail_start(params->jail, &far->to, &far->status) != 0) {
        err = wn_fail(params->log, WN_ERR_IO, "%s: no process that decodes it", far->name);
        goto fail;
    }
    TRY(ask_to_open(far, params));
    *out = far;
    return WN_OK;
fail:
    wn_far_close(&far);
    return err;
}

void wn_far_close(struct wn_far **far)
{
    struct wn_far *f = *far;

    if (!f)
        return;
    if (f->to >= 0)
        close(f->to);
    if (f->status >= 0)
        close(f->status); /* this ends the other process */
    free(f->m.data);
    free(f->name);
    free(f);
    *far = NULL;
}

int wn_far_set_filters(struct wn_far *far, struct wn_instance **filters, int n)
{
    uint8_t *all = NULL;
    size_t size = 0;

    for (int i = 0; i < n; i++) {
        const struct wn_filter *filter = filters[i]->filter;
        char *text = NULL;
        const int bad = filter->options
            ? av_opt_serialize(filters[i]->priv, 0, 0, &text, '=', ':') : 0;
        const size_t room = add_text(NULL, filter->name) + add_text(NULL, text);
        uint8_t *more = bad < 0 ? NULL : wn_regrow(all, size + room, 1);
        if (!more) {
            av_free(text);
            free(all);
            return wn_nomem(far->log, "filters");
        }
        all = more;
        size += add_text(all + size, filter->name);
        size += add_text(all + size, text);
        av_free(text);
    }
    wn_wire_send(far->to, WN_WORD_FILTERS, all, size, NULL, 0);
    free(all);
    return hear(far);
}

static int take_frame(struct wn_far *far, struct wn_frame **out)
{
    const struct wn_frame *f = &far->state.frame;
    struct wn_frame *frame = NULL;
    const size_t left = far->m.size - sizeof(far->state);

    if (f->width < 1 || f->height < 1 || left / 3 / (size_t)f->width != (size_t)f->height ||
        left % ((size_t)f->width * 3))
        return wn_fail(far->log, WN_ERR_DATA, "%s: a picture of %d x %d in %zu bytes", far->name,
                       f->width, f->height, left);
    if (wn_frame_create(&frame, f->width, f->height))
        return wn_nomem(far->log, "a decoded picture");
    memcpy(frame->rgb, far->m.data + sizeof(far->state), left);
    frame->time = f->time;
    frame->number = f->number;
    frame->scene = f->scene;
    frame->scene_score = f->scene_score;
    frame->key = f->key;
    *out = frame;
    return WN_OK;
}

int wn_far_next(struct wn_far *far, struct wn_frame **out)
{
    if (far->ended)
        return WN_EOF;
    if (!far->going)
        wn_wire_send(far->to, WN_WORD_GO, NULL, 0, NULL, 0);
    far->going = true;
    const int err = hear(far);
    if (err < 0)
        return err;
    if (far->m.word == WN_WORD_FRAME)
        return take_frame(far, out);
    far->ended = true;
    return WN_EOF;
}

void wn_far_state(const struct wn_far *far, struct wn_media *media, double *seconds)
{
    *media = far->state.media;
    media->codec = far->state.codec;
    media->container = far->state.container;
    *seconds = far->state.seconds;
}
