/* SPDX-License-Identifier: MIT */
/* The chain's text: name=key=value:key=value,next. A value without a key is the first option's.
 * A backslash takes the meaning from the character after it. */
#include "preset.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/error.h>

#define MAX_FILTERS 64

static const struct wn_filter *find_in(const struct wn_filter *const *list, const char *name)
{
    for (; *list; list++)
        if (!strcmp((*list)->name, name))
            return *list;
    return NULL;
}

const struct wn_filter *wn_filter_find(const char *name)
{
    const struct wn_filter *f = find_in(wn_frame_filters, name);

    return f ? f : find_in(wn_token_filters, name);
}

int32_t wn_keep(double keep, int32_t n)
{
    const double k = keep < 1 ? keep * n : keep;

    return k >= n ? n : k <= 0 ? 0 : (int32_t)k;
}

/* ---- words that are nearly right ---- */

static int edit_distance(const char *a, const char *b)
{
    enum { MOST = 24 };
    int row[MOST + 1];
    const int na = (int)strlen(a), nb = (int)strlen(b);

    if (na > MOST || nb > MOST)
        return MOST;
    for (int j = 0; j <= nb; j++)
        row[j] = j;
    for (int i = 1; i <= na; i++) {
        int corner = row[0];
        row[0] = i;
        for (int j = 1; j <= nb; j++) {
            const int change = corner + (a[i - 1] != b[j - 1]);
            corner = row[j];
            row[j] = WN_MIN(WN_MIN(row[j], row[j - 1]) + 1, change);
        }
    }
    return row[nb];
}

struct guess {
    const char *word, *best;
    int distance;
};

static void consider(struct guess *g, const char *candidate)
{
    const int d = edit_distance(g->word, candidate);

    if (d < g->distance) {
        g->distance = d;
        g->best = candidate;
    }
}

static int unknown_filter(const char *name, struct wn_log *log)
{
    char shown[64];
    struct guess g = {.word = name, .distance = 4};

    for (const struct wn_filter *const *f = wn_frame_filters; *f; f++)
        consider(&g, (*f)->name);
    for (const struct wn_filter *const *f = wn_token_filters; *f; f++)
        consider(&g, (*f)->name);
    for (int i = 0; wn_preset(i); i++)
        consider(&g, wn_preset(i)->name);
    wn_printable(shown, sizeof(shown), name);
    if (g.best)
        return wn_fail(log, WN_ERR_ARG, "no filter is called '%s' (did you mean '%s'?)", shown,
                       g.best);
    return wn_fail(log, WN_ERR_ARG, "no filter is called '%s' (see `winnow filters`)", shown);
}

static int unknown_option(const struct wn_filter *filter, const char *key, struct wn_log *log)
{
    char shown[64];
    struct guess g = {.word = key, .distance = 4};

    for (const AVOption *o = filter->options; o && o->name; o++)
        if (o->type != AV_OPT_TYPE_CONST)
            consider(&g, o->name);
    wn_printable(shown, sizeof(shown), key);
    if (g.best)
        return wn_fail(log, WN_ERR_ARG, "filter %s has no option '%s' (did you mean '%s'?)",
                       filter->name, shown, g.best);
    return wn_fail(log, WN_ERR_ARG, "filter %s has no option '%s'", filter->name, shown);
}

/* ---- instances ---- */

void wn_instance_destroy(struct wn_instance **instance)
{
    struct wn_instance *in = *instance;

    if (!in)
        return;
    if (in->priv) {
        if (in->filter->finish)
            in->filter->finish(in->priv);
        if (in->filter->options)
            av_opt_free(in->priv);
    }
    free(in->priv);
    free(in);
    *instance = NULL;
}

static enum wn_place first_place(unsigned places)
{
    return (enum wn_place)(places & (~places + 1u));
}

int wn_instance_create(struct wn_instance **out, const struct wn_filter *filter)
{
    struct wn_instance *in = wn_calloc(1, sizeof(*in));

    if (!in)
        return WN_ERR_NOMEM;
    in->filter = filter;
    in->at = first_place(filter->places);
    in->class = (AVClass){
        .class_name = filter->name,
        .item_name = av_default_item_name,
        .option = filter->options,
        .version = LIBAVUTIL_VERSION_INT,
    };
    in->priv = wn_calloc(1, WN_MAX(filter->priv_size, sizeof(const AVClass *)));
    if (!in->priv) {
        wn_instance_destroy(&in);
        return WN_ERR_NOMEM;
    }
    const AVClass *class = &in->class;
    memcpy(in->priv, &class, sizeof(class));
    if (filter->options)
        av_opt_set_defaults(in->priv);
    *out = in;
    return WN_OK;
}

static int set_place(struct wn_instance *in, const char *value, struct wn_log *log)
{
    static const struct {
        const char *name;
        enum wn_place at;
    } place[] = {
        {"frame", WN_AT_FRAME},
        {"encoder", WN_AT_ENCODER},
        {"token", WN_AT_TOKEN},
        {"llm", WN_AT_LLM},
    };

    for (int i = 0; i < WN_LEN(place); i++) {
        if (strcmp(value, place[i].name))
            continue;
        if (!(in->filter->places & place[i].at))
            break;
        in->at = place[i].at;
        return WN_OK;
    }
    return wn_fail(log, WN_ERR_ARG, "filter %s cannot act at '%s'", in->filter->name, value);
}

static const AVOption *first_option(const struct wn_filter *filter)
{
    const AVOption *o = filter->options;

    return o && o->name ? o : NULL;
}

static int set_option(struct wn_instance *in, const char *key, const char *value,
                      struct wn_log *log)
{
    const struct wn_filter *filter = in->filter;
    char shown[64];

    if (key && !strcmp(key, "at"))
        return set_place(in, value, log);
    if (!key) {
        if (!first_option(filter))
            return wn_fail(log, WN_ERR_ARG, "filter %s takes no value", filter->name);
        key = first_option(filter)->name;
    }
    const AVOption *o = filter->options ? av_opt_find(in->priv, key, NULL, 0, 0) : NULL;
    if (!o)
        return unknown_option(filter, key, log);
    const int ret = av_opt_set(in->priv, key, value, 0);
    wn_printable(shown, sizeof(shown), value);
    if (ret == AVERROR(ERANGE))
        return wn_fail(log, WN_ERR_ARG, "filter %s: %s=%s is out of range (%g to %g)", filter->name,
                       key, shown, o->min, o->max);
    if (ret < 0)
        return wn_fail(log, WN_ERR_ARG, "filter %s: %s=%s is not a value for it", filter->name, key,
                       shown);
    return WN_OK;
}

/* ---- parsing ---- */

/* Cuts *text at the next unescaped `stop` and unescapes nothing yet. */
static char *next_field(char **text, char stop)
{
    char *field = *text;

    if (!field)
        return NULL;
    char *p = field;
    while (*p && *p != stop)
        p += *p == '\\' && p[1] ? 2 : 1;
    *text = *p ? p + 1 : NULL;
    *p = '\0';
    return field;
}

static char *unescape(char *s)
{
    char *to = s;

    for (const char *p = s; *p; p++) {
        if (*p == '\\' && p[1])
            p++;
        *to++ = *p;
    }
    *to = '\0';
    return s;
}

static char *trim(char *s)
{
    while (*s == ' ' || *s == '\n' || *s == '\t')
        s++;
    for (size_t n = strlen(s); n && (s[n - 1] == ' ' || s[n - 1] == '\n' || s[n - 1] == '\t'); n--)
        s[n - 1] = '\0';
    return s;
}

/* Whether an option says how much a filter keeps: then the budget does not. */
static bool is_count(const char *key)
{
    static const char *const word[] = {"keep",  "ratio",    "q",      "rate",
                                       "merge", "dominant", "stride", "size",
                                       "across", "within",  "weights"};

    for (int i = 0; i < WN_LEN(word); i++)
        if (!strcmp(key, word[i]))
            return true;
    return false;
}

static int set_options(struct wn_instance *in, char *text, bool *given, struct wn_log *log)
{
    int err = WN_OK;

    while (text) {
        char *field = next_field(&text, ':');
        char *value = field;
        char *key = next_field(&value, '=');
        if (!value) {
            value = key;
            key = NULL;
        }
        err = set_option(in, key ? trim(unescape(key)) : NULL, unescape(value), log);
        if (err)
            return err;
        *given |= !key || is_count(key);
    }
    return err;
}

/* The earliest place that the encoder and the filter before allow; at= tells otherwise. */
static enum wn_place default_place(const struct wn_filter *filter, const struct wn_chain *chain,
                                   const struct wn_clip *clip, struct wn_log *log)
{
    const unsigned before = chain->n ? (unsigned)chain->item[chain->n - 1]->at : 0;
    const bool reduces = clip && clip->reduces;

    for (unsigned at = WN_AT_FRAME; at <= WN_AT_LLM; at <<= 1) {
        if (!(filter->places & at) || at < before)
            continue;
        if (at != WN_AT_ENCODER || reduces)
            return (enum wn_place)at;
        if (clip && clip->frame_rows > 0 && filter->places & WN_AT_TOKEN)
            wn_say(log, WN_LOG_INFO, "%s acts behind the encoder: nothing can act between the "
                   "layers of this one", filter->name);
    }
    return first_place(filter->places);
}

static int append_filter(struct wn_chain *chain, bool *given, char *item,
                         const struct wn_clip *clip, struct wn_log *log)
{
    char *options = item;
    const char *name = trim(next_field(&options, '='));
    const struct wn_filter *filter = wn_filter_find(name);
    int err;

    if (!*name)
        return wn_fail(log, WN_ERR_ARG, "an empty place in the chain of filters");
    if (!filter)
        return unknown_filter(name, log);
    for (int i = 0; i < chain->n; i++)
        if (chain->item[i]->filter == filter)
            return wn_fail(log, WN_ERR_ARG, "filter %s stands twice in the chain", name);
    if (chain->n == MAX_FILTERS)
        return wn_fail(log, WN_ERR_ARG, "more than %d filters in the chain", MAX_FILTERS);
    err = wn_instance_create(&chain->item[chain->n], filter);
    if (err)
        return wn_nomem(log, "a filter");
    struct wn_instance *in = chain->item[chain->n];
    in->at = default_place(filter, chain, clip, log);
    given[chain->n++] = false;
    if (options)
        err = set_options(in, options, &given[chain->n - 1], log);
    return err;
}

static int parse_items(struct wn_chain *chain, bool *given, const char *text,
                       const struct wn_clip *clip, struct wn_log *log)
{
    char *copy = wn_strdup(text);
    char *rest = copy;
    int err = copy ? WN_OK : wn_nomem(log, "the chain");

    while (!err && rest && *trim(rest))
        err = append_filter(chain, given, next_field(&rest, ','), clip, log);
    free(copy);
    return err;
}

static const char *place_name(enum wn_place at)
{
    return at == WN_AT_FRAME     ? "frame"
           : at == WN_AT_ENCODER ? "encoder"
           : at == WN_AT_TOKEN   ? "token"
                                 : "llm";
}

static int check_order(const struct wn_chain *chain, struct wn_log *log)
{
    for (int i = 0; i + 1 < chain->n; i++) {
        const struct wn_instance *a = chain->item[i], *b = chain->item[i + 1];
        if (a->at > b->at)
            return wn_fail(log, WN_ERR_ARG,
                           "%s acts on %ss and %s on %ss, so %s must stand first "
                           "(order: frame, encoder, token, llm)",
                           a->filter->name, place_name(a->at), b->filter->name, place_name(b->at),
                           b->filter->name);
        if (a->filter->family == WN_BUDGET && b->at == WN_AT_TOKEN)
            return wn_fail(log, WN_ERR_ARG,
                           "budget must be the last token filter, but %s stands behind it",
                           b->filter->name);
        if (a->at == WN_AT_FRAME && !strcmp(b->filter->name, "scene"))
            wn_say(log, WN_LOG_WARN,
                   "scene sees only the frames that %s leaves it; put it first to find every cut",
                   a->filter->name);
    }
    return WN_OK;
}

static int init_all(struct wn_chain *chain, struct wn_log *log)
{
    for (int i = 0; i < chain->n; i++) {
        const struct wn_filter *f = chain->item[i]->filter;
        const int err = f->init ? f->init(chain->item[i]->priv, log) : WN_OK;
        if (err)
            return err;
    }
    return WN_OK;
}

int wn_chain_parse(struct wn_chain **out, const char *text, const struct wn_clip *clip,
                   struct wn_log *log)
{
    struct wn_chain *chain = wn_calloc(1, sizeof(*chain));
    bool given[MAX_FILTERS] = {false};
    int err;

    if (!chain)
        return wn_nomem(log, "the chain");
    const char *tail = wn_preset_tail(text);
    if (tail && *tail && strncmp(tail + strspn(tail, " "), "budget", 6)) {
        err = wn_fail(log, WN_ERR_ARG, "a preset stands alone or before budget, not before '%.60s'",
                      tail);
        goto fail;
    }
    chain->item = wn_calloc(MAX_FILTERS, sizeof(struct wn_instance *));
    chain->text = wn_preset_expand(text, clip);
    if (!chain->item || !chain->text) {
        err = wn_nomem(log, "the chain");
        goto fail;
    }
    TRY(parse_items(chain, given, chain->text, clip, log));
    TRY(check_order(chain, log));
    TRY(wn_preset_share(chain, given, clip));
    TRY(init_all(chain, log));
    *out = chain;
    return WN_OK;
fail:
    wn_chain_destroy(&chain);
    return err;
}

void wn_chain_destroy(struct wn_chain **chain)
{
    if (!*chain)
        return;
    for (int i = 0; i < (*chain)->n; i++)
        wn_instance_destroy(&(*chain)->item[i]);
    free((*chain)->item);
    free((*chain)->text);
    free(*chain);
    *chain = NULL;
}

struct wn_instance **wn_chain_at(const struct wn_chain *chain, enum wn_place at, int *n)
{
    int first = 0;

    while (first < chain->n && chain->item[first]->at < at)
        first++;
    int end = first;
    while (end < chain->n && chain->item[end]->at == at)
        end++;
    *n = end - first;
    return chain->item + first;
}
