/* SPDX-License-Identifier: MIT */
#define _GNU_SOURCE /* dladdr() */
#include "source.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libavutil/mem.h>

enum { TAG_MEDIA = 1, TAG_SEGMENT, TAG_NUMBERS };

/* Of the whole cache, what one entry may have. */
#define SHARE_WIDE 4
#define SHARE_COMPACT 2

/* ---- keys ---- */

static void add_line(void *opaque, const char *name, const char *value)
{
    wn_key_add_text(opaque, name);
    wn_key_add_text(opaque, value);
}

/* The code itself is part of every key: no version number changes with each filter. */
static bool add_build(struct wn_key *key)
{
    Dl_info info;

    wn_build_info(add_line, key);
    return dladdr((void *)(uintptr_t)wn_source_open, &info) && info.dli_fname &&
           wn_key_add_file(key, info.dli_fname) == WN_OK;
}

void wn_session_cache_key(struct wn_session *s)
{
    const struct wn_params *p = &s->p;
    const int64_t numbers[] = {p->no_gpu_model, p->fast_resize, p->window, p->max_pixels,
                               p->max_frames, sizeof(void *)};
    struct wn_key key = {0, 0};

    if (p->row_cache <= 0 || !p->cache_dir || !s->llm)
        return;
    const bool known = add_build(&key) && wn_key_add_file(&key, p->model) == WN_OK;
    s->kept = (struct wn_kept){
        .folder = known ? wn_sprintf("%s/rows", p->cache_dir) : NULL,
        .key = key,
        .most_bytes = p->row_cache,
        .keep = p->keep_kv != 0,
        .about = "prompt",
    };
    if (!s->encoder)
        return;
    s->cached = known && wn_key_add_file(&key, p->mmproj) == WN_OK;
    wn_key_add_text(&key, p->encoder);
    wn_key_add_text(&key, p->hwaccel);
    wn_key_add_text(&key, s->encoder->info.arch);
    wn_key_add(&key, numbers, sizeof(numbers));
    wn_key_add(&key, &p->max_duration, sizeof(p->max_duration));
    s->cache_key = key;
}

/* A file that a filter reads counts with its contents. */
static void add_files(struct wn_key *key, const struct wn_instance *filter)
{
    for (const AVOption *o = filter->filter->options; o && o->name; o++) {
        uint8_t *value = NULL;
        if (o->type != AV_OPT_TYPE_STRING || av_opt_get(filter->priv, o->name, 0, &value) < 0)
            continue;
        if (value && *value)
            wn_key_add_file(key, (const char *)value);
        av_free(value);
    }
}

static int add_filters(struct wn_key *key, const struct wn_chain *chain, enum wn_place at,
                       int *n_filters)
{
    int n;
    struct wn_instance **filter = wn_chain_at(chain, at, &n);

    *n_filters = 0;
    for (int i = 0; i < n; i++) {
        char *text = NULL;
        if (filter[i]->filter->family == WN_BUDGET)
            continue;
        if (filter[i]->filter->options &&
            av_opt_serialize(filter[i]->priv, 0, 0, &text, '=', ':') < 0)
            return WN_ERR_NOMEM;
        wn_key_add_text(key, filter[i]->filter->name);
        wn_key_add_text(key, text);
        av_free(text);
        add_files(key, filter[i]);
        ++*n_filters;
    }
    return WN_OK;
}

static int make_keys(struct wn_source *src)
{
    struct wn_source_cache *c = &src->cache;
    const struct wn_needs *needs = &src->needs;
    const bool more[] = {needs->logits, needs->global};
    int n, err;

    c->wide_key = c->key;
    TRY(add_filters(&c->wide_key, src->chain, WN_AT_FRAME, &n));
    TRY(add_filters(&c->wide_key, src->chain, WN_AT_ENCODER, &n));
    wn_key_add(&c->wide_key, needs->cls, sizeof(needs->cls));
    wn_key_add(&c->wide_key, needs->keys, sizeof(needs->keys));
    wn_key_add(&c->wide_key, more, sizeof(more));
    wn_key_add(&c->wide_key, &src->p.max_segment, sizeof(src->p.max_segment));
    c->compact_key = c->wide_key;
    wn_key_add_text(&c->compact_key, "compact");
    TRY(add_filters(&c->compact_key, src->chain, WN_AT_TOKEN, &n));
    c->filtered = n > 0;
fail:
    return err;
}

static char *folder_of(const struct wn_source *src)
{
    return wn_sprintf("%s/rows", src->s->p.cache_dir);
}

static struct wn_cache_reader *find(struct wn_source *src, const struct wn_key *key)
{
    struct wn_cache_reader *from = NULL;
    char *folder = folder_of(src);

    if (folder)
        wn_cache_find(&from, folder, key);
    free(folder);
    return from;
}

/* ---- what the file is ---- */

struct media_record {
    int32_t width, height, rotation, still;
    double duration, fps;
    int64_t frames_decoded, frames_kept;
    char codec[64], container[128];
};

static bool read_media(struct wn_source *src, struct wn_bytes *b)
{
    struct media_record r;

    wn_bytes_get(b, &r, sizeof(r));
    if (b->failed || r.width < 1 || r.height < 1 || r.codec[sizeof(r.codec) - 1] ||
        r.container[sizeof(r.container) - 1] || !(r.duration >= 0) || !(r.fps >= 0))
        return false;
    memcpy(src->cache.codec, r.codec, sizeof(r.codec));
    memcpy(src->cache.container, r.container, sizeof(r.container));
    src->media = (struct wn_media){
        .size = sizeof(src->media),
        .width = r.width,
        .height = r.height,
        .rotation = r.rotation,
        .still = r.still,
        .duration = r.duration,
        .fps = r.fps,
        .codec = src->cache.codec,
        .container = src->cache.container,
    };
    return true;
}

static void write_media(const struct wn_source *src, const struct wn_media *m, struct wn_bytes *b)
{
    struct media_record r;

    memset(&r, 0, sizeof(r)); /* what lies between members, too */
    r.width = m->width;
    r.height = m->height;
    r.rotation = m->rotation;
    r.still = m->still;
    r.duration = m->duration;
    r.fps = m->fps;
    r.frames_decoded = m->frames_decoded;
    r.frames_kept = m->frames_kept;
    snprintf(r.codec, sizeof(r.codec), "%s", m->codec ? m->codec : "");
    snprintf(r.container, sizeof(r.container), "%s", m->container ? m->container : "");
    wn_bytes_put(b, &r, sizeof(r));
}

bool wn_source_cache_begin(struct wn_source *src)
{
    struct wn_source_cache *c = &src->cache;
    const double part[] = {src->p.start, src->p.end};
    const int32_t which[] = {src->p.stream, src->p.allow_cover};
    struct wn_bytes b = {0};
    uint32_t tag = 0;

    if (!src->s->cached || src->pushed || src->p.keep_frames || src->p.taps_for ||
        src->p.on_scores)
        return false;
    c->key = src->s->cache_key;
    c->on = wn_key_add_file(&c->key, src->url) == WN_OK;
    wn_key_add(&c->key, part, sizeof(part));
    wn_key_add(&c->key, which, sizeof(which));
    struct wn_cache_reader *from = c->on ? find(src, &c->key) : NULL;
    const bool known = from && wn_cache_next(from, &tag, &b) == WN_OK && tag == TAG_MEDIA &&
                       read_media(src, &b);
    wn_cache_close(&from);
    wn_bytes_finish(&b);
    return known;
}

int wn_source_cache_find(struct wn_source *src)
{
    struct wn_source_cache *c = &src->cache;
    int err;

    if (!c->on)
        return WN_OK;
    err = make_keys(src);
    if (err)
        return wn_nomem(&src->s->log, "the key of a cache");
    if (src->decoder) /* the file was not known: neither are its rows */
        return WN_OK;
    if (c->filtered)
        c->from = find(src, &c->compact_key);
    if (!c->from) {
        c->from = find(src, &c->wide_key);
        c->wide = c->from != NULL;
    }
    return WN_OK;
}

/* ---- writing ---- */

static void give_up(struct wn_source *src, struct wn_cache_writer **to)
{
    if (*to)
        wn_say(&src->s->log, WN_LOG_INFO, "rows of this file are not kept: no room for them");
    wn_cache_drop(to);
}

static void start(struct wn_source *src, struct wn_cache_writer **to, const struct wn_key *key,
                  const char *stage)
{
    const char *slash = strrchr(src->url, '/');
    char name[160];
    char *folder = folder_of(src);
    char *about = wn_sprintf("%s: %s", stage,
                             wn_printable(name, sizeof(name), slash ? slash + 1 : src->url));

    if (folder && about)
        wn_cache_create(to, folder, key, about);
    free(folder);
    free(about);
}

static void put_head(struct wn_source *src)
{
    struct wn_source_cache *c = &src->cache;
    const int64_t frames = src->stats.frames - src->frames_told;

    c->bytes.n = c->bytes.at = 0;
    c->bytes.failed = false;
    wn_bytes_put(&c->bytes, &src->segment_end, sizeof(src->segment_end));
    wn_bytes_put(&c->bytes, &frames, sizeof(frames));
}

static void put(struct wn_source *src, struct wn_cache_writer **to, int share)
{
    if (!*to)
        return;
    if (wn_cache_put(*to, TAG_SEGMENT, &src->cache.bytes) ||
        wn_cache_written(*to) > src->s->p.row_cache / share)
        give_up(src, to);
}

void wn_source_cache_put_wide(struct wn_source *src)
{
    struct wn_source_cache *c = &src->cache;

    if (!c->on)
        return;
    if (!c->from && !src->stats.segments) {
        start(src, &c->to_wide, &c->wide_key, "encoded");
    }
    if (!c->to_wide)
        return;
    put_head(src);
    wn_rows_pack(&c->bytes, src->rows, true);
    put(src, &c->to_wide, SHARE_WIDE);
}

void wn_source_cache_put_compact(struct wn_source *src, const struct wn_segment *seg,
                                 const struct wn_rows *rows)
{
    struct wn_source_cache *c = &src->cache;

    if (!c->on || !c->filtered || (c->from && !c->wide))
        return;
    if (!src->stats.segments)
        start(src, &c->to_compact, &c->compact_key, "compressed");
    if (!c->to_compact)
        return;
    put_head(src);
    wn_frames_pack(&c->bytes, seg->frames, seg->row0, seg->n_frames);
    wn_rows_pack(&c->bytes, rows, false);
    put(src, &c->to_compact, SHARE_COMPACT);
}

static void commit(struct wn_source *src, struct wn_cache_writer **to, uint32_t tag,
                   const struct wn_media *media)
{
    struct wn_bytes b = {0};

    if (!*to)
        return;
    write_media(src, media, &b);
    if (wn_cache_put(*to, tag, &b))
        give_up(src, to);
    else
        wn_cache_commit(to, src->s->p.row_cache);
    wn_bytes_finish(&b);
}

void wn_source_cache_end(struct wn_source *src)
{
    struct wn_source_cache *c = &src->cache;
    struct wn_media media = {.size = sizeof(media)};
    struct wn_cache_writer *to = NULL;

    if (!c->on || !src->stats.segments)
        return;
    wn_source_media(src, &media);
    if (media.partial || media.decode_errors) /* another try may see more */
        return wn_source_cache_finish(src);
    commit(src, &c->to_wide, TAG_NUMBERS, &media);
    commit(src, &c->to_compact, TAG_NUMBERS, &media);
    c->on = false;
    if (c->from)
        return;
    start(src, &to, &c->key, "file");
    commit(src, &to, TAG_MEDIA, &media);
}

/* ---- reading ---- */

/* Every frame has rows that its layout knows, and W speaks of them. */
static bool fits(const struct wn_rows *before, const struct wn_rows *rows)
{
    for (int32_t f = 0; f < before->n_frames; f++)
        if (before->frame_ptr[f + 1] - before->frame_ptr[f] > before->frames[f].layout->n_rows)
            return false;
    return rows->w.ptr ? rows->w.n_src == before->n : rows->n <= before->n;
}

/* Likewise for rows of the encoder: where that left some out, W counts all. */
static bool fits_wide(const struct wn_rows *rows)
{
    int64_t all = 0;

    for (int32_t f = 0; f < rows->n_frames; f++) {
        all += rows->frames[f].layout->n_rows;
        if (!rows->w.ptr &&
            rows->frame_ptr[f + 1] - rows->frame_ptr[f] > rows->frames[f].layout->n_rows)
            return false;
    }
    return rows->n_frames > 0 && (!rows->w.ptr || rows->w.n_src == all);
}

static int read_compact(struct wn_source *src, struct wn_segment **seg, struct wn_rows **rows)
{
    struct wn_bytes *b = &src->cache.bytes;
    struct wn_rows *before = NULL;
    int err;

    TRY(wn_frames_unpack(&before, b));
    TRY(wn_rows_unpack(rows, b));
    if (!fits(before, *rows) || !before->n_frames || (*rows)->dim != src->s->encoder->info.dim)
        err = WN_ERR_DATA;
    else
        err = wn_segment_create(seg, before);
    if (!err)
        (*seg)->end = src->segment_end;
fail:
    if (err < 0)
        wn_rows_destroy(rows);
    wn_rows_destroy(&before);
    return err;
}

static int read_segment(struct wn_source *src, struct wn_segment **seg, struct wn_rows **rows)
{
    struct wn_source_cache *c = &src->cache;
    int64_t frames;
    int err;

    wn_bytes_get(&c->bytes, &src->segment_end, sizeof(src->segment_end));
    wn_bytes_get(&c->bytes, &frames, sizeof(frames));
    if (c->wide) {
        TRY(wn_rows_unpack(&src->rows, &c->bytes));
        if (!fits_wide(src->rows) || src->rows->dim != src->s->encoder->info.dim)
            return WN_ERR_DATA;
    } else {
        TRY(read_compact(src, seg, rows));
    }
    const struct wn_row_frame *first = c->wide ? src->rows->frames : (*seg)->frames;
    src->stats.scenes += first->scene != src->last_scene;
    src->last_scene = first->scene;
    src->stats.frames += frames;
    src->stats.cached++;
fail:
    return err;
}

int wn_source_cache_get(struct wn_source *src, struct wn_segment **seg, struct wn_rows **rows)
{
    struct wn_source_cache *c = &src->cache;
    struct media_record numbers;
    uint32_t tag = 0;
    int err = wn_cache_next(c->from, &tag, &c->bytes);

    if (err == WN_EOF)
        return WN_EOF;
    if (!err && tag == TAG_NUMBERS) {
        wn_bytes_get(&c->bytes, &numbers, sizeof(numbers));
        src->media.frames_decoded = numbers.frames_decoded;
        src->media.frames_kept = numbers.frames_kept;
        return WN_EOF;
    }
    if (!err)
        err = tag == TAG_SEGMENT ? read_segment(src, seg, rows) : WN_ERR_DATA;
    if (err == WN_ERR_NOMEM)
        return wn_nomem(&src->s->log, "a segment from the cache");
    if (err < 0)
        return wn_fail(&src->s->log, WN_ERR_DATA, "its entry in the cache changed while it was "
                       "read; `winnow cache verify` removes what is damaged");
    return WN_OK;
}

void wn_source_cache_finish(struct wn_source *src)
{
    struct wn_source_cache *c = &src->cache;

    wn_cache_close(&c->from);
    wn_cache_drop(&c->to_wide);
    wn_cache_drop(&c->to_compact);
    wn_bytes_finish(&c->bytes);
    c->on = false;
}

/* ---- for people ---- */

int wn_cache_each(const char *cache_dir, int verify,
                  int (*each)(void *opaque, const struct wn_cache_entry *entry), void *opaque)
{
    char *base = wn_cache_folder(cache_dir), *folder = base ? wn_sprintf("%s/rows", base) : NULL;
    const int ret = folder ? wn_cache_list(folder, verify != 0, each, opaque) : 0;

    free(folder);
    free(base);
    return ret;
}

int64_t wn_cache_trim(const char *cache_dir, int64_t most_bytes)
{
    char *base = wn_cache_folder(cache_dir), *folder = base ? wn_sprintf("%s/rows", base) : NULL;
    const int64_t left = folder ? wn_cache_sweep(folder, most_bytes) : 0;

    free(folder);
    free(base);
    return left;
}

int wn_cache_remove(const char *cache_dir, const char *name)
{
    char *base = wn_cache_folder(cache_dir), *folder = base ? wn_sprintf("%s/rows", base) : NULL;
    const int n = folder ? wn_cache_unlink(folder, name) : 0;

    free(folder);
    free(base);
    return n;
}
