/* SPDX-License-Identifier: MIT */
#include "session.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libavutil/avutil.h>

#include "preset.h"

/* Cells of a context when nobody says: enough for long videos, small enough for a laptop. */
#define DEFAULT_CTX 16384
/* Of those, what the question, the template and the answer get when a budget is worked out. */
#define TEXT_CELLS 256
#define DEFAULT_ANSWER 512

static int default_threads(void)
{
    const long n = sysconf(_SC_NPROCESSORS_ONLN);

    return n > 0 ? (int)WN_MIN(n, 64) : 1;
}

/* The folder of the caches, its owner's alone. One that cannot be made is no failure: the caches
 * then stay empty. */
static void make_folder(const char *path)
{
    char *copy = wn_strdup(path);

    for (char *p = copy ? strchr(copy + 1, '/') : NULL; p; p = strchr(p + 1, '/')) {
        *p = '\0';
        mkdir(copy, 0700);
        *p = '/';
    }
    if (copy)
        mkdir(copy, 0700);
    free(copy);
}

char *wn_cache_folder(const char *cache_dir)
{
    const char *base = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");

    if (cache_dir)
        return wn_strdup(cache_dir);
    if (base && *base)
        return wn_sprintf("%s/winnow", base);
    return home && *home ? wn_sprintf("%s/.cache/winnow", home) : NULL;
}

/* Copies what the caller's struct holds, whatever version it was compiled against. */
static int take_params(struct wn_session *s, const struct wn_params *params)
{
    struct wn_params *p = &s->p;
    const char **const string[] = {&p->model,         &p->mmproj,      &p->device,
                                   &p->filters,       &p->chat_template, &p->frame_label,
                                   &p->cache_dir,     &p->subtitles,     &p->encoder,
                                   &p->hwaccel};

    if (params && params->size)
        memcpy(p, params, WN_MIN(params->size, sizeof(*p)));
    s->log.fn = p->log;
    s->log.opaque = p->opaque;
    s->log.level = p->log_level ? p->log_level : WN_LOG_WARN;
    if (!p->device)
        p->device = "auto";
    if (!p->filters)
        p->filters = "auto";
    if (p->n_threads <= 0)
        p->n_threads = default_threads();
    if (p->max_pixels <= 0)
        p->max_pixels = 178956970;
    if (p->window <= 0)
        p->window = 96 << 20;
    bool short_of_memory = false;
    for (int i = 0; i < WN_LEN(string); i++) {
        char *copy = wn_strdup(*string[i]);
        short_of_memory |= *string[i] && !copy;
        *string[i] = copy;
    }
    if (!p->cache_dir)
        p->cache_dir = wn_cache_folder(NULL);
    if (p->cache_dir)
        make_folder(p->cache_dir);
    return short_of_memory ? wn_nomem(&s->log, "the session's parameters") : WN_OK;
}

static void free_params(struct wn_params *p)
{
    const char *const string[] = {p->model,         p->mmproj,      p->device,    p->filters,
                                  p->chat_template, p->frame_label, p->cache_dir, p->subtitles,
                                  p->encoder,       p->hwaccel};

    for (int i = 0; i < WN_LEN(string); i++)
        free((void *)string[i]);
}

/* ggml's threads meet at a spinning barrier after every node of a graph. A small model gains little
 * from a second one, and on a machine with other work loses tens of times as much. */
static int model_threads(const char *path, int n_threads)
{
    struct stat file;

    if (stat(path, &file))
        return n_threads;
    return (int)WN_MIN(n_threads, 1 + file.st_size / (32 << 20));
}

void wn_session_lock_llm(struct wn_session *s)
{
    pthread_mutex_lock(&s->owner->llm_lock);
    wn_log_lend(&s->owner->log, &s->log);
}

void wn_session_unlock_llm(struct wn_session *s)
{
    wn_log_lend(NULL, NULL);
    pthread_mutex_unlock(&s->owner->llm_lock);
}

static pthread_mutex_t *encoder_lock(struct wn_session *owner)
{
    return owner->apart ? &owner->encoder_lock : &owner->llm_lock;
}

void wn_session_lock_encoder(struct wn_session *s)
{
    pthread_mutex_lock(encoder_lock(s->owner));
    wn_log_lend(&s->owner->log, &s->log);
}

void wn_session_unlock_encoder(struct wn_session *s)
{
    wn_log_lend(NULL, NULL);
    pthread_mutex_unlock(encoder_lock(s->owner));
}

static int open_encoder(struct wn_session *s)
{
    const char *why = NULL;
    char *found = s->p.mmproj ? NULL : wn_find_mmproj(s->p.model, &why);
    int err;

    if (s->p.mmproj && !*s->p.mmproj)
        return WN_OK; /* rows come from a file */
    if (!s->p.mmproj && !found)
        return wn_fail(&s->log, WN_ERR_MODEL, "%s: %s", s->p.model, why);
    if (found)
        s->p.mmproj = found; /* freed with the other parameters */
    err = wn_encoder_open(&s->encoder, &(struct wn_encoder_params){
        .mmproj = s->p.mmproj,
        .kind = s->p.encoder,
        .text_model = s->llm_info.model,
        .cls_layout = s->llm_info.cls_layout,
        .n_threads = model_threads(s->p.mmproj, s->p.n_threads),
        .no_gpu = s->p.no_gpu_model,
        .fast_resize = s->p.fast_resize,
        .pool = s->pool,
        .log = &s->log,
    });
    if (!err && s->encoder->info.note)
        wn_say(&s->log, WN_LOG_WARN, "%s", s->encoder->info.note);
    return err;
}

static int open_models(struct wn_session *s)
{
    int err;

    wn_llm_route_logs(&s->log);
    TRY(wn_llm_open(&s->llm, &(struct wn_llm_params){
        .model = s->p.model,
        .chat_template = s->p.chat_template,
        .n_threads = model_threads(s->p.model, s->p.n_threads),
        .n_ctx = s->p.n_ctx,
        .no_gpu = s->p.no_gpu_model,
        .log = &s->log,
    }));
    wn_llm_info(s->llm, &s->llm_info);
    TRY(open_encoder(s));
    const char *own = s->llm_info.frame_label;
    s->label = wn_strdup(s->p.frame_label ? s->p.frame_label : own ? own : "[{t}]");
    if (!s->label)
        return wn_nomem(&s->log, "the frame label");
fail:
    return err;
}

/* How the models of this session get on with each other and with more of their kind. Two graphs
 * whose threads are more than the cores are slower than one after the other; models that leave
 * cores idle are small enough to be opened again. */
static void count_threads(struct wn_session *s)
{
    const int llm = model_threads(s->p.model, s->p.n_threads);
    const int encoder = s->p.mmproj ? model_threads(s->p.mmproj, s->p.n_threads) : 0;

    s->apart = wn_llm_on_gpu(s->llm) || llm + encoder <= s->p.n_threads;
    s->sets_left = wn_llm_on_gpu(s->llm) ? 0 : s->p.n_threads / WN_MAX(llm, encoder) - 1;
}

/* Models of another session, its own where that gains nothing. */
static int take_models(struct wn_session *s, struct wn_session *from)
{
    struct wn_session *owner = from->owner;
    const char **const string[] = {&s->p.model, &s->p.mmproj, &s->p.chat_template,
                                   &s->p.frame_label, &s->p.encoder};
    const char *const theirs[] = {owner->p.model, owner->p.mmproj, owner->p.chat_template,
                                  owner->p.frame_label, owner->p.encoder};

    for (int i = 0; i < WN_LEN(string); i++) {
        free((void *)*string[i]);
        *string[i] = wn_strdup(theirs[i]);
        if (theirs[i] && !*string[i])
            return wn_nomem(&s->log, "the session's parameters");
    }
    s->p.n_ctx = owner->p.n_ctx;
    s->p.no_gpu_model = owner->p.no_gpu_model;
    s->p.fast_resize = owner->p.fast_resize;
    if (!owner->llm)
        return WN_OK;
    pthread_mutex_lock(&owner->llm_lock);
    const bool again = owner->sets_left > 0;
    owner->sets_left -= again;
    pthread_mutex_unlock(&owner->llm_lock);
    if (again)
        return open_models(s);
    s->owner = owner;
    s->llm = owner->llm;
    s->llm_info = owner->llm_info;
    s->encoder = owner->encoder;
    s->label = wn_strdup(owner->label);
    return s->label ? WN_OK : wn_nomem(&s->log, "the frame label");
}

int wn_open(struct wn_session **out, const struct wn_params *params)
{
    struct wn_session *s = wn_calloc(1, sizeof(*s));
    int err;

    if (!s)
        return WN_ERR_NOMEM;
    wn_log_init(&s->log);
    pthread_mutex_init(&s->llm_lock, NULL);
    pthread_mutex_init(&s->encoder_lock, NULL);
    s->owner = s;
    *out = s; /* also on failure, for wn_errmsg() */
    TRY(take_params(s, params));
    if (s->p.models_of)
        s->jail = s->p.models_of->owner->jail;
    else if (s->p.isolate)
        TRY(wn_jail_create(&s->jail, s->p.isolate_memory, s->p.isolate_seconds, &s->log));
    s->jailer = s->jail && !s->p.models_of;
    err = wn_pool_create(&s->pool, s->p.n_threads);
    if (err)
        return wn_nomem(&s->log, "the worker pool");
    TRY(wn_device_create(&s->device, s->p.device, s->p.cache_dir, &s->log));
    struct wn_session *from = s->p.models_of;
    s->p.models_of = NULL; /* may be gone when somebody looks */
    if (from && (s->p.model || s->p.mmproj))
        return wn_fail(&s->log, WN_ERR_ARG, "models_of a session and models of its own");
    if (from)
        TRY(take_models(s, from));
    else if (s->p.mmproj && !s->p.model)
        return wn_fail(&s->log, WN_ERR_ARG, "a vision encoder needs a language model beside it");
    else if (s->p.model)
        TRY(open_models(s));
    if (s->llm && s->owner == s && !from)
        count_threads(s);
    wn_session_cache_key(s);
    return WN_OK;
fail:
    return err;
}

void wn_close(struct wn_session **session)
{
    struct wn_session *s = *session;

    if (!s)
        return;
    wn_bench_rig_destroy(&s->bench);
    if (s->owner == s) {
        wn_encoder_close(&s->encoder);
        wn_llm_close(&s->llm);
    }
    wn_device_unref(&s->device);
    wn_pool_destroy(&s->pool);
    if (s->jailer)
        wn_jail_destroy(&s->jail);
    free(s->label);
    free(s->kept.folder);
    free_params(&s->p);
    pthread_mutex_destroy(&s->llm_lock);
    pthread_mutex_destroy(&s->encoder_lock);
    wn_log_finish(&s->log);
    free(s);
    *session = NULL;
}

const char *wn_errmsg(const struct wn_session *s)
{
    return s ? s->log.last_error : "out of memory";
}

void wn_cancel(struct wn_session *s)
{
    atomic_store(&s->log.cancelled, true);
}

void wn_resume(struct wn_session *s)
{
    atomic_store(&s->log.cancelled, false);
}

void wn_free(void *ptr)
{
    free(ptr);
}

int64_t wn_session_room(const struct wn_session *s)
{
    if (!s->llm)
        return 0;
    const int64_t ctx = wn_session_cells(s);

    return ctx - WN_MIN(TEXT_CELLS + DEFAULT_ANSWER, ctx / 4);
}

int64_t wn_session_cells(const struct wn_session *s)
{
    const int train = s->llm_info.n_ctx_train;

    return s->p.n_ctx > 0 ? WN_MIN(s->p.n_ctx, train) : WN_MIN(DEFAULT_CTX, train);
}

int wn_session_answer_tokens(const struct wn_ask_params *ask)
{
    return ask->max_tokens > 0 ? ask->max_tokens : DEFAULT_ANSWER;
}

struct wn_ask_params wn_session_take_ask(const struct wn_ask_params *params)
{
    struct wn_ask_params p = {0};

    if (params && params->size)
        memcpy(&p, params, WN_MIN(params->size, sizeof(p)));
    p.size = sizeof(p);
    return p;
}

void wn_session_give_stats(struct wn_ask_stats *out, const struct wn_answer_stats *stats)
{
    const struct wn_ask_stats st = {
        .size = sizeof(st),
        .prompt_cells = stats->cells,
        .answer_tokens = stats->tokens,
        .prefill_s = stats->prefill_s,
        .generate_s = stats->generate_s,
        .reused_cells = stats->reused,
    };

    if (!out)
        return;
    const size_t size = out->size && out->size < sizeof(st) ? out->size : sizeof(st);
    memcpy(out, &st, size);
    out->size = size;
}

int64_t wn_text_cells(struct wn_session *s, const char *text)
{
    if (!s->llm || !text)
        return wn_fail(&s->log, WN_ERR_ARG, "a text is counted by a model");
    return wn_llm_cells(s->llm, text);
}

int64_t wn_context_cells(const struct wn_session *s)
{
    return s->llm ? wn_session_cells(s) : 0;
}

int wn_session_answer(struct wn_session *s, const struct wn_prompt *prompt,
                      const struct wn_ask_params *ask, char **answer, struct wn_answer_stats *stats)
{
    struct wn_ask_params p = wn_session_take_ask(ask);

    p.max_tokens = wn_session_answer_tokens(&p);
    p.top_k = p.top_k > 0 ? p.top_k : 40;
    p.top_p = p.top_p > 0 ? p.top_p : 0.95;
    wn_session_lock_llm(s);
    const int err = wn_llm_answer(s->llm, prompt, &p, answer, stats);
    wn_session_unlock_llm(s);
    return err;
}

int wn_ask_segments(struct wn_session *s, struct wn_segment *const *segs, int n, int video,
                    const char *question, const struct wn_ask_params *params, char **answer)
{
    struct wn_answer_stats stats = {0};

    if (!s->llm)
        return wn_fail(&s->log, WN_ERR_ARG, "a question needs a model");
    if (!question || n < 0)
        return wn_fail(&s->log, WN_ERR_ARG, "no question");
    struct wn_rows **rows = wn_calloc((size_t)n, sizeof(struct wn_rows *));
    if (!rows)
        return wn_nomem(&s->log, "the prompt");
    for (int i = 0; i < n; i++)
        rows[i] = segs[i]->rows;
    const struct wn_ask_params ask = wn_session_take_ask(params);
    const int err = wn_session_answer(s, &(struct wn_prompt){
        .segments = rows,
        .n_segments = n,
        .label = video ? s->label : NULL,
        .question = question,
        .system = ask.system,
        .kept = s->kept.folder ? &s->kept : NULL,
    }, params, answer, &stats);
    free(rows);
    if (!err)
        wn_session_give_stats(ask.stats, &stats);
    return err;
}

int wn_ask(struct wn_session *s, const char *url, const char *question,
           const struct wn_ask_params *params, char **answer)
{
    struct wn_source *src = NULL;
    int err;

    if (!url)
        return wn_fail(&s->log, WN_ERR_ARG, "no file to ask about");
    const struct wn_ask_params ask = wn_session_take_ask(params);
    TRY(wn_source_open(&src, s, url, wn_source_params(.start = ask.start, .end = ask.end)));
    err = wn_source_ask(src, question, params, answer);
fail:
    wn_source_close(&src);
    return err;
}

int wn_convert_mmproj(struct wn_session *s, const char *from, const char *to,
                      struct wn_converted *out)
{
    struct wn_converted done;

    if (!from || !to)
        return wn_fail(&s->log, WN_ERR_ARG, "a conversion needs two files");
    const int err = wn_mmproj_convert(from, to, &done, &s->log);
    if (err >= 0 && out)
        *out = done;
    return err;
}

int wn_merge_lora(struct wn_session *s, const char *from, const char *lora, const char *to,
                  struct wn_converted *out)
{
    struct wn_converted done;

    if (!from || !lora || !to)
        return wn_fail(&s->log, WN_ERR_ARG, "LoRA needs a file, the one it is for, and a third");
    const int err = wn_mmproj_merge(from, lora, to, &done, &s->log);
    if (err >= 0 && out)
        *out = done;
    return err;
}
