/* SPDX-License-Identifier: MIT */
/* winnow bench compress: how long token filters take here, beside what the machine can do. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if defined(__GLIBC__)
# include <malloc.h>
#endif

#include "signals.h"
#include "accuracy.h"

enum { MOST = 128 }; /* chains in a table */

struct line {
    const char *filters;
    int err;
    struct wn_bench bench;
    char why[256];
};

struct shape {
    int32_t frames, grid_h, grid_w, dim;
    double vit; /* seconds of the encoder a frame; 0: not known */
};

/* Seconds that the memory or the registers alone need: the longer. */
static double limit_of(const struct wn_bench *b, const struct wn_bench_machine *m)
{
    const double bytes = (double)b->bytes / m->read, flop = (double)b->flop / m->flop;

    return bytes > flop ? bytes : flop;
}

static int parse_grid(const char *text, struct shape *shape)
{
    char *end;
    const long h = text ? strtol(text, &end, 10) : 24;
    const long w = !text ? 24 : *end == 'x' ? strtol(end + 1, &end, 10) : 0;

    if (h < 1 || w < 1 || h > 4096 || w > 4096 || (text && *end))
        return -1;
    shape->grid_h = (int32_t)h;
    shape->grid_w = (int32_t)w;
    return 0;
}

/* The chain that was asked for, or every token filter by itself. */
static int list_chains(const struct tool *tool, struct line *line)
{
    int n = 0;

    if (tool->opt.filters) {
        line[n++].filters = tool->opt.filters;
        return n;
    }
    for (int i = 0; n < MOST && wn_filter(i); i++) {
        const struct wn_filter_info *f = wn_filter(i);
        if (strstr(f->places, "token") && strcmp(f->family, "budget"))
            line[n++].filters = f->name;
    }
    return n;
}

/* ---- for readers ---- */

static void print_machine(const struct wn_bench_machine *m, const struct shape *s)
{
    printf("%d threads: %.1f GB/s read, %.1f GB/s copied, %.0f Gflop/s in registers\n", m->threads,
           m->read / 1e9, m->copied / 1e9, m->flop / 1e9);
    if (*m->device)
        printf("%s: %.1f GB/s copied, %.0f us a submit\n", m->device, m->device_copied / 1e9,
               m->submit * 1e6);
    printf("%d frames of %dx%d rows, %d wide: %.1f MiB; medians, in brackets the range\n",
           s->frames, s->grid_h, s->grid_w, s->dim,
           4.0 * s->frames * s->grid_h * s->grid_w * s->dim / (1 << 20));
    if (s->vit > 0)
        printf("the vision encoder takes %.1f ms a frame\n", s->vit * 1e3);
    printf("\n%-18s %-15s %7s %8s %9s %19s %9s %5s", "filters", "rows", "MB", "limit ms", "cpu ms",
           "", "kernels", "limit");
    if (*m->device)
        printf(" %9s %9s %8s", "device", "kernels", "submits");
    puts(s->vit > 0 ? "  of ViT" : "");
}

static void print_line(const struct line *line, const struct wn_bench_machine *m,
                       const struct shape *s)
{
    const struct wn_bench *b = &line->bench;
    char rows[32], range[32];

    if (line->err < 0) {
        printf("%-18s %s\n", line->filters, line->why);
        return;
    }
    snprintf(rows, sizeof(rows), "%" PRId64 " to %" PRId64, b->rows_before, b->rows_after);
    snprintf(range, sizeof(range), "(%.2f to %.2f)", b->cpu.low * 1e3, b->cpu.high * 1e3);
    printf("%-18s %-15s %7.1f %8.2f %9.2f %19s %9.2f %4.0f%%", line->filters, rows,
           (double)b->bytes / 1e6, limit_of(b, m) * 1e3, b->cpu.median * 1e3, range,
           b->cpu_kernels.median * 1e3, 100 * limit_of(b, m) / b->cpu_kernels.median);
    if (*m->device)
        printf(" %9.2f %9.2f %8d", b->device.median * 1e3, b->device_kernels.median * 1e3,
               (int)b->submits);
    if (s->vit > 0)
        printf("  %5.2f%%", 100 * b->cpu.median / s->frames / s->vit);
    putchar('\n');
}

/* What costs more than two percent of the encoder, and what it waits for. */
static void print_dear(const struct line *line, int n, const struct wn_bench_machine *m,
                       const struct shape *s)
{
    for (int i = 0; i < n; i++) {
        const struct wn_bench *b = &line[i].bench;
        if (line[i].err < 0 || b->cpu.median <= 0.02 * s->vit * s->frames)
            continue;
        printf("%s is above 2 %% of the encoder: its limit is %.2f %%, by %s\n", line[i].filters,
               100 * limit_of(b, m) / s->frames / s->vit,
               (double)b->flop / m->flop > (double)b->bytes / m->read
                   ? "products of all rows with all others" : "memory");
    }
}

/* ---- for machines ---- */

static json_t *time_json(const struct wn_bench_time *t)
{
    json_t *object = json_object();

    json_object_set_new(object, "median_s", json_number(t->median));
    json_object_set_new(object, "low_s", json_number(t->low));
    json_object_set_new(object, "high_s", json_number(t->high));
    return object;
}

static json_t *line_json(const struct line *line, const struct wn_bench_machine *m,
                         const struct shape *s)
{
    const struct wn_bench *b = &line->bench;
    json_t *object = json_object();

    json_object_set_new(object, "filters", json_text(line->filters));
    if (line->err < 0) {
        json_object_set_new(object, "error", json_text(line->why));
        return object;
    }
    json_object_set_new(object, "rows_before", json_integer(b->rows_before));
    json_object_set_new(object, "rows_after", json_integer(b->rows_after));
    json_object_set_new(object, "bytes", json_integer(b->bytes));
    json_object_set_new(object, "flop", json_integer(b->flop));
    json_object_set_new(object, "limit_s", json_number(limit_of(b, m)));
    json_object_set_new(object, "segments", json_integer(b->segments));
    json_object_set_new(object, "calls", json_integer(b->calls));
    json_object_set_new(object, "submits", json_integer(b->submits));
    json_object_set_new(object, "cpu", time_json(&b->cpu));
    json_object_set_new(object, "cpu_kernels", time_json(&b->cpu_kernels));
    json_object_set_new(object, "cpu_share_of_limit",
                        json_number(limit_of(b, m) / b->cpu_kernels.median));
    if (*m->device) {
        json_object_set_new(object, "device", time_json(&b->device));
        json_object_set_new(object, "device_kernels", time_json(&b->device_kernels));
    }
    if (s->vit > 0)
        json_object_set_new(object, "share_of_encoder",
                            json_number(b->cpu.median / s->frames / s->vit));
    return object;
}

static int print_json(struct tool *tool, const struct line *line, int n,
                      const struct wn_bench_machine *m, const struct shape *s)
{
    json_t *object = json_result(tool, "ok"), *machine = json_object(), *cases = json_array();

    json_object_set_new(machine, "threads", json_integer(m->threads));
    json_object_set_new(machine, "read_bytes_per_s", json_number(m->read));
    json_object_set_new(machine, "copied_bytes_per_s", json_number(m->copied));
    json_object_set_new(machine, "flop_per_s", json_number(m->flop));
    json_object_set_new(machine, "device", json_text(m->device));
    if (*m->device) {
        json_object_set_new(machine, "device_copied_bytes_per_s", json_number(m->device_copied));
        json_object_set_new(machine, "submit_s", json_number(m->submit));
    }
    if (s->vit > 0)
        json_object_set_new(machine, "encoder_s_per_frame", json_number(s->vit));
    json_object_set_new(object, "machine", machine);
    json_object_set_new(object, "frames", json_integer(s->frames));
    json_object_set_new(object, "grid", json_pack("[ii]", s->grid_h, s->grid_w));
    json_object_set_new(object, "dim", json_integer(s->dim));
    for (int i = 0; i < n; i++)
        json_array_append_new(cases, line_json(&line[i], m, s));
    json_object_set_new(object, "cases", cases);
    return json_print(tool, object);
}

/* ---- the command ---- */

/* A chain that cannot run says so in its line; only a stop or a lack of memory ends the table. */
static int measure(struct tool *tool, struct job *job, struct line *line, int n,
                   const struct wn_bench_machine *m, const struct shape *s)
{
    for (int i = 0; i < n; i++) {
        line[i].bench.size = sizeof(line[i].bench);
        line[i].err = wn_bench_compress(job->session, wn_bench_params(
            .filters = line[i].filters,
            .n_frames = s->frames,
            .grid_h = s->grid_h,
            .grid_w = s->grid_w,
            .dim = s->dim,
            .rounds = (int)tool->opt.rounds), &line[i].bench);
        if (line[i].err == WN_ERR_ABORTED || line[i].err == WN_ERR_NOMEM ||
            (line[i].err < 0 && tool->opt.filters))
            return job_failed(tool, job, line[i].err);
        if (line[i].err < 0)
            snprintf(line[i].why, sizeof(line[i].why), "%s", wn_errmsg(job->session));
        if (!tool->opt.json) {
            print_line(&line[i], m, s);
            fflush(stdout);
        }
    }
    return STATUS_OK;
}

/* Memory that was freed stays at hand, as the allocator of a PyTorch tuned for speed has it: what
 * the system takes for handing pages out anew would hide what filters take. */
static void keep_memory(void)
{
#if defined(__GLIBC__)
    mallopt(M_MMAP_MAX, 0);
    mallopt(M_TRIM_THRESHOLD, INT32_MAX);
    mallopt(M_TOP_PAD, 1 << 28);
#endif
}

int run_bench(struct tool *tool)
{
    const struct options *o = &tool->opt;
    struct wn_bench_machine machine = {.size = sizeof(machine)};
    struct shape shape = {
        .frames = o->frames ? (int32_t)o->frames : 64,
        .dim = o->dim ? (int32_t)o->dim : 1024,
        .vit = o->vit_ms * 1e-3,
    };
    struct line *line = calloc(MOST, sizeof(*line));
    struct job job = {0};
    int n = 0, status = STATUS_OK;

    if (!strcmp(tool->args[0], "accuracy")) {
        free(line);
        return run_accuracy(tool);
    }
    if (!line)
        return tool_fail(tool, STATUS_NOMEM, "out of memory");
    keep_memory();
    if (strcmp(tool->args[0], "compress"))
        status = tool_fail(tool, STATUS_USAGE, "%s is not measured; see winnow bench --help",
                           tool->args[0]);
    else if (parse_grid(o->grid, &shape))
        status = tool_fail(tool, STATUS_USAGE, "--grid is HEIGHTxWIDTH, such as 24x24");
    if (status == STATUS_OK)
        status = job_session(&job, tool, o->model ? JOB_MODEL : 0);
    if (status == STATUS_OK) {
        const int err = wn_bench_machine(job.session, &machine);
        status = err < 0 ? job_failed(tool, &job, err) : STATUS_OK;
    }
    if (status != STATUS_OK)
        goto done;
    shape.vit = shape.vit > 0 ? shape.vit : machine.encoder;
    n = list_chains(tool, line);
    if (!o->json)
        print_machine(&machine, &shape);
    status = measure(tool, &job, line, n, &machine, &shape);
    if (status == STATUS_OK && o->json) {
        status = print_json(tool, line, n, &machine, &shape);
    } else if (status == STATUS_OK) {
        if (shape.vit > 0)
            print_dear(line, n, &machine, &shape);
        status = stdout_status(tool);
    }
done:
    job_close(&job, tool);
    free(line);
    return status;
}
