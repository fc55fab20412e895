/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <string.h>

#include "tool.h"

static int print_json(struct tool *tool, const struct wn_scene *scene, int n,
                      const struct wn_media *media)
{
    json_t *object = json_result(tool, media->partial ? "partial" : "ok");
    json_t *list = json_array();

    for (int i = 0; i < n; i++) {
        json_t *item = json_object();
        json_object_set_new(item, "start_s", json_number(scene[i].start));
        json_object_set_new(item, "end_s", json_number(scene[i].end));
        json_object_set_new(item, "start_frame", json_integer(scene[i].start_frame));
        json_object_set_new(item, "end_frame", json_integer(scene[i].end_frame));
        json_object_set_new(item, "score", json_number(scene[i].score));
        json_array_append_new(list, item);
    }
    json_object_set_new(object, "scenes", list);
    json_object_set_new(object, "media", json_media(media));
    return json_print(tool, object);
}

/* PySceneDetect counts frames from 1, and its end frame is the last one of the scene. */
static void print_csv(const struct wn_scene *scene, int n)
{
    char a[32], b[32], c[32];

    puts("Scene Number,Start Frame,Start Timecode,Start Time (seconds),End Frame,End Timecode,"
         "End Time (seconds),Length (frames),Length (timecode),Length (seconds)");
    for (int i = 0; i < n; i++) {
        const struct wn_scene *s = &scene[i];
        printf("%d,%lld,%s,%.3f,%lld,%s,%.3f,%lld,%s,%.3f\n", i + 1,
               (long long)s->start_frame + 1, format_time(a, sizeof(a), s->start), s->start,
               (long long)s->end_frame, format_time(b, sizeof(b), s->end), s->end,
               (long long)(s->end_frame - s->start_frame),
               format_time(c, sizeof(c), s->end - s->start), s->end - s->start);
    }
}

/* Milliseconds; a title is a number, so nothing needs escaping. */
static void print_ffmetadata(const struct wn_scene *scene, int n)
{
    puts(";FFMETADATA1");
    for (int i = 0; i < n; i++)
        printf("[CHAPTER]\nTIMEBASE=1/1000\nSTART=%.0f\nEND=%.0f\ntitle=Scene %d\n",
               scene[i].start * 1000, scene[i].end * 1000, i + 1);
}

static void print_ogm(const struct wn_scene *scene, int n)
{
    char a[32];

    for (int i = 0; i < n; i++)
        printf("CHAPTER%02d=%s\nCHAPTER%02dNAME=Scene %d\n", i + 1,
               format_time(a, sizeof(a), scene[i].start), i + 1, i + 1);
}

static void print_table(const struct term *term, const struct wn_scene *scene, int n)
{
    const char *bold = term->color_out ? "\033[1m" : "", *plain = term->color_out ? "\033[0m" : "";
    char a[32], b[32];

    printf("%sscene  start         end                     frames     score%s\n", bold, plain);
    for (int i = 0; i < n; i++) {
        const struct wn_scene *s = &scene[i];
        printf("%5d  %s  %s  %8lld .. %-8lld", i + 1, format_time(a, sizeof(a), s->start),
               format_time(b, sizeof(b), s->end), (long long)s->start_frame,
               (long long)s->end_frame);
        if (i > 0)
            printf("  %6.2f\n", s->score);
        else
            puts("       -");
    }
}

static int print_scenes(struct tool *tool, const struct wn_scene *scene, int n,
                        const struct wn_media *media)
{
    const struct options *o = &tool->opt;

    if (o->json)
        return print_json(tool, scene, n, media);
    if (o->csv)
        print_csv(scene, n);
    else if (o->chapters)
        (strcmp(o->chapters, "ogm") ? print_ffmetadata : print_ogm)(scene, n);
    else
        print_table(&tool->term, scene, n);
    return STATUS_OK;
}

static int make_chain(struct tool *tool)
{
    struct options *o = &tool->opt;

    if (o->json + o->csv + (o->chapters != NULL) > 1)
        return tool_fail(tool, STATUS_USAGE, "--json, --csv and --chapters exclude each other");
    if (!o->staged && o->max_scene <= 0)
        return STATUS_OK;
    if (o->filters)
        return tool_fail(tool, STATUS_USAGE, "--staged and --max-scene stand for a chain of their "
                         "own: write scene=method=staged:max_len=... into --filters");
    snprintf(o->scene_chain, sizeof(o->scene_chain), "scene=method=%s:max_len=%.6f",
             o->staged ? "staged" : "exact", o->max_scene);
    o->filters = o->scene_chain;
    return STATUS_OK;
}

int run_scenes(struct tool *tool)
{
    struct wn_media media = {.size = sizeof(media)};
    struct wn_scene *scene = NULL;
    struct job job = {0};
    int n = 0, status;

    status = make_chain(tool);
    if (status != STATUS_OK)
        return status;
    status = job_open(&job, tool, JOB_PROGRESS);
    if (status == STATUS_OK) {
        int err = wn_source_scenes(job.source, &scene, &n);
        status = err < 0 ? job_failed(tool, &job, err) : STATUS_OK;
    }
    if (status != STATUS_OK)
        goto done;
    term_clear(&tool->term);
    wn_source_media(job.source, &media);
    status = print_scenes(tool, scene, n, &media);
    if (status == STATUS_OK)
        status = stdout_status(tool);
    job_warn_partial(tool, &media);
    if (status == STATUS_OK)
        status = job_status(tool, &job);
done:
    wn_free(scene);
    job_close(&job, tool);
    return status;
}
