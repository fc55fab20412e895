/* SPDX-License-Identifier: MIT */
/* The process that keeps the journal: see batch.h. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "batch_run.h"
#include "signals.h"

#define GRACE 3.0 /* seconds that a signal leaves to what is running */

/* ---- what was done before ---- */

static int take_record(void *opaque, json_t *object)
{
    struct run *r = opaque;
    const char *id = json_string_value(json_object_get(object, "id"));
    const char *status = json_string_value(json_object_get(object, "status"));
    struct item *item = id ? manifest_find(&r->b.manifest, id) : NULL;

    if (!item || item->done)
        return 0;
    item->done = true;
    r->before++;
    if (status && !strcmp(status, "error"))
        r->failed++;
    return 0;
}

static int take_crash(void *opaque, json_t *object)
{
    const struct run *r = opaque;
    const char *id = json_string_value(json_object_get(object, "id"));
    struct item *item = id ? manifest_find(&r->b.manifest, id) : NULL;

    if (item)
        item->crashes++;
    return 0;
}

static bool is_result(const json_t *object)
{
    const char *status = json_string_value(json_object_get(object, "status"));

    return !status || strcmp(status, "error");
}

static bool keep_none(const json_t *object)
{
    (void)object;
    return false;
}

static int open_journals(struct run *r, int index, int count)
{
    struct tool *tool = r->b.tool;
    char base[4300], path[4400], why[4600];
    int bad;

    if (count > 1)
        snprintf(base, sizeof(base), "%s/records-%05d-of-%05d", tool->opt.output, index, count);
    else
        snprintf(base, sizeof(base), "%s/records", tool->opt.output);
    snprintf(path, sizeof(path), "%s.jsonl", base);
    bad = journal_open(&r->records, path, why, sizeof(why));
    if (bad == JOURNAL_LOCKED)
        return tool_fail(tool, STATUS_LOCKED, "%s: another process works on it", path);
    snprintf(path, sizeof(path), "%s.crashes", base);
    if (!bad)
        bad = journal_open(&r->crashes, path, why, sizeof(why));
    if (!bad && tool->opt.retry_errors)
        bad = journal_filter(&r->records, is_result, why, sizeof(why)) ||
              journal_filter(&r->crashes, keep_none, why, sizeof(why));
    if (!bad)
        bad = journal_read(&r->records, take_record, r, why, sizeof(why)) ||
              journal_read(&r->crashes, take_crash, r, why, sizeof(why));
    return bad ? tool_fail(tool, STATUS_OUTPUT, "%s", why) : STATUS_OK;
}

/* ---- records ---- */

static void show_progress(struct run *r)
{
    term_progress(&r->b.tool->term, r->bytes > 0 ? r->bytes_done / r->bytes : 1);
}

void run_add_record(struct run *r, struct item *item, json_t *record)
{
    const char *status = json_string_value(json_object_get(record, "status"));
    const bool bad = status && !strcmp(status, "error");

    if (journal_add(&r->records, record) < 0) {
        r->status = tool_fail(r->b.tool, STATUS_OUTPUT, "%s: cannot be written: %s",
                              r->records.path, strerror(errno));
    } else {
        item->done = true;
        r->now++;
        r->failed += bad;
        r->bytes_done += (double)item->bytes + 1;
        if (bad) {
            json_t *message = json_object_get(json_object_get(record, "error"), "message");
            term_warn(&r->b.tool->term, item->path, json_string_value(message));
        }
        tune_done(&r->tune, now_seconds(), record,
                  r->b.manifest.n - r->before - r->now - r->worker.n_flights);
        show_progress(r);
    }
    json_decref(record);
}

void run_set_aside(struct run *r, struct item *item, const char *code, const char *message)
{
    json_t *record = batch_record(&r->b, item, "error");

    batch_set_error(record, code, STATUS_BUG, message);
    r->aside++;
    run_add_record(r, item, record);
}

/* ---- the loop ---- */

/* The item that is due; the caller says when it is taken. */
static struct item *peek(struct run *r)
{
    while (r->n_again > 0 && r->again[r->n_again - 1]->done)
        r->n_again--;
    if (r->n_again > 0)
        return r->again[r->n_again - 1];
    for (; r->next < r->b.manifest.n; r->next++) {
        struct item *item = &r->b.manifest.item[r->next];
        if (item->done)
            continue;
        if (item->crashes < MOST_CRASHES)
            return item;
        run_set_aside(r, item, "crash", "its workers died twice"); /* in the runs before */
        if (r->status != STATUS_OK)
            return NULL;
    }
    return NULL;
}

/* Gives the worker as many items as are to be done at once, and starts it where it is missing. */
static void hand_out(struct run *r)
{
    struct worker *w = &r->worker;

    while (r->status == STATUS_OK && !(r->stopped > 0) && !w->killed && !w->alone &&
           w->n_flights < r->tune.limit) {
        struct item *item = peek(r);
        if (!item || (item->crashes > 0 && w->n_flights > 0))
            return;
        if (!w->pid && run_start_worker(r) != STATUS_OK)
            return;
        if (r->n_again > 0)
            r->n_again--;
        else
            r->next++;
        run_give_item(r, item);
    }
}

/* A signal: what runs may end, then it is told to, then it is ended. */
static void press(struct run *r)
{
    const double waited = r->stopped > 0 ? now_seconds() - r->stopped : 0;

    if (waited > GRACE + 1.5)
        run_kill_worker(r, SIGKILL);
    else if (waited > GRACE)
        run_kill_worker(r, SIGTERM);
}

static void loop(struct run *r, int signal_fd)
{
    struct worker *w = &r->worker;

    for (;;) {
        hand_out(r);
        if (r->status != STATUS_OK || !(w->n_flights || w->killed))
            return;
        struct pollfd fd[] = {
            {.fd = w->from, .events = POLLIN},
            {.fd = r->stopped > 0 ? -1 : signal_fd, .events = POLLIN},
        };
        const bool timed = r->stopped > 0 || r->b.tool->opt.item_timeout > 0;
        if (poll(fd, 2, timed ? 100 : -1) < 0 && errno != EINTR)
            return;
        if (fd[1].revents)
            r->stopped = now_seconds();
        if (fd[0].revents)
            run_read_worker(r);
        run_stop_late(r);
        press(r);
    }
}

/* ---- the whole ---- */

static int parse_shard(struct tool *tool, int *index, int *count)
{
    const char *text = tool->opt.shard;
    char *end;

    *index = 0;
    *count = 1;
    if (!text)
        return STATUS_OK;
    const long i = strtol(text, &end, 10);
    const long n = *end == '/' && end[1] ? strtol(end + 1, &end, 10) : 0;
    if (*end || i < 0 || n < 1 || i >= n || n > 99999)
        return tool_fail(tool, STATUS_USAGE, "--shard: \"%.40s\" is not I/N with I from 0 to N - 1",
                         text);
    *index = (int)i;
    *count = (int)n;
    return STATUS_OK;
}

static int make_folders(struct run *r)
{
    struct tool *tool = r->b.tool;
    const char *out = tool->opt.output;
    char rows[4200];

    if (strlen(out) > 4096)
        return tool_fail(tool, STATUS_OUTPUT, "the output folder's name is too long");
    if (mkdir(out, 0777) != 0 && errno != EEXIST)
        return tool_fail(tool, STATUS_OUTPUT, "%s: cannot be made: %s", out, strerror(errno));
    snprintf(rows, sizeof(rows), "%s/rows", out);
    if (!strcmp(r->b.task, "compress") && mkdir(rows, 0777) != 0 && errno != EEXIST)
        return tool_fail(tool, STATUS_OUTPUT, "%s: cannot be made: %s", rows, strerror(errno));
    return STATUS_OK;
}

static int check_options(struct run *r)
{
    struct tool *tool = r->b.tool;

    if (!tool->opt.output)
        return tool_fail(tool, STATUS_USAGE, "no output: name a folder with -o OUT");
    if (!tool->opt.model)
        return tool_fail(tool, STATUS_USAGE,
                         "no model: name one with -m MODEL.gguf or in WINNOW_MODEL");
    for (int64_t i = 0; i < r->b.manifest.n && !strcmp(r->b.task, "ask"); i++)
        if (!r->b.manifest.item[i].question && !tool->opt.question)
            return tool_fail(tool, STATUS_USAGE, "no question: give one with --question, or each "
                             "item its own");
    return STATUS_OK;
}

static int prepare(struct run *r)
{
    struct tool *tool = r->b.tool;
    const long cores = sysconf(_SC_NPROCESSORS_ONLN);
    char why[1024];
    int index, count;
    int status = parse_shard(tool, &index, &count);

    r->b.task = tool->opt.task ? tool->opt.task : "caption";
    tune_init(&r->tune, (int)tool->opt.jobs, cores > 0 ? (int)cores + 2 : 2);
    if (status == STATUS_OK && manifest_read(&r->b.manifest, tool->args[0], why, sizeof(why)) < 0)
        status = tool_fail(tool, access(tool->args[0], R_OK) ? STATUS_INPUT : STATUS_USAGE, "%s",
                           why);
    if (status == STATUS_OK)
        status = check_options(r);
    if (status == STATUS_OK)
        status = make_folders(r);
    if (status != STATUS_OK)
        return status;
    manifest_take_shard(&r->b.manifest, index, count);
    r->again = calloc((size_t)r->b.manifest.n + 1, sizeof(*r->again));
    if (!r->again)
        return tool_fail(tool, STATUS_NOMEM, "out of memory for the items");
    status = open_journals(r, index, count);
    for (int64_t i = 0; i < r->b.manifest.n; i++)
        r->bytes += r->b.manifest.item[i].done ? 0 : (double)r->b.manifest.item[i].bytes + 1;
    return status;
}

static int report(const struct run *r)
{
    struct tool *tool = r->b.tool;
    const int came = signal_status(tool->signals);
    const double seconds = now_seconds() - tool->term.began;
    char rate[96] = "", trouble[96] = "";

    if (r->now)
        snprintf(rate, sizeof(rate), " in %.1f s (%.0f an hour, %d at once)", seconds,
                 3600 * (double)r->now / seconds, r->tune.limit);
    if (r->failed)
        snprintf(trouble, sizeof(trouble), "; %lld failed%s (--retry-errors does them again)",
                 (long long)r->failed, r->aside ? ", some were set aside" : "");
    term_note(&tool->term, "%lld of %lld items are done, %lld of them now%s%s",
              (long long)(r->before + r->now), (long long)r->b.manifest.n, (long long)r->now, rate,
              trouble);
    if (r->status != STATUS_OK)
        return r->status;
    if (came)
        return tool_fail(tool, (enum status)came, "%s; the next run goes on from here",
                         came == STATUS_INTERRUPTED ? "interrupted" : "terminated");
    return r->failed ? STATUS_SOME : STATUS_OK;
}

int run_batch(struct tool *tool)
{
    struct run r = {.b = {.tool = tool}, .records = {.fd = -1}, .crashes = {.fd = -1}};
    int status;

    tool->file = NULL;
    tool->term.file = NULL;
    status = prepare(&r);
    if (status == STATUS_OK) {
        loop(&r, signals_fd(tool->signals));
        run_end_worker(&r);
        status = report(&r);
    }
    journal_close(&r.crashes);
    journal_close(&r.records);
    manifest_free(&r.b.manifest);
    free(r.again);
    return status;
}
