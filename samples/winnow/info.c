/* SPDX-License-Identifier: MIT */
#include <stdio.h>

#include "tool.h"

#define MAX_DEVICES 32

static void print_line(void *opaque, const char *name, const char *value)
{
    (void)opaque;
    printf("%-16s %s\n", name, value);
}

static void add_member(void *opaque, const char *name, const char *value)
{
    json_object_set_new((json_t *)opaque, name, json_text(value));
}

static void print_device(const struct wn_device_info *d)
{
    char memory[32];

    printf("%-16s %s", "device", d->name);
    if (*d->driver)
        printf(", %s", d->driver);
    if (d->software)
        printf(", software");
    if (d->subgroup > 0)
        printf(", subgroups of %d", (int)d->subgroup);
    if (d->memory > 0)
        printf(", %s", format_bytes(memory, sizeof(memory), (double)d->memory));
    puts(d->exact ? "" : ", decisions on the CPU");
}

static json_t *device_json(const struct wn_device_info *d)
{
    json_t *object = json_object();

    json_object_set_new(object, "name", json_text(d->name));
    json_object_set_new(object, "driver", json_text(d->driver));
    json_object_set_new(object, "software", json_boolean(d->software));
    json_object_set_new(object, "exact", json_boolean(d->exact));
    json_object_set_new(object, "subgroup", json_integer(d->subgroup));
    json_object_set_new(object, "memory_bytes", json_integer(d->memory));
    return object;
}

static json_t *packets_json(const struct wn_packet_info *p)
{
    json_t *object = json_object();

    json_object_set_new(object, "packets", json_integer(p->packets));
    json_object_set_new(object, "bytes", json_integer(p->bytes));
    json_object_set_new(object, "key_frames", json_integer(p->keys));
    json_object_set_new(object, "gop_shortest_s", json_number(p->shortest));
    json_object_set_new(object, "gop_median_s", json_number(p->median));
    json_object_set_new(object, "gop_longest_s", json_number(p->longest));
    json_object_set_new(object, "gop_most_packets", json_integer(p->most_packets));
    json_object_set_new(object, "chooses", json_boolean(p->chooses));
    json_object_set_new(object, "cached", json_boolean(p->cached));
    json_object_set_new(object, "index_s", json_number(p->seconds));
    return object;
}

static void print_video(const struct wn_media *m, const struct wn_packet_info *p)
{
    char length[32], bytes[32];

    printf("%-16s %s in %s, %d x %d%s\n", "video", m->codec, m->container, (int)m->width,
           (int)m->height, m->still ? ", one picture" : "");
    if (m->rotation)
        printf("%-16s %d degrees, applied\n", "turned", (int)m->rotation);
    if (!m->still)
        printf("%-16s %s, %.6g frames a second\n", "length",
               format_time(length, sizeof(length), m->duration), m->fps);
    if (!p->packets)
        return;
    printf("%-16s %lld, %s\n", "packets", (long long)p->packets,
           format_bytes(bytes, sizeof(bytes), (double)p->bytes));
    printf("%-16s %lld, %.3g to %.3g s apart, median %.3g s, at most %lld packets\n", "key frames",
           (long long)p->keys, p->shortest, p->longest, p->median, (long long)p->most_packets);
    printf("%-16s %.1f ms%s%s\n", "index", p->seconds * 1e3, p->cached ? ", kept from before" : "",
           p->chooses ? "" : "; frames cannot be chosen by it");
}

static int info_of_video(struct tool *tool)
{
    struct wn_packet_info packets = {.size = sizeof(packets)};
    struct wn_media media = {.size = sizeof(media)};
    struct job job;
    int status, err;

    tool->file = tool->args[0];
    status = job_open(&job, tool, 0);
    if (status == STATUS_OK) {
        err = wn_source_packets(job.source, &packets);
        status = err < 0 ? job_failed(tool, &job, err) : STATUS_OK;
    }
    if (status == STATUS_OK) {
        wn_source_media(job.source, &media);
        if (tool->opt.json) {
            json_t *object = json_result(tool, "ok");
            json_object_set_new(object, "media", json_media(&media));
            json_object_set_new(object, "packets", packets_json(&packets));
            status = json_print(tool, object);
        } else {
            print_video(&media, &packets);
            status = stdout_status(tool);
        }
    }
    job_close(&job, tool);
    return status;
}

int run_info(struct tool *tool)
{
    struct wn_device_info device[MAX_DEVICES];
    json_t *object, *build, *list;

    if (tool->n_args)
        return info_of_video(tool);
    int n = wn_devices(device, MAX_DEVICES);

    n = n < 0 ? 0 : n > MAX_DEVICES ? MAX_DEVICES : n;
    if (!tool->opt.json) {
        wn_build_info(print_line, NULL);
        for (int i = 0; i < n; i++)
            print_device(&device[i]);
        return stdout_status(tool);
    }
    object = json_result(tool, "ok");
    build = json_object();
    list = json_array();
    wn_build_info(add_member, build);
    json_object_set_new(object, "build", build);
    for (int i = 0; i < n; i++)
        json_array_append_new(list, device_json(&device[i]));
    json_object_set_new(object, "devices", list);
    return json_print(tool, object);
}

int run_version(struct tool *tool)
{
    unsigned v = wn_version();

    if (tool->opt.json)
        return json_print(tool, json_result(tool, "ok"));
    printf("winnow %u.%u.%u\n", v >> 16, v >> 8 & 255, v & 255);
    return stdout_status(tool);
}
