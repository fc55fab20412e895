/* SPDX-License-Identifier: MIT */
#include "manifest.h"

#include <dirent.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "options.h"
#include "term.h"

#define MAX_LINE (1 << 20)
#define MAX_ID 4096
#define MAX_DEPTH 64

static const char *const endings[] = {"3gp", "avi", "flv", "gif", "m2ts", "m4v", "mkv", "mov",
                                      "mp4", "mpeg", "mpg", "mts", "ogv", "ts", "vob", "webm",
                                      "wmv", "y4m"};

static char *copy(const char *text)
{
    const size_t n = strlen(text) + 1;
    char *to = malloc(n);

    if (to)
        memcpy(to, text, n);
    return to;
}

static char *join(const char *folder, const char *name)
{
    const size_t n = strlen(folder) + strlen(name) + 2;
    char *path = *folder && *name != '/' ? malloc(n) : copy(name);

    if (path && *folder && *name != '/')
        snprintf(path, n, "%s%s%s", folder, folder[strlen(folder) - 1] == '/' ? "" : "/", name);
    return path;
}

static void item_free(struct item *item)
{
    free(item->id);
    free(item->path);
    free(item->question);
    free(item->prompt);
    json_decref(item->meta);
}

/* Takes the item, also when it fails. */
static int add(struct manifest *m, struct item *item)
{
    struct stat st;

    if (!item->id || !item->path)
        goto fail;
    if (m->n == m->cap) {
        const int64_t cap = m->cap ? 2 * m->cap : 256;
        struct item *list = realloc(m->item, (size_t)cap * sizeof(*list));
        if (!list)
            goto fail;
        m->item = list;
        m->cap = cap;
    }
    item->bytes = stat(item->path, &st) == 0 ? st.st_size : 0;
    m->item[m->n++] = *item;
    return 0;
fail:
    item_free(item);
    errno = ENOMEM;
    return -1;
}

/* ---- a folder ---- */

static bool is_video(const char *name)
{
    const char *dot = strrchr(name, '.');

    for (size_t i = 0; dot && i < sizeof(endings) / sizeof(endings[0]); i++)
        if (!strcasecmp(dot + 1, endings[i]))
            return true;
    return false;
}

static int compare_names(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int add_folder(struct manifest *m, const char *folder, const char *below, int depth)
{
    struct dirent **list = NULL;
    const int n = scandir(folder, &list, visible, compare_names);
    int bad = n < 0 ? -1 : 0;

    for (int i = 0; i < n; i++) {
        const char *name = list[i]->d_name;
        char *path = bad ? NULL : join(folder, name), *id = bad ? NULL : join(below, name);
        struct stat st;

        if (!bad && (!path || !id))
            bad = -1;
        /* A link to a folder is not followed: it might lead in a circle. */
        if (!bad && lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            bad = depth < MAX_DEPTH ? add_folder(m, path, id, depth + 1) : 0;
        } else if (!bad && is_video(name) && stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            bad = add(m, &(struct item){.id = id, .path = path});
            id = path = NULL;
        }
        free(path);
        free(id);
        free(list[i]);
    }
    free(list);
    return bad;
}

/* ---- a file ---- */

struct reader {
    struct manifest *m;
    const char *name;
    char *folder;
    int64_t line;
    char *why;
    size_t why_size;
};

static int complain(const struct reader *r, const char *fmt, ...) PRINTF(2, 3);
static int complain(const struct reader *r, const char *fmt, ...)
{
    char what[256];
    va_list args;

    va_start(args, fmt);
    vsnprintf(what, sizeof(what), fmt, args);
    va_end(args);
    snprintf(r->why, r->why_size, "%s: line %lld: %s", r->name, (long long)r->line, what);
    return -1;
}

/* A text member; *bad where it is something else. */
static char *take_text(json_t *object, const char *key, bool *bad)
{
    const json_t *value = json_object_get(object, key);
    const char *text = json_string_value(value);

    if (!value || json_is_null(value))
        return NULL;
    if (!text || !*text || strlen(text) > MAX_LINE) {
        *bad = true;
        return NULL;
    }
    return copy(text);
}

static double take_time(json_t *object, const char *key, bool *bad)
{
    const json_t *value = json_object_get(object, key);
    double time = json_number_value(value);

    if (!value || json_is_null(value))
        return 0;
    if (json_is_string(value))
        *bad |= parse_time(json_string_value(value), &time) < 0;
    else
        *bad |= !json_is_number(value) || !(time >= 0) || time > 1e9;
    return time;
}

static int add_object(struct reader *r, const char *line)
{
    json_error_t error;
    json_t *object = json_loads(line, JSON_REJECT_DUPLICATES, &error);
    bool bad = false;

    if (!json_is_object(object)) {
        json_decref(object);
        return complain(r, "%s", object ? "no object" : error.text);
    }
    char *path = take_text(object, "path", &bad);
    struct item item = {
        .id = take_text(object, "id", &bad),
        .start = take_time(object, "start", &bad),
        .end = take_time(object, "end", &bad),
        .question = take_text(object, "question", &bad),
        .prompt = take_text(object, "prompt", &bad),
        .meta = json_incref(json_object_get(object, "meta")),
    };
    const bool none = !json_object_get(object, "path");
    json_decref(object);
    if (bad || none || (item.end > 0 && item.end <= item.start)) {
        item_free(&item);
        free(path);
        return complain(r, none ? "no \"path\"" : "a member has no value that it can have");
    }
    if (!item.id)
        item.id = path ? copy(path) : NULL;
    item.path = path ? join(r->folder, path) : NULL;
    free(path);
    if (item.id && strlen(item.id) > MAX_ID) {
        item_free(&item);
        return complain(r, "the id is too long");
    }
    return add(r->m, &item) < 0 ? complain(r, "out of memory") : 0;
}

static int add_line(struct reader *r, char *line, size_t n)
{
    while (n && strchr("\r\n \t", line[n - 1]))
        line[--n] = '\0';
    line += strspn(line, " \t");
    if (!*line)
        return 0;
    if (strlen(line) > MAX_LINE)
        return complain(r, "longer than %d bytes", MAX_LINE);
    if (*line == '{')
        return add_object(r, line);
    if (strlen(line) > MAX_ID)
        return complain(r, "the path is too long");
    return add(r->m, &(struct item){.id = copy(line), .path = join(r->folder, line)}) < 0
               ? complain(r, "out of memory") : 0;
}

static int read_lines(struct reader *r)
{
    FILE *f = fopen(r->name, "r");
    const char *slash = strrchr(r->name, '/');
    char *line = NULL;
    size_t cap = 0;
    ssize_t n = 0;
    int bad = 0;

    if (!f) {
        snprintf(r->why, r->why_size, "%s: cannot be opened: %s", r->name, strerror(errno));
        return -1;
    }
    r->folder = copy(slash ? r->name : "");
    if (r->folder && slash)
        r->folder[slash - r->name + 1] = '\0';
    for (; !bad && r->folder && (n = getline(&line, &cap, f)) >= 0;) {
        r->line++;
        bad = strlen(line) != (size_t)n ? complain(r, "a zero byte") : add_line(r, line, (size_t)n);
    }
    if (!bad && (ferror(f) || !r->folder)) {
        snprintf(r->why, r->why_size, "%s: cannot be read: %s", r->name, strerror(errno));
        bad = -1;
    }
    free(line);
    free(r->folder);
    fclose(f);
    return bad;
}

/* ---- the whole ---- */

static int compare_ids(const void *a, const void *b)
{
    return strcmp((*(struct item *const *)a)->id, (*(struct item *const *)b)->id);
}

static int sort(struct manifest *m)
{
    free(m->by_id);
    m->by_id = calloc((size_t)m->n + 1, sizeof(*m->by_id));
    if (!m->by_id)
        return -1;
    for (int64_t i = 0; i < m->n; i++)
        m->by_id[i] = &m->item[i];
    qsort(m->by_id, (size_t)m->n, sizeof(*m->by_id), compare_ids);
    return 0;
}

int manifest_read(struct manifest *out, const char *path, char *why, size_t why_size)
{
    struct reader r = {.m = out, .name = path, .why = why, .why_size = why_size};
    struct stat st;
    int bad;

    *out = (struct manifest){0};
    if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
        bad = add_folder(out, path, "", 0);
        if (bad)
            snprintf(why, why_size, "%s: cannot be read: %s", path, strerror(errno));
    } else {
        bad = read_lines(&r);
    }
    if (!bad && sort(out) < 0) {
        snprintf(why, why_size, "out of memory for %lld items", (long long)out->n);
        bad = -1;
    }
    for (int64_t i = 1; !bad && i < out->n; i++) {
        char shown[256];
        if (strcmp(out->by_id[i - 1]->id, out->by_id[i]->id))
            continue;
        snprintf(why, why_size, "%s: the id \"%s\" stands twice", path,
                 escape(shown, sizeof(shown), out->by_id[i]->id));
        bad = -1;
    }
    return bad;
}

void manifest_take_shard(struct manifest *m, int index, int count)
{
    int64_t n = 0;

    for (int64_t i = 0; i < m->n; i++) {
        struct item *item = &m->item[i];
        if (XXH3_64bits(item->id, strlen(item->id)) % (unsigned)count == (unsigned)index)
            m->item[n++] = *item;
        else
            item_free(item);
    }
    m->n = n;
    for (int64_t i = 0; i < n; i++)
        m->by_id[i] = &m->item[i];
    qsort(m->by_id, (size_t)n, sizeof(*m->by_id), compare_ids);
}

struct item *manifest_find(const struct manifest *m, const char *id)
{
    struct item key = {.id = (char *)id}, *pointer = &key;
    struct item **found =
        bsearch(&pointer, m->by_id, (size_t)m->n, sizeof(*m->by_id), compare_ids);

    return found ? *found : NULL;
}

void manifest_free(struct manifest *m)
{
    for (int64_t i = 0; i < m->n; i++)
        item_free(&m->item[i]);
    free(m->item);
    free(m->by_id);
    *m = (struct manifest){0};
}
