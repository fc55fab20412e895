/* SPDX-License-Identifier: MIT */
/* What this build can do, as the declarations say. */
#include "session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/avutil.h>

static const char *family_name(enum wn_family family)
{
    switch (family) {
    case WN_TRANSFORMATION: return "transformation";
    case WN_SIMILARITY:     return "similarity";
    case WN_ATTENTION:      return "attention";
    case WN_QUERY:          return "query";
    case WN_BASELINE:       return "baseline";
    case WN_BUDGET:         return "budget";
    case WN_FRAME:          return "frame";
    }
    return "";
}

static const char *type_name(enum AVOptionType type)
{
    switch (type) {
    case AV_OPT_TYPE_INT:
    case AV_OPT_TYPE_INT64:  return "integer";
    case AV_OPT_TYPE_DOUBLE:
    case AV_OPT_TYPE_FLOAT:  return "number";
    case AV_OPT_TYPE_BOOL:   return "yes or no";
    case AV_OPT_TYPE_STRING: return "text";
    default:                 return "value";
    }
}

/* Text of the table below: made once, lives as long as the process. */
static char *keep(char *text)
{
    return text ? text : (char *)"";
}

static bool is_choice(const AVOption *o)
{
    return o->unit && (o->type == AV_OPT_TYPE_INT || o->type == AV_OPT_TYPE_FLAGS);
}

static char *default_text(const AVOption *first, const AVOption *o)
{
    if (o->type == AV_OPT_TYPE_STRING)
        return keep(wn_sprintf("%s", o->default_val.str ? o->default_val.str : ""));
    if (o->type == AV_OPT_TYPE_DOUBLE || o->type == AV_OPT_TYPE_FLOAT)
        return keep(wn_sprintf("%g", o->default_val.dbl));
    if (o->type == AV_OPT_TYPE_BOOL)
        return keep(wn_sprintf("%s", o->default_val.i64 > 0 ? "yes" : "no"));
    for (const AVOption *c = first; is_choice(o) && c->name; c++)
        if (c->type == AV_OPT_TYPE_CONST && c->unit && !strcmp(c->unit, o->unit) &&
            c->default_val.i64 == o->default_val.i64)
            return keep(wn_sprintf("%s", c->name));
    return keep(wn_sprintf("%" PRId64, o->default_val.i64));
}

static char *range_text(const AVOption *first, const AVOption *o)
{
    if (o->type == AV_OPT_TYPE_STRING || o->type == AV_OPT_TYPE_BOOL)
        return keep(NULL);
    if (!is_choice(o))
        return keep(wn_sprintf("%g to %g", o->min, o->max));
    char *all = wn_strdup("");
    for (const AVOption *c = first; all && c->name; c++) {
        if (c->type != AV_OPT_TYPE_CONST || !c->unit || strcmp(c->unit, o->unit))
            continue;
        char *more = wn_sprintf("%s%s%s", all, *all ? "|" : "", c->name);
        free(all);
        all = more;
    }
    return keep(all);
}

static int list_options(const AVOption *first, struct wn_option_info *out)
{
    int n = 0;

    for (const AVOption *o = first; o && o->name; o++) {
        if (o->type == AV_OPT_TYPE_CONST)
            continue;
        if (out)
            out[n] = (struct wn_option_info){
                .name = o->name,
                .type = is_choice(o) ? "choice" : type_name(o->type),
                .help = o->help ? o->help : "",
                .def = default_text(first, o),
                .range = range_text(first, o),
            };
        n++;
    }
    return n;
}

static const char *flag_names(unsigned flags, const char *const *name, int n)
{
    char text[128] = "";
    size_t at = 0;

    for (int i = 0; i < n; i++)
        if (flags & (1u << i))
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%s", at ? " " : "", name[i]);
    return keep(wn_strdup(text));
}

static void describe(struct wn_filter_info *info, const struct wn_filter *f)
{
    static const char *const place[] = {"frame", "encoder", "token", "llm"};
    static const char *const need[] = {"cls", "keys", "grid", "logits", "global",
                                       "host"};

    const int n = list_options(f->options, NULL);
    struct wn_option_info *options = wn_calloc((size_t)n, sizeof(*options));
    if (options)
        list_options(f->options, options);
    *info = (struct wn_filter_info){
        .name = f->name,
        .family = family_name(f->family),
        .places = flag_names(f->places, place, WN_LEN(place)),
        .needs = flag_names(f->needs, need, WN_LEN(need)),
        .brief = f->brief,
        .paper = f->paper ? f->paper : "",
        .options = options,
        .n_options = options ? n : 0,
    };
}

/* Made from the declarations at the first call, never changed after it. */
static struct wn_filter_info *table;
static int n_table;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void fill_table(void)
{
    int n = 0;

    for (const struct wn_filter *const *f = wn_frame_filters; *f; f++)
        n++;
    for (const struct wn_filter *const *f = wn_token_filters; *f; f++)
        n++;
    table = wn_calloc((size_t)n, sizeof(*table));
    if (!table)
        return;
    for (const struct wn_filter *const *f = wn_frame_filters; *f; f++)
        describe(&table[n_table++], *f);
    for (const struct wn_filter *const *f = wn_token_filters; *f; f++)
        describe(&table[n_table++], *f);
}

const struct wn_filter_info *wn_filter(int i)
{
    pthread_once(&once, fill_table);
    return i >= 0 && i < n_table ? &table[i] : NULL;
}

int wn_devices(struct wn_device_info *out, int max)
{
    return wn_compress_devices(out, max);
}

int wn_build_info(void (*line)(void *opaque, const char *name, const char *value), void *opaque)
{
    char text[256];

    snprintf(text, sizeof(text), "%d.%d.%d", WN_VERSION_MAJOR, WN_VERSION_MINOR, WN_VERSION_PATCH);
    line(opaque, "winnow", text);
    line(opaque, "FFmpeg", av_version_info());
    wn_llm_versions(line, opaque);
#if defined(WN_HAVE_VULKAN)
    line(opaque, "Vulkan backend", "built");
#else
    line(opaque, "Vulkan backend", "left out of this build");
#endif
    return WN_OK;
}
