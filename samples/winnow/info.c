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

int run_info(struct tool *tool)
{
    struct wn_device_info device[MAX_DEVICES];
    int n = wn_devices(device, MAX_DEVICES);
    json_t *object, *build, *list;

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
