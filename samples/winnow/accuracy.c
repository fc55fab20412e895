/* SPDX-License-Identifier: MIT */
/* winnow bench accuracy: questions with known answers, asked through many chains of filters. A
 * video is decoded and encoded once for all chains that act on tokens. */
#include "accuracy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

/* ---- running ---- */

struct run {
    struct tool *tool;
    struct acc *acc;
    struct job job;
    FILE *records;
    bool every; /* filter there is: those that this model cannot serve are left out */
    int asked, to_ask;
};

struct seen { /* segments of one video */
    struct wn_segment **seg;
    int n;
    int64_t rows, before, glue; /* glue: KV cells of labels and marks around uncompressed frames */
    double seconds; /* from the file to the rows */
    bool still;
};

static void forget(struct seen *seen)
{
    for (int i = 0; i < seen->n; i++)
        wn_segment_unref(&seen->seg[i]);
    free(seen->seg);
    *seen = (struct seen){0};
}

static int keep_segment(struct seen *seen, struct wn_segment *seg)
{
    struct wn_segment **list = realloc(seen->seg, ((size_t)seen->n + 1) * sizeof(*list));
    struct wn_tokens t = {.size = sizeof(t)};

    if (!list) {
        wn_segment_unref(&seg);
        return WN_ERR_NOMEM;
    }
    seen->seg = list;
    list[seen->n++] = seg;
    wn_segment_tokens(seg, &t);
    seen->rows += t.n;
    seen->before += t.n_before;
    return WN_OK;
}

static int32_t frames_of(const struct seen *seen)
{
    int32_t n = 0;

    for (int i = 0; i < seen->n; i++)
        n += wn_segment_frames(seen->seg[i]);
    return n;
}

/* Labels and marks of the frames of a source that was read to its end. */
static int64_t glue_of(const struct wn_source *src, const struct seen *seen)
{
    struct wn_forecast forecast = {.size = sizeof(forecast)};
    const int64_t frames = frames_of(seen);

    if (wn_source_forecast(src, &forecast) < 0 || !frames)
        return 0;
    return frames * (forecast.frame_cells - seen->before / frames);
}

/* What a chain is given beside the video. */
struct given {
    const char *taps;
    struct acc_truth *truth; /* the oracle's */
    int64_t tokens;          /* a preset's budget: it chooses the frames, too */
    const struct seen *all;  /* what `off` saw, which others see, too; NULL: this is it */
};

/* How a chain begins that looks at the frames that a line of the quiz names. */
static const char *frames_of_item(const struct acc_item *item, const struct given *given,
                                  char even[static 32])
{
    const char *frames = item->filters ? item->filters : "fps=1";

    if (given->tokens)
        return "";
    if (*frames && strcmp(frames, "off"))
        return frames;
    if (!given->all || given->all->still) /* `off` stands alone; of a picture it is all there is */
        return "";
    snprintf(even, 32, "uniform=n=%d", (int)frames_of(given->all));
    return even;
}

static int look(struct run *run, const struct acc_item *item, const char *chain,
                const struct given *given, struct seen *out)
{
    const double began = now_seconds();
    char even[32];
    const char *frames = frames_of_item(item, given, even);
    struct wn_media media = {.size = sizeof(media)};
    struct wn_source *src = NULL;
    struct wn_segment *seg;
    const size_t size = strlen(frames) + strlen(chain) + 8;
    char *text = malloc(size);
    int err;

    if (!text)
        return WN_ERR_NOMEM;
    snprintf(text, size, "%s%s%s", frames, *frames && *chain ? "," : "", chain);
    err = wn_source_open(&src, run->job.session, item->path, wn_source_params(
        .filters = *text ? text : "off",
        .taps_for = given->taps,
        .tokens = given->tokens,
        .on_scores = given->truth ? acc_score : NULL,
        .opaque = given->truth));
    free(text);
    while (!err && !(err = wn_source_pull(src, &seg)))
        err = keep_segment(out, seg);
    if (err == WN_EOF) {
        wn_source_media(src, &media);
        out->still = media.still;
        out->glue = glue_of(src, out);
        err = WN_OK;
    }
    wn_source_close(&src);
    out->seconds = now_seconds() - began;
    return err;
}

/* What one chain of token filters leaves of what was seen. */
static int prune(struct run *run, const struct seen *in, const char *chain, struct seen *out)
{
    const double began = now_seconds();
    int err = WN_OK;

    out->still = in->still;
    for (int i = 0; i < in->n && !err; i++) {
        struct wn_segment *seg = NULL;
        err = wn_segment_filter(run->job.session, in->seg[i], chain, &seg);
        if (!err)
            err = keep_segment(out, seg);
    }
    out->seconds = in->seconds + now_seconds() - began;
    return err;
}

static int ask_one(struct run *run, int i, int c, const struct seen *seen)
{
    struct acc_result *r = &run->acc->result[i * run->acc->n_cases + c];
    const struct acc_item *item = &run->acc->item[i];
    struct wn_ask_stats stats = {.size = sizeof(stats)};
    char *answer = NULL;
    const int err = wn_ask_segments(run->job.session, seen->seg, seen->n, !seen->still,
                                    item->question, wn_ask_params(
        .max_tokens = run->tool->opt.max_tokens ? (int)run->tool->opt.max_tokens : 32,
        .stats = &stats), &answer);
    int status;

    if (err < 0)
        return job_failed(run->tool, &run->job, err);
    *r = (struct acc_result){
        .done = true,
        .right = acc_accepted(item, answer),
        .before = seen->before,
        .after = seen->rows,
        .prefill_s = stats.prefill_s,
        .first_s = seen->seconds + stats.prefill_s,
    };
    status = acc_write_record(run->tool, run->records, item, &run->acc->cases[c], r, answer);
    wn_free(answer);
    term_progress(&run->tool->term, (double)++run->asked / run->to_ask);
    return status;
}

static bool same_look(const struct acc_item *a, const struct acc_item *b)
{
    return !strcmp(a->video, b->video) &&
           !strcmp(a->filters ? a->filters : "", b->filters ? b->filters : "");
}

/* Questions [first, end) are about one video. */
static bool wanted(const struct acc *acc, int first, int end, int c)
{
    for (int i = first; i < end && !acc->cases[c].refused; i++) {
        if (!acc->result[i * acc->n_cases + c].done)
            return true;
    }
    return false;
}

/* The chains that share one encoding, with a semicolon between; freed by the caller. */
static char *shared_chains(const struct acc *acc)
{
    size_t size = 1, at = 0;
    char *text;

    for (int c = 0; c < acc->n_cases; c++)
        size += acc->cases[c].chain ? strlen(acc->cases[c].chain) + 1 : 0;
    text = calloc(1, size);
    for (int c = 0; text && c < acc->n_cases; c++) {
        const struct acc_case *k = &acc->cases[c];
        if (!k->whole && k->chain && *k->chain)
            at += (size_t)snprintf(text + at, size - at, "%s%s", at ? ";" : "", k->chain);
    }
    return text;
}

/* Whether every frame's rows are the cells of its grid, in order, as the oracle takes them. */
static bool on_grid(const struct seen *seen)
{
    for (int s = 0; s < seen->n; s++) {
        const int32_t (*cell)[2] = (const int32_t (*)[2])wn_segment_cells(seen->seg[s]);
        struct wn_frame_info f = {.size = sizeof(f)};
        for (int32_t i = 0; !wn_segment_frame(seen->seg[s], i, &f); i++)
            for (int32_t r = 0; r < f.n_rows; r++)
                if (cell[f.row0 + r][0] * f.grid_w + cell[f.row0 + r][1] != r)
                    return false;
    }
    return true;
}

/* A case that this model or quiz cannot serve has no results. */
static void refuse(struct run *run, struct acc_case *k, const char *why)
{
    term_warn(&run->tool->term, k->name, why);
    k->refused = true;
}

static int run_case(struct run *run, int first, int end, int c, const struct seen *all)
{
    struct acc_case *k = &run->acc->cases[c];
    const struct acc_item *item = &run->acc->item[first];
    struct acc_truth truth = {.objects = json_object_get(item->line, "objects")};
    struct seen here = {0};
    int err = WN_OK, status = STATUS_OK;

    if (k->oracle && !json_array_size(truth.objects)) {
        refuse(run, k, "the quiz does not say where things are: a line has no list of objects");
        return STATUS_OK;
    }
    if (k->whole)
        err = look(run, item, k->chain, &(struct given){
            .all = all,
            .truth = k->oracle ? &truth : NULL,
            .tokens = k->preset ? all->glue + (int64_t)(k->keep * (double)all->before) : 0,
        }, &here);
    else if (k->chain && *k->chain)
        err = prune(run, all, k->chain, &here);
    if (k->preset) /* the share is that of what others get */
        here.before = all->before;
    const struct seen blind = {.still = all->still, .before = all->before};
    const struct seen *seen = !k->chain ? &blind : *k->chain ? &here : all;
    if (truth.unfit || (k->oracle && !err && !on_grid(&here)))
        refuse(run, k, "this encoder's rows are not the cells of a grid: they cannot be scored");
    else if (run->every && (err == WN_ERR_UNSUPPORTED || err == WN_ERR_ARG))
        refuse(run, k, wn_errmsg(run->job.session));
    else if (err < 0)
        status = job_failed(run->tool, &run->job, err);
    for (int i = first; !err && !k->refused && i < end && status == STATUS_OK; i++) {
        if (!run->acc->result[i * run->acc->n_cases + c].done)
            status = ask_one(run, i, c, seen);
    }
    forget(&here);
    return status;
}

static int run_video(struct run *run, int first, int end, const char *taps)
{
    struct acc *acc = run->acc;
    struct seen all = {0};
    bool any = false;
    int status = STATUS_OK;

    for (int c = 0; c < acc->n_cases; c++)
        any |= wanted(acc, first, end, c);
    if (!any)
        return STATUS_OK;
    const int err = look(run, &acc->item[first], "",
                         &(struct given){.taps = *taps ? taps : NULL}, &all);
    if (err < 0)
        status = job_failed(run->tool, &run->job, err);
    for (int c = 0; c < acc->n_cases && status == STATUS_OK; c++) {
        if (wanted(acc, first, end, c))
            status = run_case(run, first, end, c, &all);
    }
    forget(&all);
    return status;
}

static int run_all(struct run *run)
{
    struct acc *acc = run->acc;
    char *taps = shared_chains(acc);
    int status = taps ? STATUS_OK : tool_fail(run->tool, STATUS_NOMEM, "out of memory");

    for (int i = 0; i < acc->n_items * acc->n_cases; i++)
        run->to_ask += !acc->result[i].done;
    for (int i = 0, end; i < acc->n_items && status == STATUS_OK; i = end) {
        for (end = i + 1; end < acc->n_items && same_look(&acc->item[i], &acc->item[end]); end++)
            ;
        run->tool->file = acc->item[i].path;
        status = run_video(run, i, end, taps);
    }
    run->tool->file = NULL;
    term_clear(&run->tool->term);
    free(taps);
    return status;
}

static int64_t peak_bytes(void)
{
    struct rusage usage;

    return getrusage(RUSAGE_SELF, &usage) ? 0 : (int64_t)usage.ru_maxrss * 1024;
}

static int tell(struct tool *tool, const struct acc *acc)
{
    int status = STATUS_OK;

    if (tool->opt.plot)
        status = acc_plot(tool, acc, tool->opt.plot);
    if (status != STATUS_OK)
        return status;
    if (tool->opt.json) {
        json_t *object = json_result(tool, "ok");
        json_object_set_new(object, "cases", acc_json(acc));
        json_object_set_new(object, "peak_bytes", json_integer(peak_bytes()));
        status = json_print(tool, object);
    } else {
        acc_print(acc);
        printf("peak memory %.0f MiB\n", (double)peak_bytes() / (1 << 20));
        if (tool->opt.compare)
            acc_compare(acc);
        status = stdout_status(tool);
    }
    if (status == STATUS_OK && tool->opt.against)
        status = acc_against(tool, acc, tool->opt.against);
    return status;
}

static void finish(struct acc *acc)
{
    for (int i = 0; i < acc->n_items; i++) {
        free(acc->item[i].path);
        json_decref(acc->item[i].line);
    }
    for (int c = 0; c < acc->n_cases; c++) {
        free(acc->cases[c].name);
        free(acc->cases[c].chain);
    }
    free(acc->item);
    free(acc->result);
    free(acc);
}

int run_accuracy(struct tool *tool)
{
    struct acc *acc = calloc(1, sizeof(*acc));
    struct run run = {.tool = tool, .acc = acc};
    int status = STATUS_OK;

    if (!acc)
        return tool_fail(tool, STATUS_NOMEM, "out of memory");
    if (tool->n_args < 2)
        status = tool_fail(tool, STATUS_USAGE, "a file of questions is missing: winnow bench "
                           "accuracy QUIZ.jsonl -m MODEL.gguf");
    else if (!tool->opt.model)
        status = tool_fail(tool, STATUS_USAGE,
                           "no model: name one with -m MODEL.gguf or in WINNOW_MODEL");
    if (status == STATUS_OK)
        status = acc_read_items(tool, acc);
    if (status == STATUS_OK)
        status = acc_list_cases(tool, acc);
    if (status != STATUS_OK)
        goto done;
    acc->result = calloc((size_t)acc->n_items * (size_t)acc->n_cases, sizeof(*acc->result));
    if (!acc->result) {
        status = tool_fail(tool, STATUS_NOMEM, "out of memory");
        goto done;
    }
    if (tool->opt.output && !(run.records = acc_open_records(tool, acc))) {
        status = STATUS_OUTPUT;
        goto done;
    }
    run.every = !tool->opt.filters;
    tool->opt.filters = NULL; /* the session has no chain of its own: each source gets one */
    status = job_session(&run.job, tool, JOB_MODEL);
    if (status == STATUS_OK)
        status = run_all(&run);
    if (status == STATUS_OK)
        status = tell(tool, acc);
done:
    job_close(&run.job, tool);
    if (run.records)
        fclose(run.records);
    finish(acc);
    return status;
}
