/* SPDX-License-Identifier: MIT */
/* What is kept on disk, for people: list, remove, check. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tool.h"

struct listing {
    struct tool *tool;
    json_t *list;   /* --json, or NULL */
    int64_t bytes;
    int n, damaged;
    char (*bad)[64]; /* names of damaged ones */
};

static const char *format_used(char *buf, size_t size, double used)
{
    const time_t when = (time_t)used;
    struct tm tm;

    if (!localtime_r(&when, &tm) || !strftime(buf, size, "%Y-%m-%d %H:%M", &tm))
        snprintf(buf, size, "-");
    return buf;
}

static int remember_bad(struct listing *l, const char *name)
{
    char (*more)[64] = realloc(l->bad, ((size_t)l->damaged + 1) * sizeof(*more));

    if (!more)
        return -1;
    l->bad = more;
    snprintf(more[l->damaged++], sizeof(*more), "%s", name);
    return 0;
}

static int list_entry(void *opaque, const struct wn_cache_entry *e)
{
    struct listing *l = opaque;
    char bytes[32], used[32], about[512];

    l->n++;
    l->bytes += e->bytes;
    if (e->damaged && remember_bad(l, e->name) < 0)
        return -1;
    if (l->list) {
        json_t *object = json_object();
        json_object_set_new(object, "name", json_text(e->name));
        json_object_set_new(object, "about", json_text(e->about));
        json_object_set_new(object, "bytes", json_integer(e->bytes));
        json_object_set_new(object, "used", json_number(e->used));
        json_object_set_new(object, "damaged", json_boolean(e->damaged));
        json_array_append_new(l->list, object);
        return 0;
    }
    printf("%-38s %10s  %s  %s%s\n", e->name, format_bytes(bytes, sizeof(bytes), (double)e->bytes),
           format_used(used, sizeof(used), e->used), escape(about, sizeof(about), e->about),
           e->damaged ? "  DAMAGED" : "");
    return 0;
}

/* Lists all entries; `verify` reads every byte and removes what is damaged. */
static int list_all(struct tool *tool, bool verify)
{
    struct listing l = {.tool = tool, .list = tool->opt.json ? json_array() : NULL};
    char bytes[32];
    int removed = 0;

    if (wn_cache_each(NULL, verify, list_entry, &l) < 0) {
        free(l.bad);
        return tool_fail(tool, STATUS_NOMEM, "out of memory for the list");
    }
    for (int i = 0; verify && i < l.damaged; i++)
        removed += wn_cache_remove(NULL, l.bad[i]);
    free(l.bad);
    if (l.list) {
        json_t *object = json_result(tool, "ok");
        json_object_set_new(object, "entries", l.list);
        json_object_set_new(object, "bytes", json_integer(l.bytes));
        json_object_set_new(object, "removed", json_integer(removed));
        return json_print(tool, object);
    }
    term_note(&tool->term, "%d entries, %s%s", l.n,
              format_bytes(bytes, sizeof(bytes), (double)l.bytes),
              removed ? "; the damaged ones are removed" : "");
    return stdout_status(tool);
}

static int remove_some(struct tool *tool, const char *name)
{
    char shown[128];
    const int n = wn_cache_remove(NULL, name);

    if (name && !n)
        return tool_fail(tool, STATUS_INPUT, "the cache has no \"%s\"; see winnow cache ls",
                         escape(shown, sizeof(shown), name));
    if (tool->opt.json) {
        json_t *object = json_result(tool, "ok");
        json_object_set_new(object, "removed", json_integer(n));
        return json_print(tool, object);
    }
    term_note(&tool->term, "%d entries removed", n);
    return STATUS_OK;
}

int run_cache(struct tool *tool)
{
    const char *what = tool->args[0], *name = tool->n_args > 1 ? tool->args[1] : NULL;
    char shown[128];

    if (!strcmp(what, "rm"))
        return remove_some(tool, name);
    if (name)
        return tool_fail(tool, STATUS_USAGE, "cache %s takes no name",
                         escape(shown, sizeof(shown), what));
    if (!strcmp(what, "ls") || !strcmp(what, "verify"))
        return list_all(tool, *what == 'v');
    return tool_fail(tool, STATUS_USAGE, "cache: \"%s\" is none of ls, rm, verify",
                     escape(shown, sizeof(shown), what));
}
