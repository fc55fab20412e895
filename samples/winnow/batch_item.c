/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>
#include <xxhash.h>

#include "batch.h"
#include "caption_out.h"
#include "signals.h"

/* ---- records ---- */

json_t *batch_record(const struct batch *batch, const struct item *item, const char *status)
{
    struct tool tool = *batch->tool;

    tool.file = item->path;
    json_t *record = json_result(&tool, status);
    json_object_set_new(record, "id", json_text(item->id));
    json_object_set_new(record, "task", json_string(batch->task));
    if (item->meta)
        json_object_set(record, "meta", item->meta);
    return record;
}

void batch_set_error(json_t *record, const char *code, int exit, const char *message)
{
    json_t *error = json_object();

    json_object_set_new(error, "code", json_string(code));
    json_object_set_new(error, "exit", json_integer(exit));
    json_object_set_new(error, "message", json_text(message));
    json_object_set_new(record, "error", error);
}

/* ---- one item ---- */

struct work {
    const struct batch *batch;
    const struct item *item;
    struct tool tool; /* of this item */
    struct job job;
    json_t *result;   /* what the task adds to the record */
    int64_t prompt_cells, answer_tokens;
    double prefill_s, generate_s;
    char said[1024];
};

static void add_answer(struct work *w, int64_t cells, int64_t tokens, double prefill,
                       double generate)
{
    w->prompt_cells += cells;
    w->answer_tokens += tokens;
    w->prefill_s += prefill;
    w->generate_s += generate;
}

static int do_caption(struct work *w)
{
    struct captions *captions = NULL;
    struct captions_params params = {
        .opt = &w->tool.opt,
        .file = w->tool.file,
        .session = w->job.session,
        .source = w->job.source,
        .opened = now_seconds(),
    };
    int err;
    int status = captions_run(&captions, &params, &err);
    json_t *list = json_array();

    if (status == STATUS_BUG && err < 0)
        status = job_failed(&w->tool, &w->job, err);
    else if (status == STATUS_NOMEM)
        snprintf(w->said, sizeof(w->said), "out of memory for the captions");
    for (int i = 0; status == STATUS_OK && i < captions_count(captions); i++) {
        const struct caption *c = captions_at(captions, i);
        json_array_append_new(list, caption_json(c));
        add_answer(w, c->prompt_cells, c->answer_tokens, c->prefill_s, c->generate_s);
    }
    json_object_set_new(w->result, "captions", list);
    if (status == STATUS_OK && captions_summary(captions))
        json_object_set_new(w->result, "summary", json_text(captions_summary(captions)));
    captions_free(&captions);
    return status;
}

static int do_ask(struct work *w)
{
    const struct options *o = &w->tool.opt;
    const char *question = w->item->question ? w->item->question : o->question;
    struct wn_ask_stats stats = {.size = sizeof(stats)};
    char *answer = NULL;
    const int err = wn_source_ask(w->job.source, question, wn_ask_params(
        .max_tokens = (int)o->max_tokens,
        .temperature = o->temp,
        .top_k = (int)o->top_k,
        .top_p = o->top_p,
        .seed = (uint32_t)o->seed,
        .system = o->system,
        .stats = &stats), &answer);

    if (err < 0)
        return job_failed(&w->tool, &w->job, err);
    add_answer(w, stats.prompt_cells, stats.answer_tokens, stats.prefill_s, stats.generate_s);
    json_object_set_new(w->result, "question", json_text(question));
    json_object_set_new(w->result, "answer", json_text(answer));
    wn_free(answer);
    return STATUS_OK;
}

/* A file name that any id gives, another one for each: what is odd becomes _, and then a hash tells
 * them apart. */
static void file_of(char *buf, size_t size, const char *id)
{
    char name[128];
    size_t n = 0;
    bool plain = strlen(id) < sizeof(name) && id[0] != '.';

    for (; id[n] && n < sizeof(name) - 1; n++) {
        const char c = id[n];
        const bool fine = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                          (c >= '0' && c <= '9') || c == '_' || c == '-' || (c == '.' && n > 0);
        name[n] = fine ? c : '_';
        plain &= fine;
    }
    name[n] = '\0';
    if (plain)
        snprintf(buf, size, "rows/%s.safetensors", name);
    else
        snprintf(buf, size, "rows/%s-%016llx.safetensors", name,
                 (unsigned long long)XXH3_64bits(id, strlen(id)));
}

static int do_compress(struct work *w)
{
    char name[256], path[4608];

    file_of(name, sizeof(name), w->item->id);
    snprintf(path, sizeof(path), "%s/%s", w->batch->tool->opt.output, name);
    const int status = compress_source(&w->tool, &w->job, path);
    json_object_set_new(w->result, "rows", json_text(name));
    return status;
}

static int open_source(struct work *w)
{
    const struct options *o = &w->tool.opt;
    struct wn_source_params params = {
        .size = sizeof(params),
        .start = o->start,
        .end = o->end,
        .stream = (int)o->stream,
        .allow_cover = o->allow_cover,
    };

    if (!strcmp(w->batch->task, "caption"))
        params = captions_source(w->job.session, o);
    const int err = wn_source_open(&w->job.source, w->job.session, w->tool.file, &params);
    return err < 0 ? job_failed(&w->tool, &w->job, err) : STATUS_OK;
}

static void add_figures(struct work *w, json_t *record)
{
    struct wn_stats stats = {.size = sizeof(stats)};
    struct wn_media media = {.size = sizeof(media)};

    wn_source_stats(w->job.source, &stats);
    stats.prefill_s = w->prefill_s;
    stats.generate_s = w->generate_s;
    wn_source_media(w->job.source, &media);
    if (media.partial)
        json_object_set_new(record, "status", json_string("partial"));
    json_set_stats(record, &stats);
    json_object_set_new(record, "prompt_cells", json_integer(w->prompt_cells));
    json_object_set_new(record, "answer_tokens", json_integer(w->answer_tokens));
    json_object_set_new(record, "media", json_media(&media));
}

json_t *batch_do_item(const struct batch *batch, const struct item *item,
                      struct wn_session *session, int *fatal)
{
    struct work w = {.batch = batch, .item = item, .tool = *batch->tool, .result = json_object()};
    const double began = now_seconds();

    w.tool.file = item->path;
    w.tool.said = w.said;
    w.tool.opt.start = item->start > 0 ? item->start : w.tool.opt.start;
    w.tool.opt.end = item->end > 0 ? item->end : w.tool.opt.end;
    w.tool.opt.prompt = item->prompt ? item->prompt : w.tool.opt.prompt;
    w.job.session = session;
    int status = job_check(&w.tool, 0);
    if (status == STATUS_OK)
        status = open_source(&w);
    if (status == STATUS_OK)
        status = !strcmp(batch->task, "ask")        ? do_ask(&w)
                 : !strcmp(batch->task, "compress") ? do_compress(&w) : do_caption(&w);
    json_t *record = NULL;
    if (status == STATUS_OK) {
        record = batch_record(batch, item, "ok");
        add_figures(&w, record);
        json_object_update(record, w.result);
    } else if (status == STATUS_OUTPUT) { /* no fault of the item's, and the next would fail, too */
        term_error(&w.tool.term, NULL, w.said);
        *fatal = status;
    } else if (!signal_status(w.tool.signals)) {
        record = batch_record(batch, item, "error");
        batch_set_error(record, status_word(status), status, w.said);
    }
    if (record)
        json_object_set_new(record, "seconds", json_number(now_seconds() - began));
    wn_source_close(&w.job.source);
    json_decref(w.result);
    return record;
}
