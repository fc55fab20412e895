/* SPDX-License-Identifier: MIT */
/* Many questions about a video that is read once. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "signals.h"
#include "tool.h"

#define MAX_QUESTION (1 << 20)

struct chat {
    struct tool *tool;
    struct job job;
    int64_t n;
    char last;  /* character printed */
    int status; /* of stdout */
};

static int print_text(void *opaque, const char *utf8, size_t len)
{
    struct chat *chat = opaque;
    char *text = malloc(len + 1);

    if (!text) {
        chat->status = STATUS_NOMEM;
        return 1;
    }
    term_clear(&chat->tool->term);
    const size_t n = strip_controls(text, utf8, len);
    for (size_t i = 0; i < n; i++) /* an answer is one line */
        putchar(text[i] == '\n' ? ' ' : text[i]);
    free(text);
    chat->status = stdout_status(chat->tool);
    return chat->status != STATUS_OK;
}

static int print_json(struct chat *chat, const char *question, const char *answer,
                      const struct wn_ask_stats *a)
{
    struct wn_stats stats = {.size = sizeof(stats)};
    json_t *object = json_result(chat->tool, "ok");

    job_stats(&chat->job, &stats);
    json_object_set_new(object, "question", json_text(question));
    json_object_set_new(object, "answer", json_text(answer));
    json_set_stats(object, &stats);
    json_object_set_new(object, "prompt_cells", json_integer(a->prompt_cells));
    json_object_set_new(object, "reused_cells", json_integer(a->reused_cells));
    json_object_set_new(object, "answer_tokens", json_integer(a->answer_tokens));
    char *text = object ? json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(10)) : NULL;
    json_decref(object);
    if (!text)
        return tool_fail(chat->tool, STATUS_NOMEM, "out of memory for the answer");
    puts(text);
    free(text);
    return stdout_status(chat->tool);
}

static int answer_one(struct chat *chat, const char *question)
{
    const struct options *o = &chat->tool->opt;
    struct wn_ask_stats stats = {.size = sizeof(stats)};
    char *answer = NULL;
    const int err = job_ask(&chat->job, question, wn_ask_params(
        .max_tokens = (int)o->max_tokens,
        .temperature = o->temp,
        .top_k = (int)o->top_k,
        .top_p = o->top_p,
        .seed = (uint32_t)o->seed,
        .system = o->system,
        .stats = &stats,
        .on_text = o->json ? NULL : print_text,
        .opaque = chat), &answer);

    if (chat->status != STATUS_OK)
        return chat->status;
    if (err < 0)
        return job_failed(chat->tool, &chat->job, err);
    chat->n++;
    int status;
    if (o->json) {
        status = print_json(chat, question, answer, &stats);
    } else {
        putchar('\n');
        status = stdout_status(chat->tool);
    }
    wn_free(answer);
    if (status == STATUS_OK)
        term_note(&chat->tool->term, "%lld of %lld cells were there; %.2f s to read the rest, "
                  "%.2f s to answer", (long long)stats.reused_cells,
                  (long long)stats.prompt_cells, stats.prefill_s, stats.generate_s);
    return status;
}

static int converse(struct chat *chat)
{
    const bool person = isatty(STDIN_FILENO) && !chat->tool->term.quiet;
    char *line = NULL;
    size_t cap = 0;
    int status = STATUS_OK;

    while (status == STATUS_OK) {
        if (person)
            fputs("> ", stderr);
        ssize_t n = getline(&line, &cap, stdin);
        if (n < 0)
            break;
        while (n > 0 && strchr(" \t\r\n", line[n - 1]))
            line[--n] = '\0';
        if (n > MAX_QUESTION)
            status = tool_fail(chat->tool, STATUS_LIMIT, "a question of more than %d bytes",
                               MAX_QUESTION);
        else if (line[strspn(line, " \t")])
            status = answer_one(chat, line);
    }
    if (status == STATUS_OK && ferror(stdin))
        status = tool_fail(chat->tool, STATUS_INPUT, "the questions cannot be read");
    free(line);
    return status;
}

int run_chat(struct tool *tool)
{
    struct chat chat = {.tool = tool};
    int status = job_open(&chat.job, tool, JOB_MODEL | JOB_ROWS | JOB_PROGRESS | JOB_ROOM);

    if (status == STATUS_OK)
        status = converse(&chat);
    if (status == STATUS_OK)
        status = job_status(tool, &chat.job);
    job_close(&chat.job, tool);
    return status;
}
