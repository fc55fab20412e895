/* SPDX-License-Identifier: MIT */
#include "preset.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* How a preset spends its tokens. On the sample model's quizzes a quarter of a frame's rows leaves
 * every answer as it was and a tenth nearly every one, if they are chosen for their differences; a
 * moment that is not looked at loses more (docs/accuracy.md). */
struct style {
    double fps, frames; /* at most so many a second, and in all */
    double least;       /* share of its rows that a frame keeps at least */
    double most;        /* and at most */
    bool half;          /* patches merge by two inside the encoder, where it can */
};
static const struct style auto_style = {2, 64, 1 / 32.0, 1, false};
static const struct style fast_style = {1, 16, 1 / 16.0, 0.25, true};
static const struct style fine_style = {4, 256, 0.25, 1, false};
/* Of a search, before those go that look alike. */
#define SEARCH_FRAMES 1800.0
#define SEARCH_LEAST_FPS 0.5

static const struct wn_preset_info presets[] = {
    {"auto", "frames by scenes, the rows of each that differ most, as the budget holds them; aside "
     "when all fits", "scene,fps=F,cdpruner=keep=K,budget"},
    {"fast", "at most 16 frames, one a second; their patches merge to half as many inside the "
     "encoder, a quarter of their rows is read",
     "scene,fps=F,tome=keep=0.5,cdpruner=keep=K,budget"},
    {"fine", "up to 256 frames, four a second, as long as a quarter of their rows can be read, and "
     "never fewer than auto",
     "scene,fps=F,cdpruner=keep=K,budget"},
    {"off", "frames spread evenly, as many as fit, none of their rows touched", "uniform=n=N"},
};

const struct wn_preset_info *wn_preset(int i)
{
    return i >= 0 && i < WN_LEN(presets) ? &presets[i] : NULL;
}

/* Rows below which a frame says too little to be worth its label. */
static double least_rows(const struct wn_clip *clip, const struct style *style)
{
    return fmin(clip->frame_rows, fmax(4, ceil(clip->frame_rows * style->least)));
}

/* How many frames the budget holds when each keeps `rows`. */
static double frames_of(const struct wn_clip *clip, double rows)
{
    if (clip->tokens <= 0 || clip->frame_rows <= 0)
        return INFINITY;
    return fmax(1, floor((double)clip->tokens / (rows + clip->frame_glue)));
}

static double wanted_frames(const struct wn_clip *clip, const struct style *style)
{
    return fmin(style->frames, fmax(1, ceil(clip->duration * style->fps)));
}

/* How many frames to look at, each with the rows that the style wants at least. One that asks for
 * more of each than auto does must not look at fewer for it: they would be missed more. */
static double affordable_frames(const struct wn_clip *clip, const struct style *style)
{
    const double frames =
        fmin(wanted_frames(clip, style), frames_of(clip, least_rows(clip, style)));

    return style == &fine_style ? fmax(frames, affordable_frames(clip, &auto_style)) : frames;
}

/* Rows that each of so many frames can keep. */
static double rows_each(const struct wn_clip *clip, double tokens, double frames)
{
    return fmax(1, floor(tokens / frames) - clip->frame_glue);
}

/* Nothing that shows for two seconds is missed, and what stays the same is not looked at twice. */
static char *expand_search(const struct wn_clip *clip)
{
    const double rate = clip->duration > 0 ? SEARCH_FRAMES / clip->duration : SEARCH_LEAST_FPS;

    return wn_sprintf("scene,fps=%.6g,dedup", fmax(fmin(rate, auto_style.fps), SEARCH_LEAST_FPS));
}

/* Of a video whose length is known. */
static char *expand_style(const struct wn_clip *clip, const struct style *style)
{
    const double want = wanted_frames(clip, style), all = clip->frame_rows * style->most;
    const double frames = affordable_frames(clip, style);
    const char *half = style->half && clip->reduces ? ",tome=keep=0.5" : "";

    if (style->most >= 1 && frames_of(clip, clip->frame_rows) >= want)
        return wn_sprintf("scene,fps=%.6g", want / clip->duration);
    if (clip->tokens <= 0 || clip->frame_rows <= 0)
        return wn_sprintf("scene,fps=%.6g%s,cdpruner=keep=%.6g", want / clip->duration, half,
                          style->most);
    const double rows = fmin(rows_each(clip, (double)clip->tokens, frames), ceil(all));
    return wn_sprintf("scene,fps=%.6g%s,cdpruner=keep=%.0f", frames / clip->duration, half, rows);
}

/* All the budget is the picture's, and of a picture in tiles each keeps its share. */
static char *expand_still(const struct wn_clip *clip)
{
    const double rows = (double)clip->tokens - clip->frame_glue;

    if (clip->tokens <= 0 || clip->frame_rows <= 0 || rows >= clip->frame_rows)
        return wn_strdup("");
    return wn_sprintf("cdpruner=keep=%.6g", fmax(1, rows) / clip->frame_rows);
}

static char *expand(const struct wn_clip *clip, const struct style *style)
{
    if (clip->still)
        return expand_still(clip);
    if (clip->search)
        return expand_search(clip);
    if (clip->duration <= 0) /* pushed, or a file that does not tell: the budget sorts it out */
        return wn_sprintf("scene,fps=%.6g,vtc_cls=keep=%.6g", style->fps, fmin(style->most, 0.5));
    return expand_style(clip, style);
}

static char *expand_off(const struct wn_clip *clip)
{
    if (clip->still)
        return wn_strdup("");
    const double rate = clip->duration > 0 ? wanted_frames(clip, &auto_style) : 16;

    if (clip->segment > 0)
        return wn_sprintf("scene,fps=%.6g", fmin(frames_of(clip, clip->frame_rows), rate) /
                                                (clip->duration > 0 ? clip->duration : 8));
    return wn_sprintf("uniform=n=%d", (int)fmin(frames_of(clip, clip->frame_rows), rate));
}

static bool names_budget(const char *chain)
{
    for (const char *p = strstr(chain, "budget"); p; p = strstr(p + 1, "budget"))
        if ((p == chain || p[-1] == ',' || p[-1] == ' ') && (!p[6] || strchr("=, ", p[6])))
            return true;
    return false;
}

/* The length of the preset's name at the start of text, 0 when there is none. */
static size_t preset_length(const char *text, const char *name)
{
    const size_t n = strlen(name);

    return !strncmp(text, name, n) && (!text[n] || text[n] == ',') ? n : 0;
}

const char *wn_preset_tail(const char *text)
{
    text += strspn(text, " ");
    for (int i = 0; i < WN_LEN(presets); i++) {
        const size_t n = preset_length(text, presets[i].name);
        if (n)
            return text + n + (text[n] == ',');
    }
    return NULL;
}

char *wn_preset_expand(const char *text, const struct wn_clip *clip)
{
    char *head = NULL;
    size_t n;

    text += strspn(text, " ");
    if ((n = preset_length(text, "auto")) > 0)
        head = expand(clip, &auto_style);
    else if ((n = preset_length(text, "fast")) > 0)
        head = expand(clip, &fast_style);
    else if ((n = preset_length(text, "fine")) > 0)
        head = expand(clip, &fine_style);
    else if ((n = preset_length(text, "off")) > 0)
        head = expand_off(clip);
    else
        head = wn_strdup("");
    if (!head)
        return NULL;
    const char *tail = text + n + (n && text[n] == ',');
    char *chain = wn_sprintf("%s%s%s", head, *head && *tail ? "," : "", tail);
    free(head);
    if (chain && clip->budget && !names_budget(chain)) {
        char *with =
            wn_sprintf("%s%sbudget=tokens=%" PRId64, chain, *chain ? "," : "", clip->tokens);
        free(chain);
        chain = with;
    }
    return chain;
}

static double option(const struct wn_instance *in, const char *key)
{
    double v = 0;

    return av_opt_get_double(in->priv, key, 0, &v) < 0 ? 0 : v;
}

double wn_preset_frames(const struct wn_chain *chain, const struct wn_clip *clip)
{
    double frames = 0;

    if (clip->still)
        return 1;
    for (int i = 0; i < chain->n && chain->item[i]->at == WN_AT_FRAME; i++) {
        const struct wn_instance *in = chain->item[i];
        const char *name = in->filter->name;
        double n = 0;
        if (!strcmp(name, "fps"))
            n = ceil(clip->duration * option(in, "fps"));
        else if (!strcmp(name, "uniform"))
            n = option(in, "n");
        else if (!strcmp(name, "keyframes"))
            n = option(in, "max");
        if (n > 0)
            frames = frames > 0 ? fmin(frames, n) : n;
    }
    return frames;
}

static bool takes_share(const struct wn_instance *in, bool given)
{
    return !given && in->at & (WN_AT_ENCODER | WN_AT_TOKEN) && in->filter->family != WN_BUDGET &&
           in->filter->options && av_opt_find(in->priv, "keep", NULL, 0, 0);
}

int wn_preset_share(struct wn_chain *chain, const bool *given, const struct wn_clip *clip)
{
    const double frames = wn_preset_frames(chain, clip);
    double tokens = (double)clip->tokens;
    int n = 0;

    for (int i = 0; i < chain->n; i++) {
        n += takes_share(chain->item[i], given[i]);
        if (chain->item[i]->filter->family == WN_BUDGET)
            tokens = option(chain->item[i], "tokens");
    }
    if (!n || clip->search || frames <= 0 || tokens <= 0 || clip->frame_rows <= 0)
        return WN_OK;
    const double share = rows_each(clip, tokens, frames) / clip->frame_rows;
    for (int i = 0; i < chain->n; i++) {
        if (!takes_share(chain->item[i], given[i]))
            continue;
        /* Several in a row each take the same part of it; from 1 on keep means a count. */
        const double keep = share >= 1 ? 1e9 : pow(share, 1.0 / n);
        av_opt_set_double(chain->item[i]->priv, "keep", keep, 0);
    }
    return WN_OK;
}
