/* SPDX-License-Identifier: MIT */
/* What the library's filters declare, as a table, in full, as JSON or as the README's table. */
#include <stdio.h>
#include <string.h>

#include "tool.h"

static const char *const families[] = {
    "frame", "transformation", "similarity", "attention", "query", "baseline", "budget"};
#define N_FAMILIES (int)(sizeof(families) / sizeof(families[0]))

/* Families that are not in the list come last, in the order of the library. */
static int family_rank(const struct wn_filter_info *f)
{
    int i = 0;

    while (i < N_FAMILIES && strcmp(families[i], f->family))
        i++;
    return i;
}

static void bold(const struct tool *tool, const char *text)
{
    bool color = tool->term.color_out;
    printf("%s%s%s\n", color ? "\033[1m" : "", text, color ? "\033[0m" : "");
}

static void print_row(const struct wn_filter_info *f)
{
    printf("  %-14s %-12s %-10s %s\n", f->name, f->places, *f->needs ? f->needs : "-", f->brief);
    if (*f->paper)
        printf("%41s%s\n", "", f->paper);
}

static void print_presets(const struct tool *tool)
{
    bold(tool, "presets");
    for (int i = 0; wn_preset(i); i++) {
        const struct wn_preset_info *p = wn_preset(i);
        printf("  %-14s %s\n%17s%s\n", p->name, p->brief, "", p->chain);
    }
}

static int print_table(struct tool *tool)
{
    for (int rank = 0; rank <= N_FAMILIES; rank++) {
        const char *family = NULL;
        for (int i = 0; wn_filter(i); i++) {
            const struct wn_filter_info *f = wn_filter(i);
            if (family_rank(f) != rank)
                continue;
            if (!family || strcmp(family, f->family)) {
                bold(tool, f->family);
                family = f->family;
            }
            print_row(f);
        }
        if (family)
            putchar('\n');
    }
    print_presets(tool);
    return stdout_status(tool);
}

static int print_markdown(struct tool *tool)
{
    puts("| filter | family | acts on | needs | what it does | paper |\n"
         "|---|---|---|---|---|---|");
    for (int rank = 0; rank <= N_FAMILIES; rank++)
        for (int i = 0; wn_filter(i); i++) {
            const struct wn_filter_info *f = wn_filter(i);
            if (family_rank(f) == rank)
                printf("| `%s` | %s | %s | %s | %s | %s |\n", f->name, f->family, f->places,
                       f->needs, f->brief, f->paper);
        }
    return stdout_status(tool);
}

static void print_options(const struct tool *tool, const struct wn_filter_info *f)
{
    if (f->n_options == 0)
        return;
    putchar('\n');
    bold(tool, "options");
    for (int i = 0; i < f->n_options; i++) {
        const struct wn_option_info *o = &f->options[i];
        char left[64];

        snprintf(left, sizeof(left), "%s=%s", o->name, o->type);
        printf("  %-20s %s", left, o->help);
        if (o->def && *o->def)
            printf(" (default %s%s%s)", o->def, o->range && *o->range ? ", " : "",
                   o->range ? o->range : "");
        else if (o->range && *o->range)
            printf(" (%s)", o->range);
        putchar('\n');
    }
}

static int print_one(struct tool *tool, const struct wn_filter_info *f)
{
    printf("%s: %s\n\n", f->name, f->brief);
    printf("family   %s\nacts on  %s\n", f->family, f->places);
    if (*f->needs)
        printf("needs    %s\n", f->needs);
    if (*f->paper)
        printf("paper    %s\n", f->paper);
    print_options(tool, f);
    return stdout_status(tool);
}

static json_t *filter_json(const struct wn_filter_info *f)
{
    json_t *object = json_object(), *options = json_array();

    json_object_set_new(object, "name", json_string(f->name));
    json_object_set_new(object, "family", json_string(f->family));
    json_object_set_new(object, "places", json_string(f->places));
    json_object_set_new(object, "needs", json_string(f->needs));
    json_object_set_new(object, "brief", json_string(f->brief));
    json_object_set_new(object, "paper", json_string(f->paper));
    for (int i = 0; i < f->n_options; i++) {
        const struct wn_option_info *o = &f->options[i];
        json_t *item = json_object();
        json_object_set_new(item, "name", json_string(o->name));
        json_object_set_new(item, "type", json_string(o->type));
        json_object_set_new(item, "default", json_string(o->def ? o->def : ""));
        json_object_set_new(item, "range", json_string(o->range ? o->range : ""));
        json_object_set_new(item, "help", json_string(o->help ? o->help : ""));
        json_array_append_new(options, item);
    }
    json_object_set_new(object, "options", options);
    return object;
}

static int print_json(struct tool *tool, const struct wn_filter_info *only)
{
    json_t *object = json_result(tool, "ok");
    json_t *filters = json_array(), *presets = json_array();

    for (int i = 0; wn_filter(i); i++)
        if (!only || wn_filter(i) == only)
            json_array_append_new(filters, filter_json(wn_filter(i)));
    json_object_set_new(object, "filters", filters);
    for (int i = 0; !only && wn_preset(i); i++) {
        json_t *item = json_object();
        json_object_set_new(item, "name", json_string(wn_preset(i)->name));
        json_object_set_new(item, "brief", json_string(wn_preset(i)->brief));
        json_object_set_new(item, "chain", json_string(wn_preset(i)->chain));
        json_array_append_new(presets, item);
    }
    json_object_set_new(object, "presets", presets);
    return json_print(tool, object);
}

int run_filters(struct tool *tool)
{
    const struct wn_filter_info *f = NULL;

    if (tool->opt.json && tool->opt.markdown)
        return tool_fail(tool, STATUS_USAGE, "--json and --markdown exclude each other");
    if (tool->n_args > 0) {
        const char *names[128];
        const char *near;
        char shown[80];
        int n = 0;

        for (; n < 128 && wn_filter(n); n++) {
            names[n] = wn_filter(n)->name;
            if (!strcmp(names[n], tool->args[0]))
                f = wn_filter(n);
        }
        near = nearest(tool->args[0], names, n);
        escape(shown, sizeof(shown), tool->args[0]);
        if (!f && near)
            return tool_fail(tool, STATUS_USAGE, "no filter \"%s\"; did you mean %s?", shown, near);
        if (!f)
            return tool_fail(tool, STATUS_USAGE, "no filter \"%s\"; see winnow filters", shown);
    }
    if (tool->opt.json)
        return print_json(tool, f);
    if (tool->opt.markdown)
        return print_markdown(tool);
    return f ? print_one(tool, f) : print_table(tool);
}
