/* SPDX-License-Identifier: MIT */
/* A video that was compressed to a file of rows takes the place of the video. */
#include <string.h>

#include "tool.h"

bool rows_named(const char *file)
{
    static const char ending[] = ".safetensors";
    const size_t n = strlen(file), m = sizeof(ending) - 1;

    return n > m && !strcmp(file + n - m, ending);
}

/* Of what is done already nothing can be chosen any more. */
int rows_check(struct tool *tool)
{
    const struct options *o = &tool->opt;
    const struct {
        const char *name;
        bool given;
    } late[] = {{"filters", o->filters != NULL}, {"tokens", o->tokens != 0},
                {"start", o->start != 0},        {"end", o->end != 0},
                {"subtitles", o->subtitles != NULL}, {"dry-run", o->dry_run}};

    for (size_t i = 0; i < sizeof(late) / sizeof(late[0]); i++)
        if (late[i].given)
            return tool_fail(tool, STATUS_USAGE, "--%s has no say over rows that are made already",
                             late[i].name);
    return STATUS_OK;
}

int rows_open(struct job *job, struct tool *tool)
{
    const int err = wn_segment_read(job->session, tool->file, &job->rows, &job->video);

    return err < 0 ? job_failed(tool, job, err) : STATUS_OK;
}

int job_ask(struct job *job, const char *question, const struct wn_ask_params *params,
            char **answer)
{
    struct wn_ask_params p = *params;

    if (!job->rows)
        return wn_source_ask(job->source, question, params, answer);
    job->asked = (struct wn_ask_stats){.size = sizeof(job->asked)};
    p.stats = &job->asked;
    const int err = wn_ask_segments(job->session, &job->rows, 1, job->video, question, &p, answer);
    if (!err && params->stats)
        *params->stats = job->asked;
    return err;
}

void job_stats(const struct job *job, struct wn_stats *out)
{
    struct wn_tokens tokens = {.size = sizeof(tokens)};
    struct wn_stats stats = {.size = sizeof(stats), .device = "cpu", .filters = ""};

    if (!job->rows) {
        if (job->source)
            wn_source_stats(job->source, out);
        return;
    }
    wn_segment_tokens(job->rows, &tokens);
    stats.frames = wn_segment_frames(job->rows);
    stats.segments = 1;
    stats.tokens_before = tokens.n_before;
    stats.tokens_after = tokens.n;
    stats.prompt_cells = job->asked.prompt_cells;
    stats.answer_tokens = job->asked.answer_tokens;
    stats.prefill_s = stats.first_token_s = job->asked.prefill_s;
    stats.generate_s = job->asked.generate_s;
    *out = stats;
}

void job_media(const struct job *job, struct wn_media *out)
{
    if (job->source)
        wn_source_media(job->source, out);
    else if (job->rows)
        out->still = !job->video;
}
